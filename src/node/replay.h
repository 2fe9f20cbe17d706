/*
 * Replays: events that are sent again to one endpoint, as durable
 * tasks with a cursor. The API's functions are in node.h.
 */
#ifndef NODE_REPLAY_H
#define NODE_REPLAY_H

#include "store/store.h"

struct node;
struct replays;

struct replays *replays_new(struct node *n);
void replays_free(struct replays **rs);
/* Those of the last run, from the store; before the threads start. */
int replays_load(struct replays *rs, struct store *store, struct fault *fault);
/* Moves each running replay on by a step; on the clerk's thread. Milliseconds until the next call. */
int64_t replays_go(struct replays *rs);
/* The lowest seq that a running replay still needs, 0 when there is none. Any thread. */
int64_t replays_keep_from(struct replays *rs);
/* Forgets those that ended before this time; on the clerk's thread. */
void replays_forget(struct replays *rs, int64_t before_ms);

#endif
