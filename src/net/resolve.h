/*
 * Name look-up for the client: c-ares on the loop, a cache, and the address guard behind it. Nothing blocks. An answer
 * in which one address may not be connected to is refused as a whole: who mixes public and private addresses wants one
 * check to see the first and the connection to meet the second.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include <netinet/in.h>
#include <uv.h>

#include "base/failure.h"
#include "net/guard.h"

struct resolve;
struct resolve_query;

/* At most this many addresses of one name are handed on; all of them are checked. */
#define RESOLVE_ADDRESSES_MAX 16

union resolve_address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct resolve_answer {
	enum failure failure; /* NONE, DNS or REFUSED_ADDRESS */
	bool heard;	      /* on failure: a name server answered all the same, that there is no such name */
	uint64_t serial;      /* no two look-ups share one */
	size_t count;
	union resolve_address addresses[RESOLVE_ADDRESSES_MAX]; /* the port is 0 */
	char reason[400];					/* a sentence; empty on success */
};

struct resolve_options {
	const struct guard *guard;	/* borrowed */
	const char *servers;		/* c-ares CSV, NULL: the system's */
	int64_t ttl_min_ms, ttl_max_ms; /* bounds of how long an answer is kept; 0, 0: 5 s and 5 min */
};

/* ERR_INVALID for a bad server list, ERR_SYSTEM when c-ares cannot start. */
int resolve_new(uv_loop_t *loop, const struct resolve_options *options, struct resolve **ret, struct fault *fault);
/* Drops all queries (their callbacks do not run); closed runs from the loop when nothing is left in it. */
void resolve_close(struct resolve **r, void (*closed)(void *ctx), void *ctx);

/*
 * The good answer in the cache, or NULL. name: lower case, without the trailing dot. Valid until the loop's next turn.
 */
const struct resolve_answer *resolve_cached(struct resolve *r, const char *name);
/* answer is borrowed for the length of the call. */
typedef void resolve_done_fn(void *ctx, const struct resolve_answer *answer);
/*
 * Asks the name servers, or joins a question already under way. done runs once, from the loop, never inside this call.
 */
struct resolve_query *resolve_ask(struct resolve *r, const char *name, resolve_done_fn *done, void *ctx);
/* done will not run. The question itself goes on and fills the cache. */
void resolve_cancel(struct resolve_query **query);

#endif
