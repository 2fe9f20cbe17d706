/*
 * Any JSON as an event: it is taken or refused with a sentence; what is taken has the nodes that reading its normalised
 * text gives, and comes back the same from the store.
 */
#include <assert.h>

#include "dialect/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_nodes(const struct event *e)
{
	struct json_doc doc;

	json_doc_init(&doc);
	assert(json_parse(&doc, e->text, &json_limits_default, NULL) == 0);
	assert(doc.count == e->doc.count);
	assert(memcmp(doc.nodes, e->doc.nodes, doc.count * sizeof(*doc.nodes)) == 0);
	json_doc_free(&doc);
}

static void check_round(const struct event *e)
{
	struct event *again = NULL;

	assert(event_load(e->text, e->project, 5, e->accepted_ms, &again) == 0);
	assert(slice_eq(again->text, e->text) && slice_eq(again->id, e->id));
	assert(slice_eq(again->message_id, e->message_id) && slice_eq(again->project, e->project));
	assert(again->type == e->type && again->origin == e->origin && again->order_hash == e->order_hash);
	assert(event_is_incoming(again) == event_is_incoming(e));
	event_unref(&again);
}

static void check_one(struct json object)
{
	struct fault fault = { .message = "" };
	struct event *e = NULL;

	if (event_parse(object, SLICE_LIT("p"), 1547125204000, &e, &fault) != 0) {
		assert(fault.message[0] && !e);
		return;
	}
	check_nodes(e);
	check_round(e);
	event_unref(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);
	struct event *loaded = NULL;
	struct json_doc doc;

	json_doc_init(&doc);
	if (json_parse(&doc, text, &json_limits_default, NULL) == 0) {
		struct json_iter it = json_each(json_root(&doc));

		check_one(json_root(&doc));
		while (!it.object && json_next(&it))
			check_one(it.value);
	}
	if (event_load(text, SLICE_LIT("p"), 1, 1, &loaded) == 0)
		check_nodes(loaded);
	event_unref(&loaded);
	json_doc_free(&doc);
	return 0;
}
