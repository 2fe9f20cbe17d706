/*
 * What went over the wire, for people who look for the cause of trouble. What the endpoint has as secrets is replaced
 * wherever it occurs, also in what the receiver sent back: receivers like to repeat what they refuse.
 */
#include "api/exchange_show.h"

#include "base/arena.h"
#include "base/text.h"
#include "dialect/meaning.h"

#define MASK	     SLICE_LIT("***")
#define SECRET_LEAST 4 /* shorter ones would mask half of every text */
#define TEXT_MAX     ((size_t)64 * 1024 * 1024)

/* --- masking --- */

#define SECRETS	  4
#define CASES	  3 /* as it is, and as the pipes |upper and |lower make it */
#define SPELLINGS 4

/* Each secret in each spelling that a request may give it: as it is, as a form and a URL write it, as JSON does. */
struct spellings {
	struct arena arena;
	struct slice text[SECRETS * CASES * SPELLINGS];
	size_t place[SECRETS * CASES * SPELLINGS]; /* where each stands next */
	size_t count;
};

static void add_spelling(struct spellings *all, struct slice s)
{
	for (size_t i = 0; i < all->count; i++)
		if (slice_eq(all->text[i], s))
			return;
	all->text[all->count++] = arena_slice(&all->arena, s);
}

static void spell_case(struct spellings *all, struct slice plain)
{
	struct buf text;

	buf_init(&text, 8 * plain.n + 16);
	add_spelling(all, plain);
	form_add(&text, plain);
	add_spelling(all, buf_slice(&text));
	buf_reset(&text);
	percent_add(&text, plain);
	add_spelling(all, buf_slice(&text));
	buf_reset(&text);
	json_add_escaped(&text, plain);
	add_spelling(all, buf_slice(&text));
	buf_free(&text);
}

/* ASCII letters from `first` on get the other case. */
static struct slice in_case(struct spellings *all, struct slice plain, char first)
{
	struct slice s = arena_slice(&all->arena, plain);
	char *p = (char *)(uintptr_t)s.p; /* the copy is ours */

	for (size_t i = 0; i < s.n; i++)
		if (p[i] >= first && p[i] < first + 26)
			p[i] ^= 'a' ^ 'A';
	return s;
}

static void spell(struct spellings *all, struct slice plain)
{
	if (plain.n < SECRET_LEAST)
		return;
	spell_case(all, plain);
	spell_case(all, in_case(all, plain, 'a'));
	spell_case(all, in_case(all, plain, 'A'));
}

static void spellings_init(struct spellings *all, const struct endpoint *ep, const struct event *ev)
{
	struct json own = ev ? event_postrider(ev, "secret") : (struct json){ 0 };
	struct buf text;

	arena_init(&all->arena);
	all->count = 0;
	spell(all, slice_str(ep->peer.password));
	spell(all, slice_str(ep->secrets[0]));
	spell(all, slice_str(ep->secrets[1]));
	buf_init(&text, TEXT_MAX);
	if (!json_is_nil(own))
		spell(all, json_text_slice(own, &text));
	buf_free(&text);
}

/* The first place of part in s from `from` on, s.n when there is none. */
static size_t place_of(struct slice s, size_t from, struct slice part)
{
	const char *p = from < s.n ? memmem(s.p + from, s.n - from, part.p, part.n) : NULL;

	return p ? (size_t)(p - s.p) : s.n;
}

/*
 * The first secret in s from `from` on, the longest one where several begin: its place, or s.n. Only what was passed is
 * looked for again, so that a long text full of one secret is not searched to its end for the others at each of them.
 */
static size_t find_secret(struct spellings *all, struct slice s, size_t from, size_t *ret_len)
{
	size_t first = s.n;

	*ret_len = 0;
	for (size_t i = 0; i < all->count; i++) {
		size_t place = all->place[i];

		if (place < from)
			place = all->place[i] = place_of(s, from, all->text[i]);
		if (place > first || (place == first && all->text[i].n < *ret_len))
			continue;
		first = place;
		*ret_len = all->text[i].n;
	}
	return first;
}

static void add_masked(struct buf *out, const struct endpoint *ep, const struct event *ev, struct slice s)
{
	struct spellings all;
	size_t at = 0;

	spellings_init(&all, ep, ev);
	for (size_t i = 0; i < all.count; i++)
		all.place[i] = place_of(s, 0, all.text[i]);
	while (at < s.n) {
		size_t len, place = find_secret(&all, s, at, &len);

		buf_add(out, s.p + at, place - at);
		if (place < s.n)
			buf_add_slice(out, MASK);
		at = place + (place < s.n ? len : 0);
	}
	arena_free(&all.arena);
}

static void put_masked(struct json_writer *w, const struct endpoint *ep, const struct event *ev, struct slice s)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	add_masked(&text, ep, ev, s);
	json_put_string(w, buf_slice(&text));
	buf_free(&text);
}

/* --- bodies --- */

/*
 * JSON has no way to say bytes that are no text; beside the body, in which they are replaced, they stand as they were.
 */
static void write_binary(struct json_writer *w, struct slice bytes)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	base64_add(&text, bytes.p, bytes.n);
	json_member_string(w, "body_base64", buf_slice(&text));
	buf_free(&text);
}

static void write_body(struct json_writer *w, const struct endpoint *ep, const struct event *ev, struct slice body,
		       size_t size, size_t max)
{
	struct buf text;
	struct slice shown;

	buf_init(&text, TEXT_MAX);
	add_masked(&text, ep, ev, body);
	shown = utf8_cut(buf_slice(&text), max);
	json_member_string(w, "body", shown);
	if (!utf8_valid(shown))
		write_binary(w, shown);
	if (shown.n < text.n || size > body.n) {
		json_member_bool(w, "body_truncated", true);
		json_member_i64(w, "body_bytes", (int64_t)size);
	}
	buf_free(&text);
}

/* --- headers --- */

/* Walks headers of either kind: an array, or a block of lines. */
struct walk {
	const struct http_header *all;
	size_t count, at;
	struct slice block;
};

static bool walk_next(struct walk *k, struct slice *ret_name, struct slice *ret_value)
{
	if (k->at < k->count) {
		*ret_name = k->all[k->at].name;
		*ret_value = k->all[k->at++].value;
		return true;
	}
	while (k->block.n > 0) {
		size_t n = slice_find(k->block, '\n');
		struct slice line = slice_of(k->block.p, n);
		size_t colon = slice_find(line, ':');

		k->block = slice_from(k->block, n < k->block.n ? n + 1 : n);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (colon == 0 || colon >= line.n)
			continue;
		*ret_name = slice_of(line.p, colon);
		*ret_value = slice_trim(slice_from(line, colon + 1));
		return true;
	}
	return false;
}

static bool came_before(struct walk from, size_t index, struct slice name)
{
	struct slice other, value;

	for (size_t i = 0; i < index && walk_next(&from, &other, &value); i++)
		if (slice_eq_nocase(other, name))
			return true;
	return false;
}

/* JSON objects have each name once: values of the same name are joined, as HTTP allows. */
static void put_joined(struct json_writer *w, const struct endpoint *ep, const struct event *ev, struct walk from,
		       struct slice name)
{
	struct slice other, value;
	struct buf text;

	buf_init(&text, TEXT_MAX);
	while (walk_next(&from, &other, &value)) {
		if (!slice_eq_nocase(other, name))
			continue;
		if (text.n > 0)
			buf_add_str(&text, ", ");
		buf_add_slice(&text, value);
	}
	if (slice_eq_nocase(name, SLICE_LIT("authorization")) ||
	    slice_eq_nocase(name, SLICE_LIT("proxy-authorization")))
		json_put_string(w, MASK);
	else
		put_masked(w, ep, ev, buf_slice(&text));
	buf_free(&text);
}

static void write_headers(struct json_writer *w, const struct endpoint *ep, const struct event *ev, struct walk all)
{
	struct walk k = all;
	struct slice name, value;

	for (size_t i = 0; walk_next(&k, &name, &value); i++) {
		if (came_before(all, i, name))
			continue;
		json_key_slice(w, name);
		put_joined(w, ep, ev, all, name);
	}
}

/* --- both --- */

void request_show(struct json_writer *w, const struct endpoint *ep, const struct event *ev,
		  const struct http_request *rq, size_t body_max)
{
	json_begin_object(w);
	json_member_str(w, "method", rq->method == HTTP_GET ? "GET" : "POST");
	json_key(w, "url");
	put_masked(w, ep, ev, rq->url);
	json_key(w, "headers");
	json_begin_object(w);
	if (ep->peer.username) /* added by the client, over whatever a header of the endpoint says */
		json_member_string(w, "Authorization", MASK);
	write_headers(w, ep, ev, (struct walk){ .all = rq->headers, .count = rq->header_count });
	json_end_object(w);
	write_body(w, ep, ev, rq->body, rq->body.n, body_max);
	json_end_object(w);
}

void response_show(struct json_writer *w, const struct endpoint *ep, const struct event *ev, struct slice headers,
		   struct slice body, size_t body_size)
{
	json_begin_object(w);
	json_key(w, "headers");
	json_begin_object(w);
	write_headers(w, ep, ev, (struct walk){ .block = headers });
	json_end_object(w);
	write_body(w, ep, ev, body, body_size, SHOWN_BODY_MAX);
	json_end_object(w);
}

static struct slice location(struct slice headers)
{
	struct walk k = { .block = headers };
	struct slice name, value;

	while (walk_next(&k, &name, &value))
		if (slice_eq_nocase(name, SLICE_LIT("location")))
			return value;
	return slice_str("");
}

void status_reason_show(struct json_writer *w, const struct endpoint *ep, const struct event *ev, int status,
			struct slice headers)
{
	struct slice target = status >= 300 && status < 400 ? location(headers) : slice_str("");
	struct buf text;

	buf_init(&text, TEXT_MAX);
	buf_addf(&text, "answered %d: %s", status, meaning_of_status(status));
	if (target.n > 0) {
		buf_add_str(&text, ": ");
		buf_add_slice(&text, target);
	}
	put_masked(w, ep, ev, buf_slice(&text));
	buf_free(&text);
}

void explanation_show(struct json_writer *w, int code)
{
	struct meaning said;

	if (!meaning_of_code(code, &said)) {
		json_put_null(w);
		return;
	}
	json_begin_object(w);
	json_member_str(w, "what", said.what);
	json_member_str(w, "cure", said.cure);
	json_end_object(w);
}

void ms_write(struct json_writer *w, int64_t us)
{
	if (us < 0)
		json_put_null(w);
	else
		json_put_double(w, (double)us / 1000);
}

void timings_show(struct json_writer *w, const struct http_timings *t)
{
	const struct {
		const char *name;
		int64_t us;
	} all[] = { { "dns", t->dns }, { "connect", t->connect }, { "tls", t->tls }, { "first_byte", t->first_byte } };

	json_begin_object(w);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		json_key(w, all[i].name);
		ms_write(w, all[i].us);
	}
	json_end_object(w);
}

void event_shown(struct json_writer *w, const struct event *ev)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	event_show(json_root(&ev->doc), &text);
	json_put_raw(w, buf_slice(&text));
	buf_free(&text);
}
