/*
 * Writing JSON. The writer keeps one bit of history a level, whether a comma is due, so callers just say what comes
 * next. Its misuse is a bug of ours, never an input's fault, and is asserted.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"

static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The length of the run at the front of s that may stand in a JSON string as it is; whole UTF-8 sequences only. */
static size_t plain_run(struct slice s)
{
	size_t i = 0, n;

	while (i < s.n) {
		if (is_plain((uint8_t)s.p[i]))
			n = 1;
		else
			n = (uint8_t)s.p[i] < 0x80 ? 0 : utf8_next(slice_from(s, i), NULL);
		if (n == 0)
			break;
		i += n;
	}
	return i;
}

static void add_escape(struct buf *out, char c)
{
	static const char letters[0x20] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
	};
	uint8_t byte = (uint8_t)c;

	if (byte >= 0x80)
		utf8_add(out, 0xfffd);
	else if (byte >= 0x20)
		buf_add(out, (const char[]){ '\\', c }, 2);
	else if (letters[byte])
		buf_add(out, (const char[]){ '\\', letters[byte] }, 2);
	else
		buf_addf(out, "\\u%04x", byte);
}

void json_add_escaped(struct buf *out, struct slice s)
{
	while (s.n > 0) {
		size_t run = plain_run(s);

		buf_add(out, s.p, run);
		if (run == s.n)
			return;
		add_escape(out, s.p[run]);
		s = slice_from(s, run + 1);
	}
}

void json_add_string(struct buf *out, struct slice s)
{
	buf_add_char(out, '"');
	json_add_escaped(out, s);
	buf_add_char(out, '"');
}

void json_writer_init(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){ .out = out };
}

/* Before every value: the comma, and the proof that a value may stand here. */
static void value_begins(struct json_writer *w)
{
	if (w->after_key) {
		w->after_key = false;
		return;
	}
	assert(!w->object[w->depth]);
	assert(w->depth > 0 || !w->comma[0]);
	if (w->comma[w->depth])
		buf_add_char(w->out, ',');
	w->comma[w->depth] = true;
}

static void begin(struct json_writer *w, bool object)
{
	value_begins(w);
	assert(w->depth < JSON_DEPTH_MAX);
	w->depth++;
	w->comma[w->depth] = false;
	w->object[w->depth] = object;
	buf_add_char(w->out, object ? '{' : '[');
}

static void end(struct json_writer *w, bool object)
{
	assert(w->depth > 0 && w->object[w->depth] == object && !w->after_key);
	w->depth--;
	buf_add_char(w->out, object ? '}' : ']');
}

void json_begin_object(struct json_writer *w)
{
	begin(w, true);
}

void json_end_object(struct json_writer *w)
{
	end(w, true);
}

void json_begin_array(struct json_writer *w)
{
	begin(w, false);
}

void json_end_array(struct json_writer *w)
{
	end(w, false);
}

void json_key(struct json_writer *w, const char *name)
{
	json_key_slice(w, slice_str(name));
}

void json_key_slice(struct json_writer *w, struct slice name)
{
	assert(w->object[w->depth] && !w->after_key);
	if (w->comma[w->depth])
		buf_add_char(w->out, ',');
	w->comma[w->depth] = true;
	json_add_string(w->out, name);
	buf_add_char(w->out, ':');
	w->after_key = true;
}

void json_key_same(struct json_writer *w, struct json key)
{
	struct buf scratch;

	buf_init(&scratch, json_raw(key).n);
	json_key_slice(w, json_text_slice(key, &scratch));
	buf_free(&scratch);
}

void json_put_string(struct json_writer *w, struct slice s)
{
	value_begins(w);
	json_add_string(w->out, s);
}

void json_put_str(struct json_writer *w, const char *s)
{
	if (s)
		json_put_string(w, slice_str(s));
	else
		json_put_null(w);
}

void json_put_i64(struct json_writer *w, int64_t v)
{
	value_begins(w);
	buf_add_i64(w->out, v);
}

void json_put_double(struct json_writer *w, double v)
{
	char text[32];

	if (!isfinite(v)) {
		json_put_null(w);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	json_put_raw(w, slice_str(text));
}

void json_put_bool(struct json_writer *w, bool v)
{
	json_put_raw(w, slice_str(v ? "true" : "false"));
}

void json_put_null(struct json_writer *w)
{
	json_put_raw(w, SLICE_LIT("null"));
}

void json_put_raw(struct json_writer *w, struct slice text)
{
	value_begins(w);
	buf_add_slice(w->out, text);
}

void json_member_str(struct json_writer *w, const char *name, const char *s)
{
	json_key(w, name);
	json_put_str(w, s);
}

void json_member_string(struct json_writer *w, const char *name, struct slice s)
{
	json_key(w, name);
	json_put_string(w, s);
}

void json_member_i64(struct json_writer *w, const char *name, int64_t v)
{
	json_key(w, name);
	json_put_i64(w, v);
}

void json_member_bool(struct json_writer *w, const char *name, bool v)
{
	json_key(w, name);
	json_put_bool(w, v);
}
