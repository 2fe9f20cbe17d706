/*
 * Readers of what goes on the wire: URL, body, headers; and what these must agree in. The
 * templates check themselves for their grammar; here stands what only an endpoint knows:
 * where its URL leads, which headers are the transport's, and that GET carries no body.
 */
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/url.h"
#include "dialect/endpoint_field.h"

#define HEADERS_BYTES_MAX 8192

static void decode(struct json v, struct buf *out)
{
	buf_init(out, json_raw(v).n + 1);
	json_text(v, out);
}

/* The offset belongs in the sentence too: not every reader of a fault shows its position. */
static void say_offset(struct fault *fault)
{
	char with[sizeof(fault->message) + 40];

	if (!fault || fault->position < 0 || strstr(fault->message, "at offset"))
		return;
	snprintf(with, sizeof(with), "at offset %ld: %s", fault->position, fault->message);
	slice_copy(fault->message, sizeof(fault->message), slice_str(with));
}

static int compile(enum template_grammar grammar, struct slice text, const struct endpoint *ep, struct template **ret,
		   struct fault *fault)
{
	int err = template_compile_with(grammar, text, ep->maps, ret, fault);

	if (err)
		say_offset(fault);
	return err;
}

/* --- url --- */

static size_t authority_end(struct slice text)
{
	const char *scheme_end = memmem(text.p, text.n, "://", 3);
	size_t i = scheme_end ? (size_t)(scheme_end - text.p) + 3 : 0;

	while (i < text.n && text.p[i] != '/' && text.p[i] != '?' && text.p[i] != '#')
		i++;
	return i;
}

/*
 * The URL as it stands around its placeholders: each of them, behind the authority, becomes as many x, so that the
 * offsets of refusals stay true (a brace that is no placeholder was refused when the template was compiled). Values are
 * percent-encoded, so no rendered URL can differ from this one in more than its target.
 */
static void blank_placeholders(struct buf *url)
{
	for (size_t i = authority_end(buf_slice(url)); i < url->n; i++) {
		size_t end = i + 1;

		if (url->p[i] != '{')
			continue;
		while (end < url->n && url->p[end] != '}')
			end++;
		if (end < url->n)
			memset(url->p + i, 'x', end + 1 - i);
	}
}

static int check_url(struct slice text, struct endpoint *ep, struct fault *fault)
{
	struct url url;
	int err = url_parse(text, &url, fault);

	if (err) {
		say_offset(fault);
		return err;
	}
	if (!(ep->scheme_mask & (1u << (url.https ? SCHEME_HTTPS : SCHEME_HTTP))))
		return fault_param(fault, "", "must begin with %s",
				   url.https ? "http://" : "https://: plain http is not allowed here");
	slice_copy(ep->host, sizeof(ep->host), slice_str(url.host));
	return 0;
}

int read_url(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	struct buf text;
	int err;

	if (json_is_nil(v))
		return fault_param(
			fault, "",
			"is missing; give the address that events are sent to, as https://example.org/events");
	if (json_type(v) != JSON_STRING)
		return field_wrong(v, fault, "a string");
	decode(v, &text);
	if (text.n > (size_t)f->most)
		err = fault_param(fault, "", "is longer than %.0f bytes", f->most);
	else
		err = compile(TEMPLATE_URL, buf_slice(&text), ep, &ep->url, fault);
	if (!err) {
		blank_placeholders(&text);
		err = check_url(buf_slice(&text), ep, fault);
	}
	buf_free(&text);
	return err;
}

/* --- body --- */

static bool has_template(enum content_type content)
{
	return content == CONTENT_JSON || content == CONTENT_XML;
}

int read_body(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	struct buf text;
	int err;

	if (json_is_nil(v))
		return 0;
	if (json_type(v) != JSON_STRING)
		return field_wrong(v, fault, "a string that holds the template");
	if (ep->method == HTTP_GET)
		return 0;
	if (!has_template(ep->content))
		return fault_param(fault, "",
				   "is a template of content_type json or xml; the other content types make the body "
				   "themselves, so leave body out or change content_type");
	decode(v, &text);
	if (text.n > (size_t)f->most)
		err = fault_param(fault, "", "is longer than %.0f bytes", f->most);
	else
		err = compile(ep->content == CONTENT_XML ? TEMPLATE_XML : TEMPLATE_JSON, buf_slice(&text), ep,
			      &ep->body, fault);
	buf_free(&text);
	return err;
}

int check_body(const struct endpoint *ep, struct fault *fault)
{
	if (ep->method == HTTP_GET || !has_template(ep->content) || ep->body)
		return 0;
	return fault_param(fault, "body", "is missing; content_type %s needs a template, as %s",
			   ep->content == CONTENT_XML ? "xml" : "json",
			   ep->content == CONTENT_XML ? "<event id=\"{ID}\">{STATUS}</event>"
						      : "{\"id\":{ID},\"status\":\"{STATUS}\"}");
}

/* --- what a content type goes with --- */

int check_content(const struct endpoint *ep, struct fault *fault)
{
	bool webcom = ep->content == CONTENT_WEBCOM_XML || ep->content == CONTENT_WEBCOM_JSON;

	if (ep->content == CONTENT_QUERY && ep->method != HTTP_GET)
		return fault_param(fault, "content_type",
				   "query stands in the URL of a GET; use form with POST, or set method to GET");
	if (webcom && ep->event_mask != 1u << EVENT_SEND_STATUS)
		return fault_param(
			fault, "events",
			"must be [\"send_status\"] with content_type webcom_xml and webcom_json, which can say "
			"nothing but statuses");
	return 0;
}

int check_batch(const struct endpoint *ep, struct fault *fault)
{
	if (ep->batch.max_items == 1)
		return 0;
	if (ep->method == HTTP_GET)
		return fault_param(fault, "batch.max_items",
				   "must be 1 with method GET, which has no body to hold several events; use POST for "
				   "batches");
	if (ep->content == CONTENT_FORM)
		return fault_param(fault, "batch.max_items",
				   "must be 1 with content_type form: the parameters of a form are those of one event");
	return 0;
}

/* The address of an event of its own is the address of one request. */
int check_internal(const struct endpoint *ep, struct fault *fault)
{
	if (ep->url_from_event && ep->batch.max_items > 1)
		return fault_param(fault, "batch.max_items", "must be 1 with url_from_event");
	return 0;
}

/* --- headers --- */

/*
 * What belongs to the transport (framing, connection, host) or would let an answer
 * arrive compressed. Without the dash a prefix would also match other names.
 */
static const char *const transport_names[] = {
	"host",	   "content-length", "transfer-encoding", "connection",	     "te", "trailer",
	"upgrade", "expect",	     "keep-alive",	  "accept-encoding",
};

static bool is_transport(struct slice name)
{
	for (size_t i = 0; i < sizeof(transport_names) / sizeof(transport_names[0]); i++)
		if (slice_eq_nocase(name, slice_str(transport_names[i])))
			return true;
	return name.n >= 6 && slice_eq_nocase(slice_of(name.p, 6), SLICE_LIT("proxy-"));
}

/* RFC 9110, 5.6.2 */
static bool is_token(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!letter && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c)))
			return false;
	}
	return s.n > 0;
}

static const struct endpoint_header *header_find(const struct endpoint *ep, struct slice name)
{
	for (size_t i = 0; i < ep->header_count; i++)
		if (slice_eq_nocase(slice_str(ep->headers[i].name), name))
			return &ep->headers[i];
	return NULL;
}

static int check_name(const struct endpoint *ep, struct slice name, struct fault *fault)
{
	if (!is_token(name))
		return fault_param(fault, "", "is no header name; use letters, digits and -");
	if (is_transport(name))
		return fault_param(fault, "", "is set by the transport and can't be given here; leave it out");
	if (header_find(ep, name))
		return fault_param(fault, "", "is given twice (upper and lower case are the same in header names)");
	return 0;
}

static int check_value(struct slice text, struct fault *fault)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c >= 0x20 && c < 0x7f)
			continue;
		if (c == '\t')
			continue;
		if (c >= 0x80)
			fault_param(fault, "",
				    "at offset %zu: a character outside ASCII; header values are ASCII, so write it "
				    "percent-encoded or spell it otherwise",
				    i);
		else
			fault_param(fault, "",
				    "at offset %zu: a control character; a header value is one line of visible "
				    "characters, blanks and tabs",
				    i);
		if (fault)
			fault->position = (long)i;
		return ERR_INVALID;
	}
	return 0;
}

static int add_header(struct endpoint *ep, struct slice name, struct json v, size_t *bytes, struct fault *fault)
{
	struct template *value = NULL;
	struct buf text;
	int err = check_name(ep, name, fault);

	if (err)
		return err;
	if (json_type(v) != JSON_STRING)
		return field_wrong(v, fault, "a string");
	if (ep->header_count == ENDPOINT_HEADERS_MAX)
		return fault_param(fault, "", "is one header too many; at most %d are allowed", ENDPOINT_HEADERS_MAX);
	decode(v, &text);
	*bytes += name.n + text.n;
	err = check_value(buf_slice(&text), fault);
	if (!err && *bytes > HEADERS_BYTES_MAX)
		err = fault_param(fault, "", "makes the headers longer than %d bytes in all", HEADERS_BYTES_MAX);
	if (!err)
		err = compile(TEMPLATE_HEADER, buf_slice(&text), ep, &value, fault);
	if (!err) {
		ep->headers = mem_realloc(ep->headers, (ep->header_count + 1) * sizeof(*ep->headers));
		ep->headers[ep->header_count++] = (struct endpoint_header){ slice_dup(name), value };
	}
	buf_free(&text);
	return err;
}

int read_headers(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	struct json_iter it = json_each(v);
	struct buf scratch;
	size_t bytes = 0;
	int err = 0;

	(void)f;
	if (json_type(v) != JSON_OBJECT)
		return field_wrong(v, fault, "an object from header names to values");
	buf_init(&scratch, 64 * 1024);
	while (!err && json_next(&it)) {
		struct slice name;

		buf_reset(&scratch);
		name = json_text_slice(it.key, &scratch);
		err = add_header(ep, name, it.value, &bytes, fault);
		if (err)
			fault_within(fault, "%.*s", SLICE_HEAD(name, 80));
	}
	buf_free(&scratch);
	return err;
}

/* Names that other settings of this endpoint produce. */
static const char *made_by(const struct endpoint *ep, struct slice name)
{
	static const char *const extra[] = { "webhook-id", "webhook-timestamp", "webhook-attempt" };

	if (ep->peer.username && slice_eq_nocase(name, SLICE_LIT("authorization")))
		return "auth";
	for (size_t i = 0; ep->headers_extra && i < 3; i++)
		if (slice_eq_nocase(name, slice_str(extra[i])))
			return "headers_extra";
	if (sign_sets_header(ep->signature, name))
		return "signature";
	return NULL;
}

int check_headers(const struct endpoint *ep, struct fault *fault)
{
	for (size_t i = 0; i < ep->header_count; i++) {
		const char *name = ep->headers[i].name, *maker = made_by(ep, slice_str(name));

		if (!maker)
			continue;
		fault_param(fault, name, "is set by %s already; leave one of the two out", maker);
		fault_within(fault, "headers");
		return ERR_INVALID;
	}
	return 0;
}

/* --- signature --- */

/* The one before must still be able to sign, where the kind has room for two signatures. */
int check_signature(const struct endpoint *ep, struct fault *fault)
{
	static const char *const params[2] = { "secret", "previous_secret" };

	for (size_t i = 0; i < 2; i++) {
		const char *secret = ep->secrets[i];
		const char *wanted = i == 0 || secret ? sign_secret_wanted(ep->signature, secret) : NULL;

		if (wanted)
			return fault_param(fault, params[i], "%s %s; signature %s needs it",
					   secret ? "must be" : "is missing: give", wanted, sign_word(ep->signature));
	}
	return 0;
}
