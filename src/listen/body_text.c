/* Which reading fits a body, and what to show when none does. */
#include "listen/body_text.h"

#include <stdio.h>

#include "base/json.h"
#include "base/terminal.h"
#include "base/text.h"
#include "listen/json_text.h"
#include "listen/paint.h"
#include "listen/webcom.h"
#include "listen/xml_text.h"

#define SHOWN_MAX  ((size_t)2 * 1024 * 1024) /* a larger body is shown in part */
#define PART_SHOWN ((size_t)4096)
#define HEX_SHOWN  ((size_t)64)

enum body_kind { BODY_JSON, BODY_XML, BODY_FORM, BODY_TEXT };

static bool ends_with(struct slice s, struct slice tail)
{
	return s.n >= tail.n && slice_eq_nocase(slice_from(s, s.n - tail.n), tail);
}

static enum body_kind body_kind(struct slice content_type, struct slice body)
{
	struct slice media = slice_trim(slice_of(content_type.p, slice_find(content_type, ';')));
	size_t at = 0;

	if (ends_with(media, SLICE_LIT("json")))
		return BODY_JSON;
	if (ends_with(media, SLICE_LIT("xml")))
		return BODY_XML;
	if (slice_eq_nocase(media, SLICE_LIT("application/x-www-form-urlencoded")))
		return BODY_FORM;
	while (at < body.n && strchr(" \t\r\n", body.p[at]))
		at++;
	if (at < body.n && (body.p[at] == '{' || body.p[at] == '['))
		return BODY_JSON;
	return at < body.n && body.p[at] == '<' ? BODY_XML : BODY_TEXT;
}

static void note_add(struct buf *out, bool colours, const char *what, const char *reason)
{
	paint(out, colours, PAINT_RED, what);
	terminal_add(out, slice_str(reason));
	buf_add_char(out, '\n');
}

/* --- plain --- */

static void hex_part_add(struct buf *out, struct slice body)
{
	size_t n = body.n < HEX_SHOWN ? body.n : HEX_SHOWN;

	buf_addf(out, "(%zu bytes that are no text) ", body.n);
	hex_add(out, body.p, n);
	buf_add_str(out, n < body.n ? "…\n" : "\n");
}

static void plain_add(struct buf *out, struct slice body)
{
	if (!utf8_valid(body)) {
		hex_part_add(out, body);
		return;
	}
	terminal_add_lines(out, body, "");
	if (body.n > 0 && body.p[body.n - 1] != '\n')
		buf_add_char(out, '\n');
}

/* --- JSON --- */

/* The array whose elements are the events: the root, or the only member of the root. */
static struct json batch_of(struct json root)
{
	struct json none = { .doc = NULL };
	struct json_iter it = json_each(root);
	struct json only;

	if (json_type(root) == JSON_ARRAY)
		return root;
	if (json_type(root) != JSON_OBJECT || !json_next(&it) || json_type(it.value) != JSON_ARRAY)
		return none;
	only = it.value;
	return json_next(&it) ? none : only;
}

static size_t array_count(struct json array)
{
	size_t count = 0;

	for (struct json_iter it = json_each(array); json_next(&it);)
		count++;
	return count;
}

static void title_add(struct buf *out, bool colours, size_t number, size_t count)
{
	char title[60];

	snprintf(title, sizeof(title), "item %zu of %zu\n", number, count);
	paint(out, colours, PAINT_DIM, title);
	buf_add_str(out, "  ");
}

static void batch_add(struct buf *out, struct json batch, bool colours)
{
	size_t count = array_count(batch);

	for (struct json_iter it = json_each(batch); json_next(&it);) {
		title_add(out, colours, it.index + 1, count);
		json_text_add(out, it.value, 2);
		buf_add_char(out, '\n');
	}
	if (count == 0)
		buf_add_str(out, "an empty batch\n");
}

static void json_add(struct buf *out, struct slice body, bool colours)
{
	struct json_doc doc;
	struct fault fault;
	struct json batch;

	json_doc_init(&doc);
	if (json_parse(&doc, body, &json_limits_default, &fault) == 0) {
		batch = batch_of(json_root(&doc));
		if (batch.doc) {
			batch_add(out, batch, colours);
		} else {
			json_text_add(out, json_root(&doc), 0);
			buf_add_char(out, '\n');
		}
	} else {
		note_add(out, colours, "no valid JSON: ", fault.message);
		plain_add(out, body);
	}
	json_doc_free(&doc);
}

static size_t json_items(struct slice body)
{
	struct json_doc doc;
	struct json batch;
	size_t count = 1;

	json_doc_init(&doc);
	if (json_parse(&doc, body, &json_limits_default, NULL) == 0) {
		batch = batch_of(json_root(&doc));
		count = batch.doc ? array_count(batch) : 1;
	}
	json_doc_free(&doc);
	return count;
}

/* --- forms --- */

static void field_add(struct buf *out, struct slice piece)
{
	size_t equals = slice_find(piece, '=');
	struct buf text;

	buf_init(&text, piece.n);
	buf_add_str(out, "  ");
	percent_decode(&text, slice_of(piece.p, equals), true);
	terminal_add(out, buf_slice(&text));
	buf_reset(&text);
	buf_add_str(out, " = ");
	if (equals < piece.n)
		percent_decode(&text, slice_from(piece, equals + 1), true);
	terminal_add(out, buf_slice(&text));
	buf_add_char(out, '\n');
	buf_free(&text);
}

static void form_fields_add(struct buf *out, struct slice body)
{
	struct slice piece;

	while (body.n > 0) {
		piece = slice_of(body.p, slice_find(body, '&'));
		body = slice_from(body, piece.n < body.n ? piece.n + 1 : piece.n);
		if (piece.n > 0)
			field_add(out, piece);
	}
}

/* --- XML --- */

static void member_add(struct buf *out, const char *name, struct slice value)
{
	if (value.n == 0)
		return;
	buf_addf(out, "  %s ", name);
	terminal_add(out, value);
}

/* A line for each state, as a table of a hundred of them is read. */
static bool webcom_add(struct buf *out, struct slice body, bool colours)
{
	struct webcom w;
	bool found;

	webcom_read(WEBCOM_XML, body, &w);
	found = !w.fault;
	for (size_t i = 0; i < w.count; i++) {
		const struct webcom_item *item = &w.items[i];

		title_add(out, colours, i + 1, w.count);
		buf_add_str(out, "id_sms ");
		terminal_add(out, item->id);
		member_add(out, "state", item->state);
		member_add(out, "time", item->time);
		member_add(out, "sms", item->sms);
		member_add(out, "viber", item->viber);
		buf_add_char(out, '\n');
	}
	webcom_free(&w);
	return found;
}

static void xml_add(struct buf *out, struct slice body, bool colours)
{
	const char *reason = "";

	if (webcom_add(out, body, colours) || xml_text_add(out, body, &reason))
		return;
	note_add(out, colours, "no valid XML: ", reason);
	plain_add(out, body);
}

/* --- all --- */

void body_text_add(struct buf *out, struct slice content_type, struct slice body, bool colours)
{
	if (body.n == 0)
		return;
	if (body.n > SHOWN_MAX) {
		buf_addf(out, "(%zu bytes, of which the first %zu are shown)\n", body.n, PART_SHOWN);
		terminal_add_lines(out, slice_of(body.p, PART_SHOWN), "");
		buf_add_char(out, '\n');
		return;
	}
	switch (body_kind(content_type, body)) {
	case BODY_JSON:
		json_add(out, body, colours);
		break;
	case BODY_XML:
		xml_add(out, body, colours);
		break;
	case BODY_FORM:
		form_fields_add(out, body);
		break;
	case BODY_TEXT:
		plain_add(out, body);
		break;
	}
}

size_t body_items(struct slice content_type, struct slice body)
{
	size_t count;

	if (body.n == 0)
		return 0;
	switch (body_kind(content_type, body)) {
	case BODY_JSON:
		return json_items(body);
	case BODY_XML:
		count = xml_items(body);
		return count > 0 ? count : 1;
	default:
		return 1;
	}
}
