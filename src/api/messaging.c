/*
 * The messaging side's REST calls (hub/rest.h): from a request to an operation of the hub, and from its outcome to an
 * answer. What reads runs on the desk over a reader; what writes runs inside a commit, on the store's thread, and the
 * answer goes out when that is on disk; nobody waits in between.
 *
 * A writing operation may run twice (tx.h), so all that it fills in is made anew before each run.
 */
#include "api/answer.h"
#include "api/handlers.h"
#include "base/mem.h"
#include "hub/hub.h"

#define PARAMS_MAX ((size_t)64 * 1024)

/* One call on its way; in the call's arena. */
struct errand {
	struct call *call;
	struct rest rest;
	struct fault fault;
	int err;
};

/* --- parameters --- */

/* {id} is the first parameter behind the project's, {other} the second. */
static void take_path(struct call *c, struct rest *r)
{
	r->id = c->params[1];
	r->other = c->params[2];
}

static bool seen_before(struct call *c, size_t index, struct slice name)
{
	struct slice other, value;

	for (size_t i = 0; i < index && server_argument_at(c->rq, i, &other, &value); i++)
		if (slice_eq(other, name))
			return true;
	return false;
}

/* The query's arguments as an object of strings. False: answered. */
static bool query_params(struct call *c, struct json *ret)
{
	struct slice name, value;
	struct json_writer w;
	struct buf text;
	bool good = true;

	buf_init(&text, PARAMS_MAX);
	json_writer_init(&w, &text);
	json_begin_object(&w);
	for (size_t i = 0; good && server_argument_at(c->rq, i, &name, &value); i++) {
		if (seen_before(c, i, name)) {
			answer_error(c, 400, "invalid_param", arena_str(&c->arena, name),
				     "is given twice; once is enough");
			good = false;
			break;
		}
		json_key_slice(&w, name);
		json_put_string(&w, value);
	}
	if (good && buf_failed(&text)) {
		answer_error(c, 400, "invalid_param", NULL, "the query is too long");
		good = false;
	}
	if (good) {
		json_end_object(&w);
		/* It was written here, and no name stands twice in it. */
		json_parse(&c->doc, arena_slice(&c->arena, buf_slice(&text)), &json_limits_default, NULL);
		*ret = json_root(&c->doc);
	}
	buf_free(&text);
	return good;
}

static bool take_params(struct call *c, struct json *ret)
{
	struct slice method = server_method(c->rq);

	if (slice_is(method, "POST") || slice_is(method, "PUT") || slice_is(method, "PATCH"))
		return call_body_or_none(c, ret);
	return query_params(c, ret);
}

/* --- running --- */

/*
 * Changes made by hand are told as contact_update and message_metadata, those of programs are not: the
 * console says so in a header, which a page of another site cannot send.
 */
static enum event_origin origin_of(struct call *c)
{
	return slice_is(server_header(c->rq, "Postrider-Origin"), "web") ? ORIGIN_WEB : ORIGIN_API;
}

static void prepare(struct errand *e, struct book *b)
{
	struct call *c = e->call;

	e->fault = (struct fault)NO_FAULT;
	e->rest.deed = (struct deed){ .hub = c->api->hub,
				      .book = b,
				      .project = c->params[0],
				      .origin = origin_of(c),
				      .now_ms = b ? book_now_ms(b) : node_now_ms(c->node),
				      .arena = &c->arena,
				      .fault = &e->fault };
	e->rest.w = answer_begin(c);
	e->rest.node = c->node;
	e->rest.admin = call_is_admin(c);
	e->rest.status = 200;
}

static void run(void *ctx, struct book *b)
{
	struct errand *e = ctx;

	prepare(e, b);
	e->err = e->call->route->op(&e->rest);
}

static void answer(struct errand *e)
{
	struct call *c = e->call;

	if (e->err && e->rest.status >= 400)
		answer_fault(c, e->rest.status, &e->fault);
	else if (e->err)
		answer_err(c, e->err, &e->fault);
	else if (c->out.n == 0)
		answer_empty(c);
	else
		answer_json(c, e->rest.status);
}

static void committed(void *ctx, int err)
{
	struct errand *e = ctx;

	if (err)
		answer_not_taken(e->call, err);
	else
		answer(e);
}

void messaging_call(struct call *c)
{
	struct errand *e = arena_zalloc(&c->arena, sizeof(*e));

	e->call = c;
	if (!take_params(c, &e->rest.params))
		return;
	take_path(c, &e->rest);
	switch (c->route->way) {
	case REST_READS:
		node_book_read(c->node, run, e);
		answer(e);
		return;
	case REST_WRITES:
		node_book(c->node, server_body(c->rq).n + sizeof(*e), run, committed, e);
		return;
	case REST_BLOCKS:
		run(e, NULL);
		answer(e);
		return;
	}
}
