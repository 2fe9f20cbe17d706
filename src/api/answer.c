/*
 * Answers. Every one has a JSON body (but /metrics), errors have one shape, and whoever may come again is told when. An
 * answer that outgrew its bound becomes an error, never a cut text.
 */
#include "api/answer.h"

#include <stdio.h>
#include <string.h>

#define JSON_TYPE "application/json"

struct json_writer *answer_begin(struct call *c)
{
	buf_reset(&c->out);
	json_writer_init(&c->w, &c->out);
	return &c->w;
}

/* What may have changed something is worth a line; posted events are not, there would be no end of them. */
static void log_call(struct call *c, int status)
{
	if (!c->route || c->route->place == PLACE_HERE || status >= 300 || slice_is(server_method(c->rq), "GET") ||
	    slice_is(server_method(c->rq), "HEAD"))
		return;
	log_info(c->api->options.log, "called", LOG_SLICE("method", server_method(c->rq)),
		 LOG_SLICE("path", server_path(c->rq)), LOG_STR("key", call_is_admin(c) ? "admin" : c->key_project));
}

static void give(struct call *c, int status, const char *type, const struct server_header_out *headers, size_t count)
{
	log_call(c, status);
	server_answer(c->rq, status, type, buf_slice(&c->out), headers, count);
	call_end(c);
}

void answer_json(struct call *c, int status)
{
	if (buf_failed(&c->out))
		answer_error(c, 500, "too_large", NULL, "the answer would be too large; ask for a smaller page");
	else
		give(c, status, JSON_TYPE, NULL, 0);
}

void answer_empty(struct call *c)
{
	struct json_writer *w = answer_begin(c);

	json_begin_object(w);
	json_end_object(w);
	answer_json(c, 200);
}

void answer_text(struct call *c, const char *content_type)
{
	if (buf_failed(&c->out))
		answer_error(c, 500, "too_large", NULL, "the answer would be too large");
	else
		give(c, 200, content_type, NULL, 0);
}

struct server_stream *answer_stream(struct call *c)
{
	/* The second one keeps nginx from collecting it. */
	static const struct server_header_out headers[] = { { "Cache-Control", "no-store" },
							    { "X-Accel-Buffering", "no" } };
	struct server_stream *st = server_stream_begin(c->rq, 200, "text/event-stream", headers, 2);

	call_end(c);
	return st;
}

void answer_redirect(struct call *c, const char *url)
{
	struct server_header_out headers[] = { { "Location", url }, { "Cache-Control", "no-store" } };

	answer_begin(c);
	give(c, 302, NULL, headers, 2);
}

static void write_error(struct call *c, const struct fault *fault)
{
	struct json_writer *w = answer_begin(c);

	json_begin_object(w);
	json_key(w, "error");
	json_begin_object(w);
	json_member_str(w, "code", fault->code);
	json_member_str(w, "message", fault->message);
	json_member_str(w, "param", fault->param[0] ? fault->param : NULL);
	if (fault->position >= 0)
		json_member_i64(w, "position", fault->position);
	json_end_object(w);
	json_end_object(w);
}

void answer_fault(struct call *c, int status, const struct fault *fault)
{
	/* A full disk is not emptied within a second. */
	bool full = strcmp(fault->code, "disk_full") == 0 || strcmp(fault->code, "store_error") == 0;
	struct server_header_out header = { "Retry-After", full ? "10" : "1" };
	struct server_header_out challenge = { "WWW-Authenticate", "Basic realm=\"postrider\", charset=\"UTF-8\"" };

	write_error(c, fault);
	if (status == 429 || status == 503)
		give(c, status, JSON_TYPE, &header, 1);
	else if (status == 401)
		give(c, status, JSON_TYPE, &challenge, 1);
	else
		give(c, status, JSON_TYPE, NULL, 0);
}

void answer_error(struct call *c, int status, const char *code, const char *param, const char *fmt, ...)
{
	char message[sizeof(((struct fault *)0)->message)];
	struct fault fault;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	fault_set(&fault, code, param ? param : "", "%s", message);
	answer_fault(c, status, &fault);
}

void answer_method(struct call *c, const char *allowed)
{
	struct server_header_out header = { "Allow", allowed };
	struct fault fault;

	fault_set(&fault, "method_not_allowed", "", "this path takes %s", allowed);
	write_error(c, &fault);
	give(c, 405, JSON_TYPE, &header, 1);
}

void answer_unauthorized(struct call *c)
{
	answer_error(
		c, 401, "unauthorized", NULL,
		"a valid key is missing; send it as `Authorization: Bearer KEY`, or as the user name of HTTP Basic");
}

static const struct outcome {
	int err, status;
	const char *code;
} outcomes[] = {
	{ ERR_INVALID, 400, "invalid_param" }, { ERR_TOO_BIG, 413, "too_large" }, { ERR_NOT_FOUND, 404, "not_found" },
	{ ERR_EXISTS, 409, "exists" },	       { ERR_BUSY, 503, "busy" },	  { ERR_FULL, 503, "disk_full" },
	{ ERR_IO, 503, "store_error" },	       { ERR_CORRUPT, 500, "corrupt" },	  { ERR_SYSTEM, 500, "internal" },
};

void answer_err(struct call *c, int err, const struct fault *fault)
{
	struct fault mine = *fault;

	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		if (outcomes[i].err != err)
			continue;
		if (err != ERR_INVALID || !mine.code[0])
			slice_copy(mine.code, sizeof(mine.code), slice_str(outcomes[i].code));
		if (!mine.message[0])
			slice_copy(mine.message, sizeof(mine.message), slice_str(err_text(err)));
		answer_fault(c, outcomes[i].status, &mine);
		return;
	}
	answer_error(c, 500, "internal", NULL, "error %d", err);
}

void answer_not_taken(struct call *c, int err)
{
	struct fault fault = NO_FAULT;

	if (err == ERR_BUSY)
		fault_set(&fault, "busy", "",
			  "more waits to be written than this server holds; nothing was taken, try again");
	else if (err == ERR_FULL)
		fault_set(&fault, "disk_full", "", "the disk is full; nothing was taken, try again later");
	else
		fault_set(&fault, "store_error", "",
			  "the store failed; it is not certain that anything was taken, send it again");
	answer_err(c, err, &fault);
}

/* --- lists --- */

static bool page_size(struct call *c, struct page *ret)
{
	struct slice text;
	long long n;

	ret->size = PAGE_DEFAULT;
	if (!call_argument(c, "page_size", &text))
		return true;
	if (!slice_to_i64(text, &n) || n < 1 || n > PAGE_MAX) {
		answer_error(c, 400, "invalid_param", "page_size", "must be a number from 1 to %d", PAGE_MAX);
		return false;
	}
	ret->size = (size_t)n;
	return true;
}

static bool page_order(struct call *c, const char *sort, const char *order)
{
	struct slice text;

	if (call_argument(c, "sort", &text) && !slice_is(text, sort) && !slice_is(text, "default")) {
		answer_error(c, 400, "invalid_param", "sort", "this list is sorted by %s; leave it out", sort);
		return false;
	}
	if (call_argument(c, "sort_dir", &text) && !slice_is(text, order)) {
		answer_error(c, 400, "invalid_param", "sort_dir", "this list is sorted %s only; leave it out", order);
		return false;
	}
	return true;
}

/* A filter that is passed over shows more than was asked for, which is worse than an error. */
static bool no_modifier(struct call *c)
{
	struct slice name, value;

	for (size_t i = 0; server_argument_at(c->rq, i, &name, &value); i++) {
		char param[64];

		if (slice_find(name, '[') == name.n)
			continue;
		slice_copy(param, sizeof(param), name);
		answer_error(c, 400, "invalid_param", param, "this list takes no field modifiers; leave it out");
		return false;
	}
	return true;
}

bool page_read(struct call *c, const char *sort, const char *order, struct page *ret)
{
	if (!page_size(c, ret) || !page_order(c, sort, order) || !no_modifier(c))
		return false;
	if (!call_argument(c, "marker", &ret->marker))
		ret->marker = slice_str("");
	ret->count = call_flag(c, "count");
	return true;
}

bool page_seq(struct call *c, const struct page *page, int64_t *ret)
{
	long long n = INT64_MAX;

	if (page->marker.n > 0 && (!slice_to_i64(page->marker, &n) || n < 1)) {
		answer_error(c, 400, "invalid_param", "marker", "must be the next_marker of the page before");
		return false;
	}
	*ret = n;
	return true;
}

struct slice page_last_id(struct call *c)
{
	struct slice last = slice_str("");
	struct json_iter it;
	struct buf text, scratch;

	buf_init(&text, CALL_ANSWER_MAX);
	buf_init(&scratch, 4096);
	buf_add_slice(&text, buf_slice(&c->out));
	buf_add_str(&text, "]}");
	if (json_parse(&c->doc, buf_slice(&text), &json_limits_default, NULL) == 0)
		for (it = json_each(json_get(json_root(&c->doc), "data")); json_next(&it);)
			last = json_text_slice(json_get(it.value, "id"), &scratch);
	last = arena_slice(&c->arena, last);
	buf_free(&scratch);
	buf_free(&text);
	return last;
}

void page_count(struct call *c, int64_t count)
{
	struct json_writer *w = answer_begin(c);

	json_begin_object(w);
	json_member_i64(w, "count", count);
	json_end_object(w);
	answer_json(c, 200);
}

void page_begin(struct call *c)
{
	struct json_writer *w = answer_begin(c);

	json_begin_object(w);
	json_key(w, "data");
	json_begin_array(w);
}

void page_end(struct call *c, bool truncated, struct slice next_marker)
{
	json_end_array(&c->w);
	json_member_bool(&c->w, "truncated", truncated);
	json_key(&c->w, "next_marker");
	if (truncated)
		json_put_string(&c->w, next_marker);
	else
		json_put_null(&c->w);
	json_end_object(&c->w);
	answer_json(c, 200);
}
