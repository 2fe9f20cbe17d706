/*
 * JSON templates (W2). The walk only has to know whether it is inside a string; that the rest is JSON
 * is shown by the strict reader itself, on a copy of the template in which each hole at value
 * position has become an empty array of the same length. So the reader's positions are the template's
 * own, and a hole where no value may stand (before a colon, after another value) is refused like any
 * other array there. Holes in strings stay as they are: braces are nothing special in a string.
 *
 * A member name may hold a hole; two names may then become the same, which RFC 8259 leaves to the receiver.
 */
#include "base/mem.h"
#include "dialect/template_parts.h"

/* "[]" and blanks: unlike a number or a word it cannot melt into what stands beside it. */
static void blank_out(char *copy, size_t at, size_t length)
{
	memset(copy + at, ' ', length);
	copy[at] = '[';
	copy[at + 1] = ']';
}

static int scan(struct builder *b, char *copy)
{
	bool in_string = false;

	for (size_t at = 0; at < b->text.n; at++) {
		char c = b->text.p[at];
		struct hole hole;
		int length;

		if (c == '\\' && in_string)
			at++; /* whatever is escaped begins nothing */
		else if (c == '"')
			in_string = !in_string;
		if (c != '{')
			continue;
		length = builder_read(b, at, &hole);
		if (length < 0)
			return length;
		if (length == 0)
			continue;
		builder_hole(b, at, (size_t)length, &hole, in_string ? PLACE_JSON_STRING : PLACE_JSON_VALUE);
		if (!in_string)
			blank_out(copy, at, (size_t)length);
		at += (size_t)length - 1;
	}
	return 0;
}

int template_scan_json(struct builder *b)
{
	char *copy = mem_dup(b->text.p, b->text.n);
	struct json_doc doc;
	int err;

	json_doc_init(&doc);
	err = scan(b, copy);
	if (err == 0)
		err = json_parse(&doc, slice_of(copy, b->text.n), &json_limits_default, b->fault);
	json_doc_free(&doc);
	mem_free(copy);
	return err;
}

static bool is_surrogate(const char *p, const char *letters)
{
	return p[0] == '\\' && p[1] == 'u' && (p[2] == 'd' || p[2] == 'D') && strchr(letters, p[3]);
}

/*
 * JSON text of an array or object as it came, but for lone
 * surrogates, which RFC 8259 lets through and receivers choke on.
 */
static void put_bare(struct buf *out, struct slice s)
{
	while (s.n > 0) {
		size_t run = slice_find(s, '\\'), take = s.n - run < 2 ? s.n - run : 2;
		bool high, low;

		buf_add(out, s.p, run);
		s = slice_from(s, run);
		high = s.n >= 6 && is_surrogate(s.p, "89abAB");
		low = s.n >= 6 && is_surrogate(s.p, "cdefCDEF");
		if (high && s.n >= 12 && is_surrogate(s.p + 6, "cdefCDEF")) {
			take = 12;
		} else if (high || low) {
			buf_add_str(out, "\\ufffd");
			s = slice_from(s, 6);
			continue;
		}
		buf_add(out, s.p, take);
		s = slice_from(s, take);
	}
}

void template_put_json(struct buf *out, enum place place, const struct value *v)
{
	if (place == PLACE_JSON_STRING)
		json_add_escaped(out, v->text);
	else if (v->missing)
		buf_add_str(out, "null");
	else if (v->bare)
		put_bare(out, v->text);
	else
		json_add_string(out, v->text);
}
