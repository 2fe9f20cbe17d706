/*
 * How calls end: one place that knows the shape of errors and lists. Each
 * of these functions ends the call, which is not to be touched afterwards.
 */
#ifndef API_ANSWER_H
#define API_ANSWER_H

#include "api/call.h"

/* Empties c->out and begins the writer anew. */
struct json_writer *answer_begin(struct call *c);
/* Sends what c->w has written. */
void answer_json(struct call *c, int status);
void answer_empty(struct call *c); /* 200 {} */
void answer_text(struct call *c, const char *content_type);
/* 200 and a body that is written from now on: server-sent events. The caller owns the stream. */
struct server_stream *answer_stream(struct call *c);
void answer_redirect(struct call *c, const char *url); /* 302 */
/* {"error":{"code","message","param"}}; param may be NULL. 429 and 503 carry Retry-After. */
void answer_error(struct call *c, int status, const char *code, const char *param, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
void answer_fault(struct call *c, int status, const struct fault *fault);
/* The status that fits an enum err, 400 for ERR_INVALID, with the fault's words. */
void answer_err(struct call *c, int err, const struct fault *fault);
/* What was to be written was not: ERR_BUSY, ERR_FULL, ERR_IO. */
void answer_not_taken(struct call *c, int err);
/* 405 with what the path knows: "GET, POST". */
void answer_method(struct call *c, const char *allowed);
void answer_unauthorized(struct call *c);

/* --- lists --- */

#define PAGE_DEFAULT 50
#define PAGE_MAX     500

struct page {
	size_t size;
	struct slice marker; /* empty at the beginning */
	bool count;	     /* only how many there are */
};
/*
 * Reads page_size, marker, count, sort and sort_dir; the only order is
 * `order`, "asc" or "desc", by `sort`. False: the call is answered.
 */
bool page_read(struct call *c, const char *sort, const char *order, struct page *ret);
/* A marker that is a number (INT64_MAX at the beginning). False: the call is answered. */
bool page_seq(struct call *c, const struct page *page, int64_t *ret);
/* {"data":[ ; the elements follow; then page_end writes ],"truncated":…,"next_marker":…} and answers. */
void page_begin(struct call *c);
/* The id of the last object that was written into the page: the marker of the next one. */
struct slice page_last_id(struct call *c);
/* Instead of a page: {"count":n}. */
void page_count(struct call *c, int64_t count);
void page_end(struct call *c, bool truncated, struct slice next_marker);

#endif
