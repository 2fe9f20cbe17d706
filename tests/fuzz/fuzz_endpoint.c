/*
 * Any JSON as an endpoint's settings: it compiles or is refused with a sentence; what compiles writes settings (secrets included) that
 * compile again and then say the same. Merging and masks are tried on the way.
 */
#include <assert.h>

#include "dialect/endpoint.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_doc doc;
	struct endpoint *ep;

	json_doc_init(&doc);
	ep = compile(slice_of(data, size), &doc);
	if (ep) {
		check_round(ep);
		check_masks(ep, json_root(&doc));
		endpoint_unref(&ep);
	}
	json_doc_free(&doc);
	return 0;
}
