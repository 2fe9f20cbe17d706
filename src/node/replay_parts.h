/* What the files of replays share: the task, its list and its document. */
#ifndef NODE_REPLAY_PARTS_H
#define NODE_REPLAY_PARTS_H

#include "node/parts.h"

enum replay_state { REPLAY_RUNNING, REPLAY_DONE, REPLAY_CANCELLED };

struct replay {
	char id[ID_BYTES];
	uint64_t number, endpoint;
	struct replay_query query;
	enum replay_state state;
	int64_t cursor, last_seq;
	int64_t total, queued;
	int64_t created_ms, ended_ms;
};

struct replays {
	struct node *node;
	pthread_mutex_t lock; /* over the list and the contents */
	struct sorted by_id;
};

/* Puts the task into tx as its document. */
void replay_put(struct tx *tx, const struct replay *r);
/* What the task is from now on; only on the store thread, after the commit that says so. */
void replay_becomes(struct replays *rs, struct replay *r, const struct replay *as);
/* Tells the shard that count ready rows have come (the smallest is lowest), or have gone. */
void replay_tell(struct node *n, uint64_t endpoint, int64_t count, int64_t lowest, bool removed);

#endif
