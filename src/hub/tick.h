/*
 * What is due: steps of the test route, broadcasts going on, service logs growing old. One thread waits for the next
 * due time and runs what is due in commits of bounded size. Objects of other kinds have no due time; mails too have
 * none, the mailer finds its own by walking KIND_MAIL.
 */
#ifndef HUB_TICK_H
#define HUB_TICK_H

#include "hub/record.h"

struct tick;
struct tick *tick_new(void);
/* Starts its thread; the node is borrowed until tick_stop. */
int tick_start(struct tick *t, struct hub *h, struct node *node, struct fault *fault);
void tick_stop(struct tick *t);
void tick_free(struct tick **t);
/*
 * Something new may be due before what the thread waits for: said by record_save. Any thread, also inside a commit,
 * started or not.
 */
void tick_poke(struct tick *t, int64_t due_ms);
/*
 * Does all that is due up to now_ms, at most `most` (a broadcast, which sends a part of its messages, counts as 100);
 * returns whether there may be more. For the thread and for tests.
 */
bool tick_due(struct deed *d, int64_t now_ms, uint32_t most);

/*
 * By kind: what is to be done with a due object, which saves it with another due time, without one, or deletes it.
 * Messages: route.h; broadcast.c, service_log.c: old entries go.
 */
void broadcast_step(struct deed *d, struct record *broadcast);
void service_log_due(struct deed *d, struct record *entry);

#endif
