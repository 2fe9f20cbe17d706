/*
 * Templates. Compiled once, when an endpoint is saved: the grammar that surrounds each
 * placeholder is known then, so a value is escaped for exactly that place whenever it is
 * rendered, and no value can add a member, close an element or begin a header of its own.
 *
 * A compiled template is a row of pieces, literal text and holes. Rendering is one walk over the row; it needs no lock
 * and no memory but the output and, for values that must be decoded or put together, one scratch buffer.
 *
 * This file holds what all grammars share: reading of placeholders (W1), the builder, the values, the walk.
 */
#include "dialect/template_parts.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"

#define TEMPLATE_MAX	(64 * 1024) /* far above any template that people write; keeps settings small */
#define PLACEHOLDER_MAX 256	    /* how far to look for the closing brace */

/* --- placeholders --- */

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_metric_name(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_upper(s.p[i]) && (i == 0 || (!is_digit(s.p[i]) && s.p[i] != '_')))
			return false;
	return s.n > 0;
}

/* 1 to 99 without leading zeros; 0 when s is none of them. */
static unsigned field_number(struct slice s)
{
	long long n;

	if (s.n < 1 || s.n > 2 || s.p[0] == '0' || !is_digit(s.p[0]) || !slice_to_i64(s, &n))
		return 0;
	return (unsigned)n;
}

/* At least two names with dots between them. The first one begins with a lower-case letter; later ones may be numbers
 * of array elements. */
static bool is_path(struct slice s)
{
	size_t dots = 0;

	if (s.n == 0 || !(is_lower(s.p[0]) || s.p[0] == '_') || s.p[s.n - 1] == '.')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '.' && s.p[i - 1] == '.')
			return false;
		if (c == '.')
			dots++;
		else if (!is_lower(c) && !is_upper(c) && !is_digit(c) && c != '_')
			return false;
	}
	return dots > 0;
}

static int refuse_name(struct builder *b, size_t at, struct slice name)
{
	const struct metric *near = metric_near(name);

	if (name.n > 40)
		name.n = 40;
	if (near)
		return builder_fail(b, at, "{%.*s} is no metric; did you mean {%s}?", SLICE_ARG(name), near->name);
	return builder_fail(b, at,
			    "{%.*s} is no metric; write one of the documented names, {1} to {99}, or a path such "
			    "as {message.vars.order}",
			    SLICE_ARG(name));
}

int source_read(struct builder *b, size_t at, struct slice name, struct source *ret)
{
	*ret = (struct source){ 0 };
	if (is_metric_name(name)) {
		ret->metric = metric_find(name);
		if (!ret->metric)
			return refuse_name(b, at, name);
	} else if (is_path(name)) {
		ret->path = name;
	} else {
		ret->field = field_number(name);
	}
	return ret->metric || ret->path.n > 0 || ret->field > 0;
}

/* True when it differs between the attempts or deliveries of one event. */
static bool source_is_of_delivery(const struct source *s)
{
	return s->metric && s->metric->delivery;
}

/* The pipes behind the name, `|a|b:c`, which begin at offset at. */
static int read_pipes(struct builder *b, size_t at, struct slice pipes, struct hole *hole)
{
	while (pipes.n > 0) {
		struct slice text = slice_from(pipes, 1);
		int err;

		text.n = slice_find(text, '|');
		err = pipe_read(b, at + 1, text, hole);
		if (err)
			return err;
		at += text.n + 1;
		pipes = slice_from(pipes, text.n + 1);
	}
	return 0;
}

int builder_read(struct builder *b, size_t at, struct hole *ret)
{
	struct slice rest = slice_from(b->text, at + 1), inside, name;
	int found;

	*ret = (struct hole){ .first_step = b->t->step_count };
	if (rest.n > PLACEHOLDER_MAX)
		rest.n = PLACEHOLDER_MAX;
	inside = slice_of(rest.p, slice_find(rest, '}'));
	if (inside.n == rest.n)
		return 0;
	name = slice_of(inside.p, slice_find(inside, '|'));
	found = source_read(b, at, name, &ret->source);
	if (found <= 0)
		return found;
	if (read_pipes(b, at + 1 + name.n, slice_from(inside, name.n), ret) != 0)
		return ERR_INVALID;
	return (int)inside.n + 2;
}

/* --- the builder --- */

static void add_piece(struct template *t, struct piece piece)
{
	if (t->count == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 8;
		t->pieces = mem_realloc(t->pieces, t->cap * sizeof(*t->pieces));
	}
	t->pieces[t->count++] = piece;
}

static void add_literal(struct template *t, struct slice text)
{
	if (text.n > 0)
		add_piece(t, (struct piece){ .place = PLACE_NONE, .literal = text });
}

static void close_literal(struct builder *b, size_t at, size_t length)
{
	add_literal(b->t, slice_of(b->text.p + b->done, at - b->done));
	b->done = at + length;
}

void builder_hole(struct builder *b, size_t at, size_t length, const struct hole *hole, enum place place)
{
	close_literal(b, at, length);
	add_piece(b->t, (struct piece){ .place = place, .hole = *hole });
	b->t->holes++;
	if (source_is_of_delivery(&hole->source))
		b->t->uses_delivery = true;
	for (uint32_t i = 0; i < hole->step_count; i++)
		if (source_is_of_delivery(&b->t->steps[hole->first_step + i].other))
			b->t->uses_delivery = true;
}

void builder_replace(struct builder *b, size_t at, size_t length, const char *constant)
{
	close_literal(b, at, length);
	add_literal(b->t, slice_str(constant));
}

int builder_fail(struct builder *b, size_t at, const char *fmt, ...)
{
	char message[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	fault_param(b->fault, "", "%s", message);
	if (b->fault)
		b->fault->position = (long)at;
	return ERR_INVALID;
}

/* --- compiling --- */

static int (*const scans[])(struct builder *) = {
	[TEMPLATE_JSON] = template_scan_json, [TEMPLATE_XML] = template_scan_xml,
	[TEMPLATE_URL] = template_scan_url,   [TEMPLATE_HEADER] = template_scan_header,
	[TEMPLATE_FORM] = template_scan_form,
};

/* The offset of the first byte that is no UTF-8, or text.n. */
static size_t utf8_end(struct slice text)
{
	size_t at = 0, n;
	uint32_t rune;

	while (at < text.n && (n = utf8_next(slice_from(text, at), &rune)) > 0)
		at += n;
	return at;
}

static int check_text(struct builder *b)
{
	size_t valid = utf8_end(b->text), nul = slice_find(b->text, '\0');

	if (b->text.n > TEMPLATE_MAX)
		return builder_fail(b, TEMPLATE_MAX, "the template has %zu bytes; %d are allowed", b->text.n,
				    TEMPLATE_MAX);
	if (valid < b->text.n)
		return builder_fail(b, valid, "the template is no valid UTF-8; save it as UTF-8");
	if (nul < b->text.n)
		return builder_fail(b, nul, "the template holds a NUL byte; take it out");
	if (slice_starts(b->text, SLICE_LIT("\xef\xbb\xbf")))
		return builder_fail(b, 0, "the template begins with a byte order mark; take it out");
	return 0;
}

int template_compile(enum template_grammar grammar, struct slice text, struct template **ret, struct fault *fault)
{
	return template_compile_with(grammar, text, NULL, ret, fault);
}

int template_compile_with(enum template_grammar grammar, struct slice text, const struct maps *maps,
			  struct template **ret, struct fault *fault)
{
	struct template *t = mem_zalloc(sizeof(*t));
	struct builder b = { .t = t, .maps = maps, .fault = fault };

	t->grammar = grammar;
	t->source = slice_dup(text);
	b.text = slice_of(t->source, text.n);
	if (check_text(&b) != 0 || scans[grammar](&b) != 0) {
		template_free(&t);
		return ERR_INVALID;
	}
	close_literal(&b, text.n, 0);
	*ret = t;
	return 0;
}

void template_free(struct template **t)
{
	if (*t) {
		mem_free((*t)->source);
		mem_free((*t)->pieces);
		mem_free((*t)->steps);
		mem_free(*t);
	}
	*t = NULL;
}

bool template_is_constant(const struct template *t)
{
	return t->holes == 0;
}

bool template_uses_delivery(const struct template *t)
{
	return t->uses_delivery;
}

/* --- rendering --- */

static size_t skip_digits(struct slice s, size_t at)
{
	while (at < s.n && is_digit(s.p[at]))
		at++;
	return at;
}

bool is_json_number(struct slice s)
{
	size_t at = s.n > 0 && s.p[0] == '-', first = at;

	at = skip_digits(s, at);
	if (at == first || (s.p[first] == '0' && at > first + 1))
		return false;
	if (at < s.n && s.p[at] == '.') {
		first = ++at;
		at = skip_digits(s, at);
		if (at == first)
			return false;
	}
	if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
		at++;
		if (at < s.n && (s.p[at] == '+' || s.p[at] == '-'))
			at++;
		first = at;
		at = skip_digits(s, at);
		if (at == first)
			return false;
	}
	return at == s.n;
}

void source_value(const struct source *s, const struct looking *look, struct buf *out, struct value *ret)
{
	*ret = (struct value){ .text = SLICE_LIT("") };
	if (s->metric) {
		ret->missing = !s->metric->text(look->subject, out, &ret->text);
		ret->bare = !ret->missing && s->metric->numeric && is_json_number(ret->text);
	} else if (s->field > 0) {
		ret->missing = !metric_field(look->subject, s->field, out, &ret->text);
	} else {
		struct json v = event_path(look->subject->scope->event, s->path);

		ret->missing = json_is_nil(v);
		ret->bare = !ret->missing && json_type(v) != JSON_STRING;
		if (!ret->missing)
			ret->text = json_text_slice(v, out);
	}
}

static void put_value(struct buf *out, enum place place, const struct value *v)
{
	switch (place) {
	case PLACE_NONE:
		break;
	case PLACE_JSON_STRING:
	case PLACE_JSON_VALUE:
		template_put_json(out, place, v);
		break;
	case PLACE_XML_TEXT:
	case PLACE_XML_ATTRIBUTE:
	case PLACE_XML_CDATA:
		template_put_xml(out, place, v->text);
		break;
	case PLACE_URL:
		percent_add(out, v->text);
		break;
	case PLACE_FORM:
		form_add(out, v->text);
		break;
	case PLACE_HEADER:
		buf_add_slice(out, v->text);
		break;
	}
}

/* JSON and XML are safe by construction. What a URL or a header became can only be told from the whole. */
static bool is_safe(const struct template *t, struct slice rendered)
{
	if (t->grammar == TEMPLATE_URL)
		return template_url_is_safe(rendered);
	if (t->grammar == TEMPLATE_HEADER)
		return template_header_is_safe(rendered);
	return true;
}

static void put_literal(const struct template *t, struct slice text, struct buf *out)
{
	if (t->grammar == TEMPLATE_FORM)
		form_add(out, text);
	else
		buf_add_slice(out, text);
}

/* *ret_missing: how many holes had no value. */
static int render(const struct template *t, const struct scope *scope, struct buf *out, size_t *ret_missing)
{
	size_t start = out->n;
	struct subject subject;
	struct looking look = { .subject = scope->subject ? scope->subject : &subject };
	struct value v;
	bool cut = false;

	*ret_missing = 0;
	buf_init(&look.scratch[0], out->max);
	buf_init(&look.scratch[1], out->max);
	if (t->holes > 0 && !scope->subject)
		subject_init(&subject, scope);
	for (size_t i = 0; i < t->count && !cut; i++) {
		const struct piece *piece = &t->pieces[i];

		if (piece->place == PLACE_NONE) {
			put_literal(t, piece->literal, out);
			continue;
		}
		hole_value(t, &piece->hole, &look, &v);
		*ret_missing += v.missing;
		put_value(out, piece->place, &v);
		cut = buf_failed(&look.scratch[0]) || buf_failed(&look.scratch[1]);
	}
	cut = cut || buf_failed(out);
	buf_free(&look.scratch[0]);
	buf_free(&look.scratch[1]);
	if (cut)
		return ERR_TOO_BIG;
	return is_safe(t, slice_from(buf_slice(out), start)) ? 0 : ERR_INVALID;
}

int template_render(const struct template *t, const struct scope *scope, struct buf *out)
{
	size_t missing;

	return render(t, scope, out, &missing);
}

int template_render_field(const struct template *t, const struct scope *scope, struct buf *out, bool *ret_missing)
{
	size_t missing;
	int err = render(t, scope, out, &missing);

	*ret_missing = t->holes > 0 && missing == t->holes;
	return err;
}
