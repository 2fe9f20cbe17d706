/*
 * The table of encoders, and the small ones: templates, and the event as it is. What a batch is wrapped in belongs to
 * the encoder too; it is worked out once for an endpoint, so that rendering only copies it.
 */
#include "dialect/encode.h"

#include <assert.h>

#define XML_DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"

static bool is_batching(const struct endpoint *ep)
{
	return ep->batch.max_items >= 2;
}

static void frame_none(const struct endpoint *ep, struct buf *head, struct buf *tail)
{
	(void)ep;
	(void)head;
	(void)tail;
}

/* {"batch":[…]}, or a bare array. */
static void frame_json(const struct endpoint *ep, struct buf *head, struct buf *tail)
{
	bool bare = slice_is(slice_str(ep->batch.wrap), "[]");

	if (!is_batching(ep))
		return;
	if (!bare) {
		buf_add_char(head, '{');
		json_add_string(head, slice_str(ep->batch.wrap));
		buf_add_char(head, ':');
	}
	buf_add_char(head, '[');
	buf_add_str(tail, bare ? "]" : "]}");
}

static void frame_xml(const struct endpoint *ep, struct buf *head, struct buf *tail)
{
	if (!is_batching(ep))
		return;
	buf_addf(head, XML_DECLARATION "<%s>", ep->xml_root);
	buf_addf(tail, "</%s>", ep->xml_root);
}

/* The declaration is the vendor's, blank before the end included. */
static void frame_webcom_xml(const struct endpoint *ep, struct buf *head, struct buf *tail)
{
	(void)ep;
	buf_add_str(head, "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<response>\n");
	buf_add_str(tail, "</response>\n");
}

static void frame_webcom_json(const struct endpoint *ep, struct buf *head, struct buf *tail)
{
	(void)ep;
	buf_add_char(head, '[');
	buf_add_char(tail, ']');
}

static int refuse_template(int err, struct fault *fault)
{
	if (err == ERR_INVALID)
		fault_param(fault, "body", "can't be rendered for this event");
	return err;
}

static int item_json(const struct endpoint *ep, const struct scope *scope, struct buf *out, struct fault *fault)
{
	return refuse_template(template_render(ep->body, scope, out), fault);
}

/*
 * Takes the XML declaration, and the blanks behind it, out of the
 * item that begins at start: inside a batch it would be an error.
 */
static void drop_declaration(struct buf *body, size_t start)
{
	struct slice item = slice_from(buf_slice(body), start);
	const char *end = slice_starts(item, SLICE_LIT("<?xml ")) ? memmem(item.p, item.n, "?>", 2) : NULL;
	size_t n = end ? (size_t)(end - item.p) + 2 : 0;

	if (n == 0)
		return;
	while (n < item.n && strchr(" \t\r\n", item.p[n]))
		n++;
	memmove(body->p + start, item.p + n, item.n - n);
	buf_truncate(body, start + item.n - n);
}

static int item_xml(const struct endpoint *ep, const struct scope *scope, struct buf *out, struct fault *fault)
{
	size_t start = out->n;
	int err = template_render(ep->body, scope, out);

	if (err == 0 && is_batching(ep))
		drop_declaration(out, start);
	return refuse_template(err, fault);
}

static int item_event(const struct endpoint *ep, const struct scope *scope, struct buf *out, struct fault *fault)
{
	(void)ep;
	(void)fault;
	event_show(json_root(&scope->event->doc), out);
	return buf_failed(out) ? ERR_TOO_BIG : 0;
}

static const char media_json[] = "application/json; charset=utf-8";
static const char media_form[] = "application/x-www-form-urlencoded";

static const struct encoder encoders[] = {
	[CONTENT_JSON] = { media_json, ",", frame_json, item_json },
	[CONTENT_XML] = { "application/xml; charset=utf-8", "", frame_xml, item_xml },
	[CONTENT_EVENT_JSON] = { media_json, ",", frame_json, item_event },
	[CONTENT_FORM] = { media_form, "&", frame_none, encode_form },
	[CONTENT_QUERY] = { media_form, "&", frame_none, encode_form },
	[CONTENT_WEBCOM_XML] = { "text/xml; charset=utf-8", "", frame_webcom_xml, encode_webcom_xml },
	[CONTENT_WEBCOM_JSON] = { media_json, ",", frame_webcom_json, encode_webcom_json },
};

const struct encoder *encoder_of(enum content_type content)
{
	assert(content < sizeof(encoders) / sizeof(encoders[0]));
	return &encoders[content];
}

bool encode_in_url(const struct endpoint *ep)
{
	return ep->method == HTTP_GET && (ep->content == CONTENT_FORM || ep->content == CONTENT_QUERY);
}
