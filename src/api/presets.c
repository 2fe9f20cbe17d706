/* The presets as they are in this program: what a customer's settings are laid over. */
#include "dialect/preset.h"

#include "api/answer.h"
#include "api/handlers.h"

/* All members but `about` are settings. The text is ours and was checked at the start. */
static void write_preset(struct json_writer *w, const char *name, struct slice text)
{
	struct json_doc doc;
	struct json_iter it;

	json_doc_init(&doc);
	json_parse(&doc, text, &json_limits_default, NULL);
	json_begin_object(w);
	json_member_str(w, "name", name);
	json_key(w, "about");
	json_put_raw(w, json_raw(json_get(json_root(&doc), "about")));
	json_key(w, "settings");
	json_begin_object(w);
	for (it = json_each(json_root(&doc)); json_next(&it);) {
		if (json_is(it.key, "about"))
			continue;
		json_key_slice(w, json_escaped_text(it.key));
		json_put_raw(w, json_raw(it.value));
	}
	json_end_object(w);
	json_end_object(w);
	json_doc_free(&doc);
}

static bool is_after(const char *name, struct slice marker)
{
	size_t n = strlen(name), least = n < marker.n ? n : marker.n;
	int order = memcmp(name, marker.p, least);

	return order > 0 || (order == 0 && n > marker.n);
}

void presets_list(struct call *c)
{
	struct slice text, last = slice_str("");
	struct page page;
	size_t written = 0, count = 0;
	bool more = false;
	const char *name;

	if (!page_read(c, "name", "asc", &page))
		return;
	while (preset_name(count))
		count++;
	if (page.count) {
		page_count(c, (int64_t)count);
		return;
	}
	page_begin(c);
	for (size_t i = 0; (name = preset_name(i)) && !more; i++) {
		if (!is_after(name, page.marker) || !preset_find(slice_str(name), &text))
			continue;
		more = written == page.size;
		if (more)
			break;
		write_preset(&c->w, name, text);
		last = slice_str(name);
		written++;
	}
	page_end(c, more, last);
}

void preset_get(struct call *c)
{
	struct slice text;
	const char *name = NULL;

	for (size_t i = 0; (name = preset_name(i)) && !slice_is(c->params[0], name); i++)
		;
	if (!name || !preset_find(c->params[0], &text)) {
		answer_error(c, 404, "not_found", NULL, "there is no preset \"%.*s\"; GET /v1/presets lists them",
			     SLICE_HEAD(c->params[0], 100));
		return;
	}
	write_preset(answer_begin(c), name, text);
	answer_json(c, 200);
}
