/*
 * The exact request for some events at one endpoint. Pure: the same input gives the same bytes, so a retry after a
 * restart is byte for byte the same body.
 */
#ifndef DIALECT_REQUEST_H
#define DIALECT_REQUEST_H

#include "base/arena.h"
#include "dialect/endpoint.h"

#define DELIVERY_ID_BYTES 34 /* "d" + 32 hex digits + NUL */
#define REQUEST_BODY_MAX  (16u * 1024 * 1024)

/* Digest of endpoint (owner, id) and the items' event ids, in order: survives crash, retry and restart. */
void delivery_id(const struct endpoint *ep, struct event *const *events, size_t count, char ret[DELIVERY_ID_BYTES]);

struct request {
	struct http_request http; /* points into the request's own memory and the endpoint's */
	char delivery_id[DELIVERY_ID_BYTES];
	struct buf body;
	struct arena arena;
};

/*
 * Renders the events, in order, as one request; the batch rules (W6 - W9) are the endpoint's. Takes as many from the
 * front as batch.max_bytes allows, at least one, when trim is set; all of them otherwise (a retry). attempt counts from
 * 1; now_s is the Unix time for webhook-timestamp and signatures. count <= max(1, batch.max_items), and the events
 * agree in endpoint_group. *ret_taken says how many went in. On failure (ERR_INVALID, ERR_TOO_BIG) *fault says why the
 * event at index *ret_taken cannot be rendered. request_free in any case.
 */
int request_render(const struct endpoint *ep, struct event *const *events, size_t count, bool trim, uint32_t attempt,
		   int64_t now_s, struct request *ret, size_t *ret_taken, struct fault *fault);
void request_init(struct request *rq);
void request_free(struct request *rq);
/* What is cheap to reuse stays allocated: for a pool of requests. */
void request_reset(struct request *rq);

#endif
