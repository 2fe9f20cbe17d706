/* What the files of the node share: the one struct that holds its parts. Each part is used through its own header. */
#ifndef NODE_PARTS_H
#define NODE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "node/book.h"
#include "node/clerk.h"
#include "node/committer.h"
#include "node/directory.h"
#include "node/fresh.h"
#include "node/node.h"
#include "node/readers.h"
#include "node/replay.h"
#include "node/shard.h"
#include "node/upkeep.h"

struct node {
	struct node_options options; /* strings are copies */
	struct node_hooks hooks;     /* functions may be NULL */
	struct node_taps taps;	     /* likewise */
	char *data_dir, *bind_address, *dns_servers;
	struct clock clock;
	struct log *log;
	int64_t started_ms;

	struct store *store; /* the committer's thread's, once that runs */
	struct committer *committer;
	struct readers *readers;
	struct directory *directory;
	struct shard **shards;
	unsigned shard_count;
	struct clerk *clerk;
	struct replays *replays;
	struct upkeep *upkeep;

	pthread_mutex_t change_lock; /* one change of settings at a time */

	int broken_fd;
	_Atomic bool stopping;
	_Atomic uint64_t accepted, duplicates, refused_busy;
	_Atomic int64_t queue_bytes, queue_events;
	_Atomic int64_t retention_ms, dead_retention_ms, stop_ms; /* node_tune */
	_Atomic int64_t last_seq;				  /* of the log, as of the last commit */
	_Atomic int64_t last_event_seq;				  /* given to the shards */
	_Atomic int64_t store_bytes;

	struct fresh *fresh;	/* the store thread's own */
	int64_t recovered_rows; /* read by recovery so far */
};

/* Where an endpoint lives. */
static inline struct shard *node_shard(const struct node *n, uint64_t number)
{
	return n->shards[hash_u64(number) % n->shard_count];
}

/* 0, or why so much that is new cannot be taken now: ERR_BUSY, or what the store says. */
int node_may_submit(const struct node *n, size_t bytes);
/* Recovery has read one more row: now and then, who waits for the start is told. */
void node_progress(struct node *n);
/* The lowest floor of all shards. */
int64_t node_floor(const struct node *n);
/* A fault for a change that cannot be taken now, 0 when it can: ERR_BUSY while stopping, ERR_FULL, ERR_IO. */
int node_may_change(struct node *n, struct fault *fault);
/* The fault that fits an error of the store. Returns err. */
int node_store_fault(int err, struct fault *fault);

#endif
