/*
 * Operational webhooks: what an operator wants to be told of postrider itself, as ordinary events of a project of his
 * own (setting operations_project), delivered by the engine to those of its endpoints that ask for them by name:
 *
 *	endpoint_failing    an endpoint is in trouble: new events wait, one probe at a time is sent
 *	endpoint_recovered  and takes events again
 *	endpoint_disabled   switched off by itself (410, or failing for too long)
 *	dead_letter         events failed for good: how many, and the first of them
 *
 * The taps only note, in memory and bounded; the watchman tells. An endpoint that flaps, and a flood of dead letters,
 * are told at most once a minute and endpoint. Endpoints of the operator's own project are not told of: a receiver that
 * is away would otherwise cause events for itself.
 */
#ifndef WATCH_OPERATIONS_H
#define WATCH_OPERATIONS_H

#include "base/log.h"
#include "node/node.h"

struct operations;

#define OPERATIONS_ENDPOINTS_MAX 10000 /* of which something is noted at once; further ones only count in the log */
#define OPERATIONS_EVERY_MS	 60000

/* project: copied; NULL or empty: nothing is noted or told. */
struct operations *operations_new(const char *project, struct log *log);
void operations_free(struct operations **o);

/* --- as the taps of the same name; any thread --- */
void operations_state(struct operations *o, const struct endpoint *ep, enum lane_state now, const char *why);
void operations_attempt(struct operations *o, const struct attempt_row *row);

/* Tells what is due, and waits for it to be on disk: on the watchman's thread. */
void operations_tell(struct operations *o, struct node *node, int64_t now_ms);

#endif
