/* JSON, indented. An explicit stack, as deep as the reader allows; numbers and strings stand as they came. */
#include "listen/json_text.h"

#include <assert.h>

#include "base/terminal.h"
#include "base/text.h"

struct level {
	struct json_iter it;
	bool object;
};

struct pen {
	struct buf *out;
	size_t indent, depth;
	struct level levels[JSON_DEPTH_MAX + 1];
};

/*
 * JSON text holds no control bytes below the blank; what else is
 * invisible lies below U+10000 and has an escape of four digits.
 */
static void raw_add(struct buf *out, struct slice raw)
{
	uint32_t rune = 0;
	size_t n;

	while (raw.n > 0 && (n = utf8_next(raw, &rune)) > 0) {
		if (rune > 0x20 && terminal_hides(rune))
			buf_addf(out, "\\u%04x", (unsigned)rune);
		else
			buf_add(out, raw.p, n);
		raw = slice_from(raw, n);
	}
}

static void line_add(struct pen *pen)
{
	buf_addf(pen->out, "\n%*s", (int)(pen->indent + 2 * pen->depth), "");
}

/* A scalar, an empty container, or the opening of one that goes onto the stack. */
static void value_add(struct pen *pen, struct json v)
{
	bool object = json_type(v) == JSON_OBJECT;
	struct json_iter it = json_each(v), first = it;

	if ((!object && json_type(v) != JSON_ARRAY) || !json_next(&first)) {
		raw_add(pen->out, json_raw(v));
		return;
	}
	assert(pen->depth <= JSON_DEPTH_MAX);
	buf_add_char(pen->out, object ? '{' : '[');
	pen->levels[pen->depth++] = (struct level){ it, object };
}

void json_text_add(struct buf *out, struct json v, size_t indent)
{
	struct pen pen = { .out = out, .indent = indent };
	struct level *level;

	value_add(&pen, v);
	while (pen.depth > 0) {
		level = &pen.levels[pen.depth - 1];
		if (!json_next(&level->it)) {
			pen.depth--;
			line_add(&pen);
			buf_add_char(out, level->object ? '}' : ']');
			continue;
		}
		if (level->it.index > 0)
			buf_add_char(out, ',');
		line_add(&pen);
		if (level->object) {
			raw_add(out, json_raw(level->it.key));
			buf_add_str(out, ": ");
		}
		value_add(&pen, level->it.value);
	}
}
