/* Which events a replay would send again: a walk over dead letters, or over the log. */
#ifndef NODE_SCAN_H
#define NODE_SCAN_H

#include "node/directory.h"
#include "node/node.h"

struct candidate {
	int64_t seq;
	uint64_t order_hash;
};

struct scan {
	struct directory *directory;
	struct endpoint *endpoint; /* borrowed */
	struct replay_query query;
	int64_t cursor; /* everything up to this has been looked at */
	int64_t upto;	/* and up to this it is to be */
	size_t max;	/* candidates a step */
	uint32_t look;	/* rows looked at a step */
	/* of the last step */
	struct candidate *found;
	size_t count, cap;
	/* its own */
	struct organization_cache cache;
};

/* Looks from the cursor on and moves it. 0, or an error of the store. */
int scan_step(struct scan *s, struct store *reader, struct fault *fault);
/* Moves the cursor to a place before the first event accepted at ms, so that the log before it need not be read. */
void scan_seek(struct scan *s, struct store *reader, int64_t ms);
void scan_free(struct scan *s);

#endif
