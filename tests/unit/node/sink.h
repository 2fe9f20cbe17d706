/*
 * A receiver for the node's tests: plain HTTP/1.1 on 127.0.0.1, in a thread
 * of its own. It answers by path as it is told and remembers what came.
 */
#ifndef TESTS_UNIT_NODE_SINK_H
#define TESTS_UNIT_NODE_SINK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink;

#define SINK_HOLD 0 /* takes the request and does not answer */

struct sink *sink_start(void);
void sink_stop(struct sink **s);
uint16_t sink_port(const struct sink *s);
/* From now on requests to this path get this status. 200 at first. */
void sink_answer(struct sink *s, const char *path, int status);
/* The same, with a body. */
void sink_reply(struct sink *s, const char *path, int status, const char *type, const char *body);
/* Requests to path whose body holds needle ("" for all). */
size_t sink_count(struct sink *s, const char *path, const char *needle);
/* Waits for the next request, at most 10 ms: for loops that look at a condition of another kind as well. */
void sink_breathe(struct sink *s);

#endif
