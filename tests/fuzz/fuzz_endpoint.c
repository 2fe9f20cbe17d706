/*
 * Any JSON as an endpoint's settings: it compiles or is refused with a sentence; what compiles writes settings (secrets
 * included) that compile again and then say the same. Merging and masks are tried on the way, and an event of every
 * type is rendered: it becomes a request, or is refused with a sentence.
 */
#include <assert.h>

#include "dialect/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct endpoint *compile(struct slice text, struct json_doc *doc)
{
	struct endpoint_identity who = { .owner = SLICE_LIT("p"),
					 .id = SLICE_LIT("e"),
					 .organization_id = SLICE_LIT("") };
	struct fault fault = { .message = "" };
	struct endpoint *ep = NULL;

	if (json_parse(doc, text, &json_limits_default, &fault) != 0)
		return NULL;
	if (endpoint_compile(json_root(doc), &who, &ep, &fault) != 0) {
		assert(fault.message[0]);
		return NULL;
	}
	return ep;
}

static void write_whole(const struct endpoint *ep, bool reveal, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w);
	endpoint_write(ep, &w, reveal);
	json_end_object(&w);
	assert(!buf_failed(out));
}

static void check_round(const struct endpoint *ep)
{
	struct json_doc doc;
	struct endpoint *again;
	struct buf first, second;

	json_doc_init(&doc);
	buf_init(&first, 16 * 1024 * 1024);
	buf_init(&second, 16 * 1024 * 1024);
	write_whole(ep, true, &first);
	again = compile(buf_slice(&first), &doc);
	assert(again);
	write_whole(again, true, &second);
	assert(slice_eq(buf_slice(&first), buf_slice(&second)));
	endpoint_unref(&again);
	buf_free(&first);
	buf_free(&second);
	json_doc_free(&doc);
}

/* What the API shows, sent back as PUT and as PATCH, changes nothing. */
static void check_masks(const struct endpoint *ep, struct json settings)
{
	static void (*const combine[])(struct json, struct json, struct buf *) = { endpoint_keep_secrets,
										   endpoint_merge };
	struct json_doc shown, doc;
	struct buf text, back;

	json_doc_init(&shown);
	json_doc_init(&doc);
	buf_init(&text, 16 * 1024 * 1024);
	buf_init(&back, 16 * 1024 * 1024);
	write_whole(ep, false, &text);
	assert(json_parse(&shown, buf_slice(&text), &json_limits_default, NULL) == 0);
	for (int i = 0; i < 2; i++) {
		struct endpoint *again;

		buf_reset(&back);
		combine[i](settings, json_root(&shown), &back);
		again = compile(buf_slice(&back), &doc);
		/* A patch's null lets the preset count again, so it may meet what the settings had switched off. */
		assert(again || i == 1);
		endpoint_unref(&again);
	}
	buf_free(&text);
	buf_free(&back);
	json_doc_free(&doc);
	json_doc_free(&shown);
}

static const char status_event[] =
	"{\"type\":\"send_status\",\"id\":\"1\",\"message\":{\"id\":7,\"status\":\"delivered\",\"time_done\":"
	"1547125204.5,"
	"\"channel_status\":{\"sms\":\"sent\",\"viber\":\"<\"},\"to_number\":\"+46 7\",\"price\":1.10,"
	"\"vars\":{\"a b\":[1,{\"c\":\"\\u0000\\ud800\"}]}}}";
static const char incoming_event[] = "{\"type\":\"incoming_message\",\"id\":\"2\",\"x\":1,\"state\":{\"id\":\"s\"},"
				     "\"message\":{\"id\":\"a\",\"from_number\":\"1\"}}";
static const char broadcast_event[] = "{\"type\":\"send_broadcast\",\"id\":\"3\","
				      "\"broadcast\":{\"id\":\"b\",\"recipients\":[{\"type\":\"group\"}]}}";
static const char contact_event[] = "{\"type\":\"contact_update\",\"id\":\"4\",\"update_type\":\"add\","
				    "\"contact\":{\"id\":\"c\",\"event\":\"e\"}}";
static const char metadata_event[] =
	"{\"type\":\"message_metadata\",\"id\":\"5\",\"update_type\":\"star\",\"message\":{\"id\":1}}";
static const char *const events[] = { status_event, incoming_event, broadcast_event, contact_event, metadata_event };

static struct event *event_of(const char *text)
{
	struct event *e = NULL;
	struct json_doc doc;

	json_doc_init(&doc);
	assert(json_parse(&doc, slice_str(text), &json_limits_default, NULL) == 0);
	assert(event_parse(json_root(&doc), SLICE_LIT("p"), 0, &e, NULL) == 0);
	json_doc_free(&doc);
	return e;
}

static void check_render(const struct endpoint *ep)
{
	struct request rq;

	request_init(&rq);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct event *e = event_of(events[i]);
		struct fault fault = { .message = "" };
		size_t taken;

		if (request_render(ep, &e, 1, true, 1, 1547125204, &rq, &taken, &fault) == 0)
			assert(taken == 1 && rq.http.url.n > 0);
		else
			assert(taken == 0 && fault.message[0]);
		event_unref(&e);
	}
	request_free(&rq);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_doc doc;
	struct endpoint *ep;

	json_doc_init(&doc);
	ep = compile(slice_of(data, size), &doc);
	if (ep) {
		check_round(ep);
		check_masks(ep, json_root(&doc));
		check_render(ep);
		endpoint_unref(&ep);
	}
	json_doc_free(&doc);
	return 0;
}
