/*
 * Answers that acknowledge, as any receiver may send them: the first byte chooses the reader.
 * Whatever comes, an item is acknowledged only when the answer holds its id, a worthless
 * answer acknowledges nothing, and whoever is told less than everything is told why.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>

#include "dialect/ack.h"

#define ITEMS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const ids[ITEMS] = { "1001", "1002", "x" };

static struct event *event_of(const char *id)
{
	char text[200];
	struct json_doc doc;
	struct event *e = NULL;

	snprintf(text, sizeof(text), "{\"type\":\"send_status\",\"message\":{\"id\":\"%s\",\"status\":\"delivered\"}}",
		 id);
	json_doc_init(&doc);
	if (json_parse(&doc, slice_str(text), &json_limits_default, NULL) == 0)
		(void)event_parse(json_root(&doc), SLICE_LIT("p"), 1000, &e, NULL);
	json_doc_free(&doc);
	assert(e);
	return e;
}

static struct endpoint *endpoint_of(const char *success)
{
	char text[300];
	struct json_doc doc;
	struct endpoint *ep = NULL;
	struct endpoint_identity who = { .number = 1,
					 .revision = 1,
					 .owner = SLICE_LIT("p"),
					 .id = SLICE_LIT("e"),
					 .organization_id = SLICE_LIT("") };

	snprintf(text, sizeof(text), "{\"url\":\"http://example.org/\",\"success\":%s}", success);
	json_doc_init(&doc);
	if (json_parse(&doc, slice_str(text), &json_limits_default, NULL) == 0)
		(void)endpoint_compile(json_root(&doc), &who, &ep, NULL);
	json_doc_free(&doc);
	assert(ep);
	return ep;
}

static void judge(const struct endpoint *ep, struct event *const *events, struct slice body)
{
	bool acked[ITEMS];
	size_t count = 0;
	struct buf reason;
	struct ack_result result;

	buf_init(&reason, 4096);
	result = ack_read(ep, events, ITEMS, body, acked, &reason);
	for (size_t i = 0; i < ITEMS; i++) {
		count += acked[i];
		/* The last id has no other spelling, in XML as in JSON, but references and escapes. */
		if (acked[i] && (ep->ack == ACK_IDS_XML || ep->ack == ACK_IDS_JSON))
			assert(memmem(body.p, body.n, ids[i], strlen(ids[i])) || memchr(body.p, '&', body.n) ||
			       memchr(body.p, '\\', body.n) || memchr(body.p, '<', body.n));
	}
	assert(count == result.acked);
	assert(!result.worthless || count == 0);
	assert((count == ITEMS && result.foreign == 0) || reason.n > 0);
	buf_free(&reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const rules[] = { "{\"ack\":\"ids_xml\"}", "{\"ack\":\"ids_json\"}",
					     "{\"ack\":\"body_equals\",\"body\":\"OK\"}",
					     "{\"ack\":\"body_not_empty\"}" };
	struct event *events[ITEMS];
	struct endpoint *ep;

	if (size == 0)
		return 0;
	ep = endpoint_of(rules[data[0] % 4]);
	for (size_t i = 0; i < ITEMS; i++)
		events[i] = event_of(ids[i]);
	judge(ep, events, slice_of(data + 1, size - 1));
	for (size_t i = 0; i < ITEMS; i++)
		event_unref(&events[i]);
	endpoint_unref(&ep);
	return 0;
}
