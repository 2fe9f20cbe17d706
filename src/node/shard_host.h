/*
 * What a shard's engine asks of the world: send, commit, load, and the rest of struct engine_host, mapped to the
 * client, the committer and the clerk. All functions on the loop's thread unless said otherwise.
 */
#ifndef NODE_SHARD_HOST_H
#define NODE_SHARD_HOST_H

#include <uv.h>

#include "engine/engine.h"
#include "node/node.h"
#include "node/shard.h"

struct shard_host;

/* touch(shard) marks the loop's turn as due. Fills *ret for engine_new. */
struct shard_host *shard_host_new(struct node *n, struct shard *sh, uv_loop_t *loop, void (*touch)(void *shard),
				  struct engine_host *ret);
/* Makes the HTTP client on the loop. */
int shard_host_open(struct shard_host *h, struct fault *fault);
/* Ends what is on the wire as failed, for a stop whose patience is over. */
void shard_host_cut_off(struct shard_host *h);
/*
 * From now on nothing goes to the committer: what the engine wants
 * written is kept as unwritten, what it wants loaded does not come.
 */
void shard_host_halt(struct shard_host *h);
/* Closes the client; the engine is freed already. closed runs from the loop when the client has left it. */
void shard_host_close(struct shard_host *h, void (*closed)(void *shard), void *shard);
void shard_host_free(struct shard_host **h);

/* Any thread: the message that starts an exchange outside the queue. */
struct message *shard_host_once(struct shard_host *h, struct endpoint *ep, struct event *const *events, size_t count,
				void (*done)(void *ctx, const struct request *rq, const struct http_answer *answer,
					     const struct fault *fault),
				void *ctx);

/*
 * A transaction that could not be written because the store broke is kept
 * for the end, because the engine's receipts hang on it. Takes tx over.
 */
void shard_host_unwritten(struct shard_host *h, struct tx *tx);
/* The end: hands them to the engine, so that it frees what hangs on them. */
void shard_host_release(struct shard_host *h, struct engine *e);

#endif
