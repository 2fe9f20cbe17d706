/*
 * Looking at a parsed document: lookups, contents, iteration. Everything here relies on what the reader has checked
 * (escapes are complete, numbers follow the grammar), so nothing here can fail but by being absent.
 */
#include <math.h>
#include <stdlib.h>

#include "base/json_parts.h"
#include "base/mem.h"
#include "base/text.h"

static struct json none(void)
{
	return (struct json){ NULL, 0 };
}

static const struct json_node *node_of(struct json v)
{
	return v.doc && v.at < v.doc->count ? &v.doc->nodes[v.at] : NULL;
}

struct json json_root(const struct json_doc *doc)
{
	return doc->count > 0 ? (struct json){ doc, 0 } : none();
}

enum json_type json_type(struct json v)
{
	const struct json_node *node = node_of(v);

	return node ? (enum json_type)node->type : JSON_NONE;
}

const char *json_type_name(enum json_type type)
{
	static const char *const names[] = {
		[JSON_NONE] = "nothing",   [JSON_NULL] = "null",	[JSON_FALSE] = "false",
		[JSON_TRUE] = "true",	   [JSON_NUMBER] = "a number",	[JSON_STRING] = "a string",
		[JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object",
	};

	return names[type];
}

bool json_is_nil(struct json v)
{
	return json_type(v) <= JSON_NULL;
}

static inline bool content_is(const struct json_doc *doc, const struct json_node *string, struct slice plain)
{
	const char *text = doc->text + string->start;

	if (string->escaped)
		return json_unescaped_is(slice_of(text, string->len), plain);
	if (string->len != plain.n || plain.n == 0)
		return string->len == plain.n;
	return text[0] == plain.p[0] && memcmp(text, plain.p, plain.n) == 0;
}

/*
 * The most frequent question of all, so it walks the nodes
 * itself: a key of another length or first letter costs no call.
 */
struct json json_get_slice(struct json v, struct slice name)
{
	const struct json_node *object = node_of(v), *nodes;

	if (!object || object->type != JSON_OBJECT)
		return none();
	nodes = v.doc->nodes;
	for (uint32_t key = v.at + 1; key < object->next; key = nodes[key + 1].next)
		if (content_is(v.doc, &nodes[key], name))
			return (struct json){ v.doc, key + 1 };
	return none();
}

struct json json_get_same(struct json v, struct json key)
{
	struct buf scratch;
	struct json found;

	buf_init(&scratch, json_raw(key).n);
	found = json_get_slice(v, json_text_slice(key, &scratch));
	buf_free(&scratch);
	return found;
}

static struct json element(struct json v, struct slice number)
{
	struct json_iter it = json_each(v);
	long long wanted;

	if (!slice_to_i64(number, &wanted) || wanted < 0)
		return none();
	while (json_next(&it))
		if (it.index == wanted)
			return it.value;
	return none();
}

struct json json_path(struct json v, struct slice path)
{
	for (;;) {
		size_t dot = slice_find(path, '.');
		struct slice step = slice_of(path.p, dot);

		v = json_type(v) == JSON_ARRAY ? element(v, step) : json_get_slice(v, step);
		if (dot == path.n)
			return v;
		path = slice_from(path, dot + 1);
	}
}

struct slice json_raw(struct json v)
{
	const struct json_node *node = node_of(v);

	if (!node)
		return SLICE_LIT("");
	if (node->type == JSON_STRING)
		return slice_of(v.doc->text + node->start - 1, node->len + 2);
	return slice_of(v.doc->text + node->start, node->len);
}

struct slice json_escaped_text(struct json v)
{
	const struct json_node *node = node_of(v);

	if (!node || node->type != JSON_STRING)
		return SLICE_LIT("");
	return slice_of(v.doc->text + node->start, node->len);
}

static uint32_t read_hex4(const char *p)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 4 | (uint32_t)hex_digit(p[i]);
	return v;
}

/* *s stands on \uXXXX; takes the second half of a pair along. */
static uint32_t unescape_rune(struct slice *s)
{
	uint32_t rune = read_hex4(s->p + 2), low;

	*s = slice_from(*s, 6);
	if (rune < 0xd800 || rune > 0xdfff)
		return rune;
	if (rune > 0xdbff || s->n < 6 || s->p[0] != '\\' || s->p[1] != 'u')
		return 0xfffd;
	low = read_hex4(s->p + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return 0xfffd;
	*s = slice_from(*s, 6);
	return 0x10000 + ((rune - 0xd800) << 10 | (low - 0xdc00));
}

static char unescape_letter(char c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return c; /* quote, backslash, slash */
	}
}

size_t json_unescape_next(struct slice *s, char ret[4])
{
	if (s->p[0] == '\\' && s->p[1] == 'u')
		return utf8_write(ret, unescape_rune(s));
	if (s->p[0] == '\\') {
		ret[0] = unescape_letter(s->p[1]);
		*s = slice_from(*s, 2);
	} else {
		ret[0] = s->p[0];
		*s = slice_from(*s, 1);
	}
	return 1;
}

bool json_unescaped_is(struct slice escaped, struct slice plain)
{
	char unit[4];

	while (escaped.n > 0) {
		size_t n = json_unescape_next(&escaped, unit);

		if (plain.n < n || memcmp(plain.p, unit, n) != 0)
			return false;
		plain = slice_from(plain, n);
	}
	return plain.n == 0;
}

static void add_unescaped(struct buf *out, struct slice s)
{
	char unit[4];

	while (s.n > 0) {
		size_t run = slice_find(s, '\\');

		buf_add(out, s.p, run);
		s = slice_from(s, run);
		if (s.n > 0)
			buf_add(out, unit, json_unescape_next(&s, unit));
	}
}

void json_text(struct json v, struct buf *out)
{
	const struct json_node *node = node_of(v);

	if (!node || node->type == JSON_NULL)
		return;
	if (node->escaped)
		add_unescaped(out, json_escaped_text(v));
	else
		buf_add(out, v.doc->text + node->start, node->len);
}

struct slice json_text_slice(struct json v, struct buf *scratch)
{
	const struct json_node *node = node_of(v);

	buf_reset(scratch);
	if (!node || node->type == JSON_NULL)
		return SLICE_LIT("");
	if (!node->escaped)
		return slice_of(v.doc->text + node->start, node->len);
	add_unescaped(scratch, json_escaped_text(v));
	return buf_slice(scratch);
}

bool json_is(struct json v, const char *s)
{
	return json_type(v) == JSON_STRING && content_is(v.doc, node_of(v), slice_str(s));
}

bool json_i64(struct json v, int64_t *ret)
{
	long long number;

	if (json_type(v) != JSON_NUMBER || !slice_to_i64(json_raw(v), &number))
		return false;
	*ret = number;
	return true;
}

bool json_double(struct json v, double *ret)
{
	struct slice text = json_raw(v);
	char near[64], *far = NULL;
	double number;
	int64_t whole;

	if (json_i64(v, &whole)) { /* nearly always, and ten times cheaper than strtod */
		*ret = (double)whole;
		return true;
	}
	if (json_type(v) != JSON_NUMBER)
		return false;
	/*
	 * strtod wants a NUL behind the number; JSON's grammar is a
	 * subset of its own in the C locale, which never changes here
	 */
	if (text.n < sizeof(near))
		slice_copy(near, sizeof(near), text);
	else
		far = slice_dup(text);
	number = strtod(far ? far : near, NULL);
	mem_free(far);
	if (!isfinite(number))
		return false;
	*ret = number;
	return true;
}

struct json_iter json_each(struct json container)
{
	const struct json_node *node = node_of(container);

	if (!node || node->type < JSON_ARRAY)
		return (struct json_iter){ 0 };
	return (struct json_iter){
		.key = none(),
		.value = { container.doc, 0 },
		.index = UINT32_MAX, /* before the first */
		.cursor = container.at + 1,
		.end = node->next,
		.object = node->type == JSON_OBJECT,
	};
}

bool json_next(struct json_iter *it)
{
	const struct json_doc *doc = it->value.doc;

	if (it->cursor >= it->end)
		return false;
	if (it->object)
		it->key = (struct json){ doc, it->cursor++ };
	it->value = (struct json){ doc, it->cursor };
	it->cursor = doc->nodes[it->cursor].next;
	it->index++;
	return true;
}
