/*
 * What others than customers call: Kannel with messages and reports, and whoever follows a short link. Kannel takes 200
 * or 202 and nothing else for done, and logs what an error says.
 */
#include "api/answer.h"
#include "api/handlers.h"
#include "base/text.h"
#include "hub/hub.h"
#include "hub/kannel.h"
#include "hub/links.h"

#define PARAMS_MAX ((size_t)64 * 1024)

struct visit {
	struct call *call;
	struct deed deed;
	struct fault fault;
	int (*take)(struct deed *d, struct json params);
	struct json params;
	struct slice target; /* of a short link */
	int err;
};

static struct visit *visit_new(struct call *c, struct slice project)
{
	struct visit *v = arena_zalloc(&c->arena, sizeof(*v));

	v->call = c;
	v->deed = (struct deed){ .hub = c->api->hub,
				 .project = project,
				 .origin = ORIGIN_PLATFORM,
				 .arena = &c->arena,
				 .fault = &v->fault };
	return v;
}

static void visit_begin(struct visit *v, struct book *b)
{
	v->fault = (struct fault)NO_FAULT;
	v->deed.book = b;
	v->deed.now_ms = book_now_ms(b);
}

/* --- Kannel --- */

/*
 * Arguments as an object of strings. A text in another charset than UTF-8 may hold any bytes, so it comes in hex, as
 * `text_hex`. The first of two arguments with one name counts: whoever configures Kannel may add some of his own.
 */
static bool kannel_params(struct call *c, struct json *ret)
{
	struct slice name, value, charset = slice_str("");
	struct json_writer w;
	struct buf text, hex;
	bool plain, good;

	server_argument(c->rq, "charset", &charset);
	plain = charset.n == 0 || slice_eq_nocase(charset, SLICE_LIT("UTF-8"));
	buf_init(&text, PARAMS_MAX);
	buf_init(&hex, PARAMS_MAX);
	json_writer_init(&w, &text);
	json_begin_object(&w);
	for (size_t i = 0; server_argument_at(c->rq, i, &name, &value); i++) {
		struct slice first;
		bool in_hex = !plain && slice_is(name, "text");

		server_argument(c->rq, arena_str(&c->arena, name), &first);
		if (first.p != value.p)
			continue;
		buf_reset(&hex);
		hex_add(&hex, value.p, value.n);
		json_key_slice(&w, in_hex ? SLICE_LIT("text_hex") : name);
		json_put_string(&w, in_hex ? buf_slice(&hex) : value);
	}
	json_end_object(&w);
	good = !buf_failed(&text) && !buf_failed(&hex) &&
	       json_parse(&c->doc, arena_slice(&c->arena, buf_slice(&text)), &json_limits_default, NULL) == 0;
	if (good)
		*ret = json_root(&c->doc);
	else
		answer_error(c, 400, "invalid_param", NULL, "the arguments are too long, or one is given twice");
	buf_free(&hex);
	buf_free(&text);
	return good;
}

static void run_visit(void *ctx, struct book *b)
{
	struct visit *v = ctx;

	visit_begin(v, b);
	v->err = v->take(&v->deed, v->params);
}

static void kannel_done(void *ctx, int err)
{
	struct visit *v = ctx;

	if (err) {
		answer_not_taken(v->call, err);
	} else if (v->err) {
		answer_err(v->call, v->err, &v->fault);
	} else {
		answer_begin(v->call); /* empty: Kannel would text anything else to the subscriber */
		answer_text(v->call, "text/plain; charset=utf-8");
	}
}

static void kannel_call(struct call *c, int (*take)(struct deed *d, struct json params))
{
	struct visit *v = visit_new(c, c->params[0]);

	v->take = take;
	if (kannel_params(c, &v->params))
		node_book(c->node, server_query(c->rq).n + sizeof(*v), run_visit, kannel_done, v);
}

void kannel_message(struct call *c)
{
	kannel_call(c, kannel_received);
}

static bool is_up(struct call *c)
{
	if (c->node && !atomic_load(&c->api->stopping))
		return true;
	answer_error(c, 503, "starting", NULL, "postrider is starting or stopping; try again in a moment");
	return false;
}

void kannel_report(struct call *c)
{
	struct slice mid = slice_str(""), sig = slice_str("");

	if (!is_up(c))
		return;
	call_argument(c, "mid", &mid);
	call_argument(c, "sig", &sig);
	if (kannel_signed(c->api->hub, c->params[0], mid, sig))
		kannel_call(c, kannel_reported);
	else
		answer_error(
			c, 403, "forbidden", "sig",
			"does not fit mid; the URL of a delivery report must be called as postrider gave it to Kannel");
}

/* --- short links --- */

static void follow(void *ctx, struct book *b)
{
	struct visit *v = ctx;

	visit_begin(v, b);
	v->target = links_follow(&v->deed, v->call->params[0]);
}

static void followed(void *ctx, int err)
{
	struct visit *v = ctx;

	if (err)
		answer_not_taken(v->call, err);
	else if (v->target.n == 0)
		answer_error(v->call, 404, "not_found", NULL, "this link leads nowhere, or does not any more");
	else
		answer_redirect(v->call, arena_str(&v->call->arena, v->target));
}

/* Many programs look at a link before a person does (HEAD): that is no click. */
void link_follow(struct call *c)
{
	struct visit *v;

	if (!is_up(c))
		return;
	v = visit_new(c, slice_str(""));
	if (slice_is(server_method(c->rq), "HEAD"))
		v->deed.origin = ORIGIN_API; /* links_follow counts what comes from the platform only */
	node_book(c->node, sizeof(*v), follow, followed, v);
}
