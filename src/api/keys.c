/* A project's keys: made, listed, deleted; the key itself is shown when it is made and never again. */
#include "api/answer.h"
#include "api/handlers.h"

void keys_list(struct call *c)
{
	struct slice project = c->params[0];
	struct page page;
	bool more;

	if (!page_read(c, "id", "asc", &page))
		return;
	if (page.count) {
		page_count(c, (int64_t)node_key_list(c->node, project, slice_str(""), SIZE_MAX, NULL, &more));
		return;
	}
	page_begin(c);
	node_key_list(c->node, project, page.marker, page.size, &c->w, &more);
	page_end(c, more, more ? page_last_id(c) : slice_str(""));
}

static void answer_key(struct call *c, const char *id, struct slice name, const char *key)
{
	struct json_writer *w = answer_begin(c);

	json_begin_object(w);
	json_member_str(w, "id", id);
	json_member_string(w, "name", name);
	json_member_str(w, "key", key);
	json_end_object(w);
	answer_json(c, 201);
}

void key_create(struct call *c)
{
	struct fault fault = NO_FAULT;
	char id[ID_BYTES], key[64];
	struct buf scratch;
	struct json body, name;
	int err;

	if (!call_body_or_none(c, &body))
		return;
	name = json_get(body, "name");
	if (!json_is_nil(name) && json_type(name) != JSON_STRING) {
		answer_error(c, 400, "invalid_param", "name", "must be a string, not %s",
			     json_type_name(json_type(name)));
		return;
	}
	buf_init(&scratch, 4096);
	err = node_key_create(c->node, c->params[0], json_text_slice(name, &scratch), id, key, &fault);
	if (err)
		answer_err(c, err, &fault);
	else
		answer_key(c, id, json_text_slice(name, &scratch), key);
	mem_wipe(key, sizeof(key));
	buf_free(&scratch);
}

void key_delete(struct call *c)
{
	struct fault fault = NO_FAULT;
	int err = node_key_delete(c->node, c->params[0], c->params[1], &fault);

	if (err)
		answer_err(c, err, &fault);
	else
		answer_empty(c);
}
