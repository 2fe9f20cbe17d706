/*
 * The search index asks for the numbers of every event, behind the log, where a parse of each text would cost as much
 * as a tenth of its whole way through. So the text is skimmed: what stands after a name that ends in _number, and a
 * name, is where a number may be. It finds some too many (a member of the same name somewhere in the vars), which
 * number_is_named settles with a parse when somebody has asked.
 *
 * None too few: escapes are what a skim cannot see through. In a value they are common (".NET" writes + as \u002B), in
 * a name they are only a joke that JSON allows; a text with either is parsed.
 */
#include "dialect/number.h"

#include <string.h>

#include "base/json.h"

static const char *const names[] = { "from_number", "to_number", "phone_number" };
#define NAMES	    (sizeof(names) / sizeof(names[0]))
#define NAME_END    8 /* bytes of _number" */
#define SKIMMED_MAX (NUMBERS_MAX - NAMES)

struct slice number_digits(struct slice text, char out[NUMBER_DIGITS_MAX])
{
	bool begins = true;
	size_t n = 0;

	for (size_t i = 0; i < text.n && n < NUMBER_DIGITS_MAX; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			continue;
		out[n++] = text.p[i];
		if (n == 2 && begins) {
			begins = false;
			n = out[0] == '0' && out[1] == '0' ? 0 : n;
		}
	}
	return slice_of(out, n);
}

static void give(struct slice value, number_fn *fn, void *ctx)
{
	char digits[NUMBER_DIGITS_MAX];
	struct slice number = number_digits(value, digits);

	if (number.n >= NUMBER_DIGITS_LEAST)
		fn(ctx, number);
}

/* --- by parsing --- */

static void parse_each(struct slice event, number_fn *fn, void *ctx)
{
	static const char *const paths[] = { "message.from_number", "message.to_number", "contact.phone_number" };
	struct json_doc doc;
	struct buf text;

	json_doc_init(&doc);
	buf_init(&text, event.n + 1);
	if (json_parse(&doc, event, &json_limits_default, NULL) == 0)
		for (size_t i = 0; i < NAMES; i++) {
			struct json v = json_path(json_root(&doc), slice_str(paths[i]));

			if (json_type(v) == JSON_STRING)
				give(json_text_slice(v, &text), fn, ctx);
		}
	buf_free(&text);
	json_doc_free(&doc);
}

/* --- by skimming --- */

/* A letter, or _, written as \u0061: then a name may be spelled so that it is not seen. */
static bool has_spelled_letter(struct slice s)
{
	const char *p;

	while ((p = memmem(s.p, s.n, "\\u00", 4))) {
		s = slice_from(s, (size_t)(p - s.p) + 4);
		if (s.n > 0 && (s.p[0] == '5' || s.p[0] == '6' || s.p[0] == '7'))
			return true;
	}
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct slice skip_blanks(struct slice s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = slice_from(s, 1);
	return s;
}

/* What stands after a name: a string's content up to its quote. False: no string. */
static bool string_after_name(struct slice s, struct slice *ret)
{
	const char *end;

	s = skip_blanks(s);
	if (s.n == 0 || s.p[0] != ':')
		return false;
	s = skip_blanks(slice_from(s, 1));
	if (s.n == 0 || s.p[0] != '"')
		return false;
	s = slice_from(s, 1);
	end = memchr(s.p, '"', s.n);
	if (!end)
		return false;
	*ret = slice_of(s.p, (size_t)(end - s.p));
	return true;
}

/* Does the text before the place end in one of the names, in quotes? */
static bool name_ends(struct slice before)
{
	for (size_t i = 0; i < NAMES; i++) {
		struct slice name = slice_str(names[i]);

		if (before.n > name.n && before.p[before.n - name.n - 1] == '"' &&
		    memcmp(before.p + before.n - name.n, name.p, name.n) == 0)
			return true;
	}
	return false;
}

/*
 * The next _number" in the text; NULL: none. Names have few underscores, and memchr looks at many bytes at once: a
 * third of the time that memmem takes.
 */
static const char *next_name(struct slice s)
{
	static const char end_of_name[NAME_END] = "_number\"";
	const char *p;

	while ((p = memchr(s.p, '_', s.n))) {
		s = slice_from(s, (size_t)(p - s.p));
		if (s.n < NAME_END)
			return NULL;
		if (memcmp(p, end_of_name, NAME_END) == 0)
			return p;
		s = slice_from(s, 1);
	}
	return NULL;
}

/*
 * False when it met what only a parse can read, or so many that most cannot be the event's own: the vars are a
 * stranger's. Some numbers may have been given by then.
 */
static bool skim_each(struct slice event, number_fn *fn, void *ctx)
{
	struct slice rest = event, value;
	size_t given = 0;
	const char *p;

	while ((p = next_name(rest))) {
		const char *quote = p + NAME_END - 1;

		rest = slice_from(rest, (size_t)(quote + 1 - rest.p));
		if (!name_ends(slice_of(event.p, (size_t)(quote - event.p))) || !string_after_name(rest, &value))
			continue;
		if (memchr(value.p, '\\', value.n) || given++ == SKIMMED_MAX)
			return false;
		give(value, fn, ctx);
	}
	return true;
}

void number_each(struct slice event, number_fn *fn, void *ctx)
{
	bool sure = !memchr(event.p, '\\', event.n) || !has_spelled_letter(event);

	if (!sure || !skim_each(event, fn, ctx))
		parse_each(event, fn, ctx);
}

/* --- one number --- */

struct wanted {
	struct slice digits;
	bool found;
};

static void compare(void *ctx, struct slice digits)
{
	struct wanted *w = ctx;

	w->found |= slice_eq(digits, w->digits);
}

bool number_is_named(struct slice event, struct slice digits)
{
	struct wanted maybe = { .digits = digits }, sure = { .digits = digits };

	number_each(event, compare, &maybe);
	if (maybe.found)
		parse_each(event, compare, &sure);
	return sure.found;
}
