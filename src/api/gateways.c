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

#define PARAMS_MAX    ((size_t)64 * 1024)
#define ARGUMENTS_MAX 64

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

struct arguments {
	struct {
		struct slice name, value;
	} items[ARGUMENTS_MAX];
	size_t count;
	bool too_many;
};

static struct slice argument(const struct arguments *a, const char *name)
{
	for (size_t i = 0; i < a->count; i++)
		if (slice_is(a->items[i].name, name))
			return a->items[i].value;
	return SLICE_LIT("");
}

/* The first of two arguments with one name counts: whoever configures Kannel may add some of his own. */
static void add_argument(struct arguments *a, struct slice name, struct slice value)
{
	for (size_t i = 0; i < a->count; i++)
		if (slice_eq(a->items[i].name, name))
			return;
	a->too_many = a->too_many || a->count == ARGUMENTS_MAX;
	if (a->too_many)
		return;
	a->items[a->count].name = name;
	a->items[a->count++].value = value;
}

static struct slice form_decoded(struct call *c, struct slice text)
{
	struct buf out;

	buf_init(&out, text.n);
	percent_decode(&out, text, true);
	return arena_take_buf(&c->arena, &out);
}

static void add_form(struct call *c, struct arguments *a, struct slice form)
{
	while (form.n > 0) {
		struct slice piece = slice_of(form.p, slice_find(form, '&'));
		size_t equals = slice_find(piece, '=');

		form = slice_from(form, piece.n < form.n ? piece.n + 1 : piece.n);
		if (piece.n > 0)
			add_argument(a, form_decoded(c, slice_of(piece.p, equals)),
				     form_decoded(c, slice_from(piece, equals < piece.n ? equals + 1 : piece.n)));
	}
}

/* Of the query, then of the body. */
static bool read_arguments(struct call *c, bool with_body, struct arguments *a)
{
	struct slice name, value, type = server_header(c->rq, "Content-Type"), body = server_body(c->rq);

	for (size_t i = 0; server_argument_at(c->rq, i, &name, &value); i++)
		add_argument(a, name, value);
	if (!with_body || body.n == 0)
		return true;
	if (!slice_eq_nocase(slice_trim(slice_of(type.p, slice_find(type, ';'))),
			     SLICE_LIT("application/x-www-form-urlencoded"))) {
		answer_error(c, 400, "invalid_param", NULL,
			     "a body must be application/x-www-form-urlencoded; Kannel's get-url needs none");
		return false;
	}
	add_form(c, a, body);
	return true;
}

static void write_hex(struct json_writer *w, struct slice bytes)
{
	struct buf hex;

	buf_init(&hex, 2 * bytes.n);
	hex_add(&hex, bytes.p, bytes.n);
	json_member_string(w, "text_hex", buf_slice(&hex));
	buf_free(&hex);
}

/* An object of strings. A text in another charset than UTF-8 may hold any bytes, so it goes as `text_hex`. */
static void write_arguments(const struct arguments *a, struct json_writer *w)
{
	struct slice charset = argument(a, "charset");
	bool plain = charset.n == 0 || slice_eq_nocase(charset, SLICE_LIT("UTF-8"));

	json_begin_object(w);
	for (size_t i = 0; i < a->count; i++) {
		if (!plain && slice_is(a->items[i].name, "text")) {
			write_hex(w, a->items[i].value);
			continue;
		}
		json_key_slice(w, a->items[i].name);
		json_put_string(w, a->items[i].value);
	}
	json_end_object(w);
}

static bool kannel_params(struct call *c, bool with_body, struct json *ret)
{
	struct arguments *a = arena_zalloc(&c->arena, sizeof(*a));
	struct json_writer w;
	struct buf text;
	bool good;

	if (!read_arguments(c, with_body, a))
		return false;
	buf_init(&text, PARAMS_MAX);
	json_writer_init(&w, &text);
	write_arguments(a, &w);
	good = !a->too_many && !buf_failed(&text) &&
	       json_parse(&c->doc, arena_slice(&c->arena, buf_slice(&text)), &json_limits_default, NULL) == 0;
	if (good)
		*ret = json_root(&c->doc);
	else
		answer_error(c, 400, "invalid_param", NULL,
			     "the arguments are too many or too long, or their names are no UTF-8");
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

static void kannel_call(struct call *c, bool with_body, int (*take)(struct deed *d, struct json params))
{
	struct visit *v = visit_new(c, c->params[0]);

	v->take = take;
	if (kannel_params(c, with_body, &v->params))
		node_book(c->node, server_query(c->rq).n + server_body(c->rq).n + sizeof(*v), run_visit, kannel_done,
			  v);
}

void kannel_message(struct call *c)
{
	kannel_call(c, true, kannel_received);
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
		kannel_call(c, false, kannel_reported); /* what was signed is in the query */
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
