/*
 * Ids in a JSON answer (X13): [3234], [{"id_sms":3234}], {"id_sms":[3234]}, {"response":[3234]}, and what combines
 * them. The strict reader bounds depth and refuses duplicate keys, so there is one reading of an answer or none.
 */
#include "dialect/ack_parts.h"

#include <stdio.h>

#include "base/json.h"

struct reader {
	const char *name;
	ack_id_fn *fn;
	void *ctx;
	struct buf scratch;
};

static void read_id(struct reader *r, struct json v)
{
	if (json_type(v) == JSON_NUMBER || json_type(v) == JSON_STRING)
		r->fn(r->ctx, slice_trim(json_text_slice(v, &r->scratch)));
}

/* A scalar, or a list of scalars and of objects that hold one under the name. */
static void read_ids(struct reader *r, struct json v)
{
	struct json_iter it = json_each(v);

	if (json_type(v) == JSON_OBJECT) {
		read_id(r, json_get(v, r->name));
		return;
	}
	if (json_type(v) != JSON_ARRAY) {
		read_id(r, v);
		return;
	}
	while (json_next(&it))
		read_id(r, json_type(it.value) == JSON_OBJECT ? json_get(it.value, r->name) : it.value);
}

const char *ack_json_ids(struct slice body, const char *name, ack_id_fn *fn, void *ctx, char why[200])
{
	struct reader r = { .name = name, .fn = fn, .ctx = ctx };
	struct json_doc doc;
	struct fault fault;
	struct json root, inner;

	json_doc_init(&doc);
	if (json_parse(&doc, body, &json_limits_default, &fault) != 0) {
		snprintf(why, 200, "it is not valid JSON: %.120s", fault.message);
		json_doc_free(&doc);
		return why;
	}
	buf_init(&r.scratch, 64 * 1024);
	root = json_root(&doc);
	inner = json_get(root, name);
	if (json_type(inner) == JSON_NONE)
		inner = json_get(root, "response");
	if (json_type(json_get(inner, name)) != JSON_NONE)
		inner = json_get(inner, name);
	read_ids(&r, json_type(inner) == JSON_NONE ? root : inner);
	buf_free(&r.scratch);
	json_doc_free(&doc);
	return NULL;
}
