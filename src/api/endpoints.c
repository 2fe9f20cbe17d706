/*
 * Endpoints: lists, creating, changing, deleting. Which settings are right is judged by the dialect, and the node puts
 * them in force; here they are only handed over and shown.
 */
#include "api/endpoint_intake.h"
#include "api/endpoint_show.h"
#include "api/handlers.h"
#include "api/owner.h"

/* --- showing --- */

/* False: answered. */
static bool may_reveal(struct call *c, bool *ret)
{
	*ret = call_flag(c, "reveal");
	if (!*ret || call_is_admin(c))
		return true;
	answer_error(c, 403, "forbidden", "reveal", "only the admin key sees secrets");
	return false;
}

static void answer_endpoint(struct call *c, struct slice id, int status, bool reveal, const char *secret)
{
	struct endpoint_view v;

	if (!call_endpoint_of(c, id, &v))
		return;
	endpoint_show(answer_begin(c), &v, node_now_ms(c->node), reveal, secret);
	node_endpoint_view_free(&v);
	answer_json(c, status);
}

void endpoint_get(struct call *c)
{
	bool reveal;

	if (may_reveal(c, &reveal))
		answer_endpoint(c, c->params[1], 200, reveal, NULL);
}

struct listing {
	struct call *call;
	size_t left;
	int64_t count, now_ms;
	bool reveal, more;
	struct slice last;
};

static bool list_one(void *ctx, const struct endpoint_view *v)
{
	struct listing *l = ctx;

	if (l->left == 0) {
		l->more = true;
		return false;
	}
	endpoint_show(&l->call->w, v, l->now_ms, l->reveal, NULL);
	if (--l->left == 0)
		l->last = arena_slice(&l->call->arena, slice_str(v->endpoint->id));
	return true;
}

static bool count_one(void *ctx, const struct endpoint_view *v)
{
	struct listing *l = ctx;

	(void)v;
	l->count++;
	return true;
}

static void answer_count(struct listing *l)
{
	struct json_writer *w = answer_begin(l->call);

	node_endpoint_list(l->call->node, call_owner(l->call), false, slice_str(""), count_one, l);
	json_begin_object(w);
	json_member_i64(w, "count", l->count);
	json_end_object(w);
	answer_json(l->call, 200);
}

void endpoints_list(struct call *c)
{
	struct listing l = { .call = c, .now_ms = node_now_ms(c->node) };
	struct page page;

	if (!page_read(c, "id", "asc", &page) || !may_reveal(c, &l.reveal))
		return;
	if (page.count) {
		answer_count(&l);
		return;
	}
	l.left = page.size;
	page_begin(c);
	node_endpoint_list(c->node, call_owner(c), false, page.marker, list_one, &l);
	page_end(c, l.more, l.last);
}

/* --- changing --- */

/* Settings that cannot be used are 422; what cannot even be looked up (a preset, an id) is 400. */
static void answer_settings_fault(struct call *c, int err, const struct fault *fault)
{
	bool lookup = strcmp(fault->param, "preset") == 0 || strcmp(fault->param, "id") == 0;

	if (err == ERR_INVALID && !lookup)
		answer_fault(c, 422, fault);
	else
		answer_err(c, err, fault);
}

static void change(struct call *c, struct slice id, struct json body, enum endpoint_change how)
{
	struct endpoint_view v;
	bool known = node_endpoint_get(c->node, call_owner(c), id, &v) == 0, created = false;
	struct fault fault = NO_FAULT;
	struct intake s;
	int err = intake_make(body, id, known ? v.endpoint : NULL, how == ENDPOINT_REPLACE, &s, &fault);

	if (known)
		node_endpoint_view_free(&v);
	if (!err)
		err = node_endpoint_change(c->node, call_owner(c), id, intake_root(&s), how, &created, &fault);
	if (err)
		answer_settings_fault(c, err, &fault);
	else
		answer_endpoint(c, id, created ? 201 : 200, false, s.made_secret[0] ? s.made_secret : NULL);
	intake_free(&s);
}

void endpoint_put(struct call *c)
{
	struct json body;

	if (call_body(c, &body))
		change(c, c->params[1], body, ENDPOINT_REPLACE);
}

void endpoint_change(struct call *c)
{
	struct endpoint_view v;
	struct json body;

	if (!call_body(c, &body) || !call_endpoint(c, &v))
		return;
	node_endpoint_view_free(&v);
	change(c, c->params[1], body, ENDPOINT_MERGE);
}

/* The id that the body gives, or one that is made. False: answered. */
static bool choose_id(struct call *c, struct json body, struct slice *ret)
{
	struct json given = json_get(body, "id");
	struct endpoint_view v;
	struct buf scratch;
	char made[ID_BYTES];

	buf_init(&scratch, 4096);
	if (json_is_nil(given)) {
		id_make(made, "ep");
		*ret = arena_slice(&c->arena, slice_str(made));
	} else {
		*ret = arena_slice(&c->arena, json_text_slice(given, &scratch));
	}
	buf_free(&scratch);
	if (!api_id_check(c, *ret, "id"))
		return false;
	if (node_endpoint_get(c->node, call_owner(c), *ret, &v))
		return true;
	node_endpoint_view_free(&v);
	answer_error(c, 409, "exists", "id", "there is an endpoint \"%.*s\" already; PUT replaces it, PATCH changes it",
		     SLICE_ARG(*ret));
	return false;
}

void endpoint_create(struct call *c)
{
	struct json body;
	struct slice id;

	if (call_body(c, &body) && choose_id(c, body, &id))
		change(c, id, body, ENDPOINT_REPLACE);
}

void endpoint_delete(struct call *c)
{
	struct fault fault = NO_FAULT;
	int err = node_endpoint_delete(c->node, call_owner(c), c->params[1], &fault);

	if (err)
		answer_err(c, err, &fault);
	else
		answer_empty(c);
}
