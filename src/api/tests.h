/* Test requests under way: the API waits for an endpoint's answer, but not for ever, and not at a stop. */
#ifndef API_TESTS_H
#define API_TESTS_H

#include "api/call.h"

struct tests;

struct tests *tests_new(void);
/*
 * Sends the events, so many as a request of ep takes, to ep once and answers c with what
 * came back. References are taken.
 */
void tests_send(struct tests *t, struct call *c, struct endpoint *ep, struct event *const *events, size_t count);
/* Answers all that wait with 503; further ones are answered at once. */
void tests_quiesce(struct tests *t);
/* After node_stop. */
void tests_free(struct tests **t);

#endif
