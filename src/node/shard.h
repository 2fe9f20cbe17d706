/*
 * One loop thread: an engine, an HTTP client and an inbox. The engine computes, the client sends, the committer writes;
 * this file's threads carry between them. Endpoints are spread over the shards by their number.
 */
#ifndef NODE_SHARD_H
#define NODE_SHARD_H

#include "engine/engine.h"
#include "node/node.h"

struct shard;

/* Something to be done on the loop: embedded in what its sender keeps about it. run owns it. */
struct message {
	struct message *next;
	void (*run)(struct message *m, struct shard *sh);
};

/* Makes the engine, with which recovery works on the caller's thread; nothing runs yet. */
struct shard *shard_new(struct node *n, unsigned index);
/* Starts the loop. */
int shard_start(struct shard *sh, struct fault *fault);
/* Any thread, never blocks. Messages run in order. */
void shard_post(struct shard *sh, struct message *m);
/* Committed events, in order of seq, for the engine; references are taken. Only from the store thread. */
void shard_events(struct shard *sh, struct event *const *events, size_t count);
/* The engine: only on the loop's thread, or before shard_start. */
struct engine *shard_engine(struct shard *sh);
/* The time of this turn. */
int64_t shard_now_ms(const struct shard *sh);

/* All events up to this are settled or pending, durably, here. Any thread. */
int64_t shard_floor(const struct shard *sh);
/* Before shard_start: reads the floor from the engine. */
void shard_floor_init(struct shard *sh);
/* Bytes of events that wait in the inbox. Any thread. */
size_t shard_backlog(const struct shard *sh);

/* On the loop: what became of a transaction that the engine has part in; takes tx over. */
void shard_committed(struct shard *sh, struct tx *tx, int err);
/* On the loop: the store broke, so this can never be parked, and nobody needs to wait for it. */
void shard_broke(struct shard *sh);

/*
 * Asks the loop for a sign of life, and how long it owes the one that was asked for before, in milliseconds; 0 when it
 * owes none. For one thread at a time.
 */
int64_t shard_silence_ms(struct shard *sh);

/* Begins to stop: batches go at once, and when nothing is on the wire the rest is parked. */
void shard_begin_stop(struct shard *sh);
/*
 * Waits until all is parked on disk; after deadline (clock_mono_us) what is on the wire is cut off first, and after a
 * further second it gives up: false, as it does when the store broke.
 */
bool shard_wait_parked(struct shard *sh, int64_t deadline_us);
/*
 * From now on the engine takes no turn and the committer gets nothing from here, though answers may still come; waits
 * until that is so. Before committer_stop: what could not be parked goes on working until now.
 */
void shard_halt(struct shard *sh);
/*
 * Ends the loop and its thread, frees the engine with all it holds. It must have been halted, and the committer have
 * ended. Also for one that was never started.
 */
void shard_free(struct shard **sh);

/* One exchange outside the queue; see node_send_once. */
void shard_send_once(struct shard *sh, struct endpoint *ep, struct event *const *events, size_t count,
		     void (*done)(void *ctx, const struct request *rq, const struct http_answer *answer,
				  const struct fault *fault),
		     void *ctx);

#endif
