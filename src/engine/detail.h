/*
 * The opaque part of an attempt row: timings, the reason in words, the capped answer. The request is not in it: it is
 * rendered again from event and revision when somebody asks, which gives the same bytes.
 */
#ifndef ENGINE_DETAIL_H
#define ENGINE_DETAIL_H

#include "base/buf.h"
#include "base/http.h"

#define DETAIL_OK_BODY_MAX     1024  /* kept of a good answer's body */
#define DETAIL_FAILED_BODY_MAX 16384 /* and of any other */
#define DETAIL_HEADERS_MAX     4096

struct attempt_detail {
	int64_t duration_us;
	struct http_timings timings;
	struct slice reason;
	struct slice headers, body; /* of the answer */
	uint32_t body_size;	    /* before it was cut */
};

void detail_encode(const struct attempt_detail *d, struct buf *out);
/* Slices point into s. false when s is no detail. */
bool detail_decode(struct slice s, struct attempt_detail *ret);

#endif
