/* "***" in new settings stands for the secret that is there already. Walks both trees side by side; depth is bounded by the JSON reader. */
#include "node/change.h"

static void copy(struct json v, struct json old, struct json_writer *w);

static void copy_members(struct json v, struct json old, struct json_writer *w)
{
	struct json_iter it = json_each(v);
	struct buf name;

	buf_init(&name, 1u << 20);
	json_begin_object(w);
	while (json_next(&it)) {
		struct slice key = json_text_slice(it.key, &name);
		struct json before = json_get_slice(old, key);

		json_key_slice(w, key);
		copy(it.value, before, w);
	}
	json_end_object(w);
	buf_free(&name);
}

static void copy_elements(struct json v, struct json old, struct json_writer *w)
{
	struct json_iter it = json_each(v), was = json_each(old);

	json_begin_array(w);
	while (json_next(&it)) {
		bool known = json_type(old) == JSON_ARRAY && json_next(&was);

		copy(it.value, known ? was.value : (struct json){ 0 }, w);
	}
	json_end_array(w);
}

static void copy(struct json v, struct json old, struct json_writer *w)
{
	if (json_is(v, "***") && old.doc && json_type(old) == JSON_STRING)
		json_put_raw(w, json_raw(old));
	else if (json_type(v) == JSON_OBJECT)
		copy_members(v, old, w);
	else if (json_type(v) == JSON_ARRAY)
		copy_elements(v, old, w);
	else
		json_put_raw(w, json_raw(v));
}

void change_keep_secrets(struct json settings, struct json old, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	copy(settings, old, &w);
}
