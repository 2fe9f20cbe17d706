/* Services of the town: made over REST, given messages, and what they left behind. */
#ifndef TESTS_UNIT_HUB_STAFF_H
#define TESTS_UNIT_HUB_STAFF_H

#include "folk.h"

#define STAFF_PHONE  "PN1"
#define STAFF_NUMBER "+46700000001"
#define STAFF_SENDER "+46701112233"

/* The town with a phone; for cmocka_unit_test_setup_teardown, with town_end. */
int staff_begin(void **state);
/* A service from its parameters (printf); its id. */
void staff_service(struct town *t, char ret[64], const char *params, ...) __attribute__((format(printf, 3, 4)));
/* Config of a webhook at this path of the receiver that is tried again soon; further members as ",…". In the town. */
const char *staff_webhook(struct town *t, const char *path, const char *more);
/* A message has come in, from STAFF_SENDER; its id. */
void staff_message(struct town *t, char ret[64], const char *content);
/* How many messages went out with this content. */
size_t staff_sent(struct town *t, const char *content);
/* How many log entries there are of a service ("": of all) whose content holds this; the town's answer is the list. */
size_t staff_logged(struct town *t, const char *service, const char *text);
/* Waits until nothing of the message is under way. */
void staff_settle(struct town *t, const char *message);

#endif
