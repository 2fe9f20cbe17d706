/* What an answer means for the delivery and for its endpoint. Pure. */
#ifndef ENGINE_VERDICT_H
#define ENGINE_VERDICT_H

#include "dialect/endpoint.h"

enum verdict_kind {
	VERDICT_OK,    /* delivered */
	VERDICT_RETRY, /* not now */
	/* 400, 413, 422: the receiver does not like the content; a batch is split when that happens again (W13) */
	VERDICT_REFUSED,
	VERDICT_GONE /* 410: the endpoint wants nothing any more */
};

struct verdict {
	enum verdict_kind kind;
	int code;		/* HTTP status or -enum failure */
	int64_t retry_after_ms; /* asked for by 429, 503 and what throttles, capped; 0: not asked */
	bool throttle;		/* the endpoint's settings take this answer for a sign of too much */
};

/* now_ms: Unix time, for a Retry-After that is a date. */
struct verdict verdict_of(const struct endpoint *ep, const struct http_answer *answer, int64_t now_ms,
			  int64_t retry_after_max_ms);

#endif
