/*
 * Settings as they are in force, row by row, and where each value came from: the first question when a daemon does
 * something else than its file seems to say.
 */
#include "daemon/settings_show.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/url.h"
#include "daemon/settings_table.h"

#define KIB	      INT64_C(1024)
#define ANCESTORS_MAX 4096

static void put_text(struct json_writer *w, const char *text)
{
	if (!text)
		json_put_null(w);
	else if (utf8_valid(slice_str(text)))
		json_put_string(w, slice_str(text));
	else /* a path may be of any bytes */
		json_put_string(w, SLICE_LIT("(not UTF-8)"));
}

static void put_size(struct json_writer *w, int64_t bytes)
{
	static const char units[] = { 'K', 'M', 'G' };
	struct buf text;
	char unit = '\0';

	for (size_t i = 0; i < sizeof(units) && bytes > 0 && bytes % KIB == 0; i++) {
		bytes /= KIB;
		unit = units[i];
	}
	buf_init(&text, 32);
	buf_add_i64(&text, bytes);
	if (unit)
		buf_add_char(&text, unit);
	json_put_string(w, buf_slice(&text));
	buf_free(&text);
}

static void put_word(struct json_writer *w, const char *words, int index)
{
	struct slice rest = slice_str(words);

	for (int i = 0; i < index; i++)
		rest = slice_from(rest, slice_find(rest, ' ') + 1);
	json_put_string(w, slice_of(rest.p, slice_find(rest, ' ')));
}

static void put_list(struct json_writer *w, const struct text_list *l)
{
	json_begin_array(w);
	for (size_t i = 0; i < l->count; i++)
		put_text(w, l->items[i]);
	json_end_array(w);
}

static void put_value(struct json_writer *w, const struct serve_settings *s, const struct setting *row)
{
	const void *value = (const char *)s + row->offset;

	switch (row->kind) {
	case SETTING_TEXT:
	case SETTING_URL:
		put_text(w, setting_is_secret(row) && *(char *const *)value ? "***" : *(char *const *)value);
		break;
	case SETTING_LIST:
		put_list(w, value);
		break;
	case SETTING_NUMBER:
		json_put_i64(w, *(const int64_t *)value);
		break;
	case SETTING_SIZE:
		put_size(w, *(const int64_t *)value);
		break;
	case SETTING_CHOICE:
		put_word(w, row->words, *(const int *)value);
		break;
	}
}

/* In the spelling of put_value. */
static void put_default(struct json_writer *w, const struct setting *row)
{
	if (row->kind == SETTING_LIST) {
		json_begin_array(w);
		json_end_array(w);
	} else if (row->kind == SETTING_NUMBER && row->fallback) {
		json_put_raw(w, slice_str(row->fallback));
	} else {
		put_text(w, row->fallback);
	}
}

static void put_row(struct json_writer *w, const struct serve_settings *s, const struct setting *row)
{
	static const char *const kinds[] = { "text", "list", "number", "size", "choice", "url" };
	const char *where = s->where[setting_index(row)];

	json_begin_object(w);
	json_member_str(w, "name", row->name);
	json_key(w, "value");
	put_value(w, s, row);
	json_key(w, "default");
	put_default(w, row);
	json_key(w, "from");
	put_text(w, where[0] ? where : "default");
	json_member_str(w, "help", row->help);
	json_member_str(w, "kind", kinds[row->kind]);
	json_member_bool(w, "reload", row->reload);
	json_end_object(w);
}

void settings_write(const struct serve_settings *s, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_array(&w);
	for (size_t i = 0; setting_at(i); i++)
		put_row(&w, s, setting_at(i));
	json_end_array(&w);
}

/* --- who may frame the console --- */

/* Scheme, host and port and no more: nothing that would end the directive, or mean another one. */
static bool is_origin(struct slice text)
{
	struct url url;

	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == ';' || text.p[i] == '\'' || text.p[i] == '"')
			return false;
	return url_parse(text, &url, NULL) == 0 && url.target.n == 0;
}

static bool add_ancestor(struct buf *out, struct slice item)
{
	bool self = slice_is(item, "self");

	if (!self && !is_origin(item))
		return false;
	if (out->n > 0)
		buf_add_char(out, ' ');
	buf_add_slice(out, self ? SLICE_LIT("'self'") : item);
	return true;
}

int settings_frame_ancestors(const struct serve_settings *s, char **ret, struct fault *fault)
{
	struct slice rest = slice_str(s->portal_frame_ancestors);
	struct buf text;
	bool good = true;

	*ret = NULL;
	if (slice_is(slice_trim(rest), "none"))
		return 0;
	buf_init(&text, ANCESTORS_MAX);
	while (good && rest.n > 0) {
		size_t n = slice_find(rest, ',');

		good = add_ancestor(&text, slice_trim(slice_of(rest.p, n)));
		rest = slice_from(rest, n < rest.n ? n + 1 : n);
	}
	if (good && !buf_failed(&text) && text.n > 0) {
		*ret = buf_take(&text);
		return 0;
	}
	buf_free(&text);
	return fault_param(fault, settings_where(s, "portal_frame_ancestors"),
			   "'%.100s' is no list of origins - write none, self, or as https://app.example.org, with "
			   "commas between",
			   s->portal_frame_ancestors);
}
