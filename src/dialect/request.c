/*
 * From events to the bytes of one request. Everything that is sent is decided
 * here, from the endpoint's compiled settings and the events alone; a retry calls
 * it again and gets the same body, which is what W13 promises to receivers.
 *
 * The body is written item by item, by the content type's encoder, into one buffer. With trim, the item that passes the
 * endpoint's byte limit is taken back and left for the next batch. The delivery id is a digest of what went in, so it
 * is known only then; a template that shows it is rendered a second time in the rare case that the batch was trimmed.
 */
#include "dialect/request.h"

#include <assert.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/url.h"
#include "dialect/encode.h"
#include "dialect/sign.h"
#include "dialect/trace.h"

#define URL_MAX		 (64 * 1024)
#define HEADER_VALUE_MAX (8 * 1024)
#define OWN_HEADERS                                                                                                    \
	(6 + SIGN_HEADERS_MAX) /* Content-Type, User-Agent, traceparent, three of headers_extra, the signature */

/* --- the delivery id --- */

static void add_part(struct buf *out, struct slice s)
{
	buf_add_varint(out, s.n); /* so that no two lists of names look the same */
	buf_add_slice(out, s);
}

void delivery_id(const struct endpoint *ep, struct event *const *events, size_t count, char ret[DELIVERY_ID_BYTES])
{
	uint8_t digest[SHA256_BYTES];
	struct buf names, text;

	buf_init(&names, REQUEST_BODY_MAX);
	buf_init(&text, DELIVERY_ID_BYTES);
	buf_add_char(&names, ep->of_organization ? 'o' : 'p');
	add_part(&names, slice_str(ep->owner));
	add_part(&names, slice_str(ep->id));
	for (size_t i = 0; i < count; i++) {
		add_part(&names, events[i]->project); /* two projects of one organization may use the same event id */
		add_part(&names, events[i]->id);
	}
	sha256(buf_slice(&names), digest);
	buf_add_char(&text, 'd');
	hex_add(&text, digest, (DELIVERY_ID_BYTES - 2) / 2);
	slice_copy(ret, DELIVERY_ID_BYTES, buf_slice(&text));
	buf_free(&names);
	buf_free(&text);
}

/* --- the body --- */

/* One call of request_render. */
struct render {
	const struct endpoint *ep;
	struct event *const *events;
	size_t count;
	uint32_t attempt;
	int64_t now_s;
	struct request *rq;
	struct fault *fault;
	struct slice secret; /* p is NULL when there is none */
};

static bool is_batching(const struct endpoint *ep)
{
	return ep->batch.max_items >= 2;
}

static struct scope scope_of(const struct render *r, const struct event *event)
{
	return (struct scope){ .event = event,
			       .statuses = r->ep->statuses,
			       .organization_id = slice_str(r->ep->organization_id),
			       .delivery_id = slice_str(r->rq->delivery_id),
			       .attempt = r->attempt,
			       .zone = r->ep->zone,
			       .secret = r->secret };
}

/* The event's own may hold any bytes, so it is no string of C; and it is there even when it is empty. */
static struct slice secret_of(const struct endpoint *ep, const struct event *e, struct arena *arena)
{
	struct json own = event_postrider(e, "secret");
	struct slice secret = slice_str(ep->secrets[0]);
	struct buf text;

	if (!ep->url_from_event)
		return secret;
	buf_init(&text, json_raw(own).n + 1);
	secret = json_is_nil(own) ? slice_of(NULL, 0) : arena_slice(arena, json_text_slice(own, &text));
	if (!json_is_nil(own) && secret.n == 0)
		secret = SLICE_LIT("");
	buf_free(&text);
	return secret;
}

static int refuse_item(struct render *r, int err)
{
	if (err == ERR_TOO_BIG)
		fault_set(r->fault, "too_large", "body",
			  "the body would be larger than %u bytes; shorten the template or the event",
			  REQUEST_BODY_MAX);
	return err;
}

/* Writes the first `count` events, fewer when trimmed. On failure *ret_taken is the index of the one to blame. */
static int fill_body(struct render *r, size_t count, bool trim, size_t *ret_taken)
{
	const struct endpoint *ep = r->ep;
	const struct encoder *encoder = encoder_of(ep->content);
	struct slice tail = slice_str(ep->batch.tail);
	struct buf *body = &r->rq->body;
	size_t close = tail.n, i;

	buf_reset(body);
	buf_add_slice(body, slice_str(ep->batch.head));
	for (i = 0; i < count; i++) {
		struct scope scope = scope_of(r, r->events[i]);
		size_t before = body->n;
		int err;

		if (i > 0)
			buf_add_str(body, encoder->separator);
		err = encoder->item(ep, &scope, body, r->fault);
		if (err == 0 && body->n + close > REQUEST_BODY_MAX)
			err = ERR_TOO_BIG;
		if (err != 0) {
			*ret_taken = i;
			return refuse_item(r, err);
		}
		if (trim && i > 0 && body->n + close > ep->batch.max_bytes) {
			buf_truncate(body, before);
			break;
		}
	}
	buf_add_slice(body, tail);
	*ret_taken = i;
	return 0;
}

static int make_body(struct render *r, bool trim, size_t *ret_taken)
{
	const struct endpoint *ep = r->ep;
	int err = fill_body(r, r->count, trim, ret_taken);

	if (err == ERR_TOO_BIG && trim && *ret_taken > 0) /* not too big by itself: it goes into the next batch */
		err = fill_body(r, *ret_taken, false, ret_taken);
	if (err != 0 || *ret_taken == r->count)
		return err;
	delivery_id(ep, r->events, *ret_taken, r->rq->delivery_id);
	if (ep->body && template_uses_delivery(ep->body))
		err = fill_body(r, *ret_taken, false, ret_taken);
	return err;
}

/* --- URL and headers --- */

/* The parameters of a GET join the URL's own query, before a fragment. */
static int add_query(struct render *r, const struct scope *scope, struct buf *url)
{
	struct slice whole = buf_slice(url), fragment = slice_from(whole, slice_find(whole, '#'));
	char *kept = slice_dup(fragment);
	size_t bare = url->n - fragment.n, begin;
	int err;

	buf_truncate(url, bare);
	if (slice_find(buf_slice(url), '?') == bare)
		buf_add_char(url, '?');
	else if (url->p[bare - 1] != '?' && url->p[bare - 1] != '&')
		buf_add_char(url, '&');
	begin = url->n;
	err = encoder_of(r->ep->content)->item(r->ep, scope, url, r->fault);
	if (err == 0 && url->n == begin && begin > bare) /* nothing to say: no sign for it either */
		buf_truncate(url, bare);
	buf_add_str(url, kept);
	mem_free(kept);
	return err == 0 && buf_failed(url) ? ERR_TOO_BIG : err;
}

static struct signing signing_of(const struct render *r)
{
	const struct endpoint *ep = r->ep;

	return (struct signing){ .kind = ep->signature,
				 .secrets = ep->secrets,
				 .id = slice_str(r->rq->delivery_id),
				 .attempt = r->attempt,
				 .now_s = r->now_s,
				 .form = ep->method == HTTP_GET || ep->content == CONTENT_FORM,
				 .url = r->rq->http.url,
				 .body = r->rq->http.body };
}

static int url_too_long(struct fault *fault)
{
	fault_set(fault, "too_large", "url", "the URL would be longer than %d bytes; send long values in the body",
		  URL_MAX);
	return ERR_TOO_BIG;
}

static int finish_url(struct render *r, struct buf *url)
{
	struct signing s = signing_of(r);

	sign_url(&s, url);
	if (buf_failed(url))
		return url_too_long(r->fault);
	r->rq->http.url = arena_slice(&r->rq->arena, buf_slice(url));
	return 0;
}

/*
 * The event's own URL: what an endpoint's is checked for when it is saved is checked here. Its port is looked at where
 * the connection is made, as everybody's: only there is known whether the operator has opened others.
 */
static int take_url(struct render *r, struct buf *out)
{
	const struct endpoint *ep = r->ep;
	struct json own = event_postrider(r->events[0], "url");
	struct url url;

	if (json_type(own) != JSON_STRING)
		return fault_param(r->fault, "url", "is missing: the event says nowhere to go");
	json_text(own, out);
	if (buf_failed(out))
		return ERR_TOO_BIG;
	if (url_parse(buf_slice(out), &url, r->fault) != 0) {
		fault_within(r->fault, "url");
		return ERR_INVALID;
	}
	if (!(ep->scheme_mask & (1u << (url.https ? SCHEME_HTTPS : SCHEME_HTTP))))
		return fault_param(r->fault, "url", "begins with %s, which is not allowed here",
				   url.https ? "https://" : "http://");
	return 0;
}

static int render_url(struct render *r, const struct scope *scope, struct buf *out)
{
	int err;

	if (r->ep->url_from_event)
		return take_url(r, out);
	err = template_render(r->ep->url, scope, out);
	if (err == ERR_INVALID)
		fault_param(r->fault, "url",
			    "a value makes a path segment . or ..; put the value into the query instead");
	return err;
}

static int make_url(struct render *r)
{
	struct scope scope = scope_of(r, r->events[0]);
	struct buf text;
	int err;

	buf_init(&text, URL_MAX);
	err = render_url(r, &scope, &text);
	if (err == 0 && encode_in_url(r->ep))
		err = add_query(r, &scope, &text);
	if (err == ERR_TOO_BIG)
		url_too_long(r->fault);
	else if (err == 0)
		err = finish_url(r, &text);
	buf_free(&text);
	return err;
}

/* The headers array under construction. */
struct headers {
	struct http_header *all;
	size_t count;
	struct arena *arena;
};

static void add_header(struct headers *h, const char *name, struct slice value)
{
	h->all[h->count++] = (struct http_header){ slice_str(name), arena_slice(h->arena, value) };
}

static void add_number(struct headers *h, const char *name, int64_t number)
{
	struct buf text;

	buf_init(&text, 32);
	buf_add_i64(&text, number);
	add_header(h, name, buf_slice(&text));
	buf_free(&text);
}

static bool is_customized(const struct endpoint *ep, const char *name)
{
	for (size_t i = 0; i < ep->header_count; i++)
		if (slice_eq_nocase(slice_str(ep->headers[i].name), slice_str(name)))
			return true;
	return false;
}

static int add_custom(struct render *r, struct headers *h)
{
	struct scope scope = scope_of(r, r->events[0]);
	struct buf text;
	int err = 0;

	buf_init(&text, HEADER_VALUE_MAX);
	for (size_t i = 0; i < r->ep->header_count && err == 0; i++) {
		const struct endpoint_header *header = &r->ep->headers[i];

		buf_reset(&text);
		err = template_render(header->value, &scope, &text);
		if (err == 0) {
			add_header(h, header->name, buf_slice(&text));
			continue;
		}
		fault_param(r->fault, header->name,
			    err == ERR_TOO_BIG
				    ? "the value would be longer than 8 KiB; send long values in the body"
				    : "the value would hold a line break or a control character; send it in the body");
		fault_within(r->fault, "headers");
	}
	buf_free(&text);
	return err;
}

static void add_signed(void *ctx, const char *name, struct slice value)
{
	add_header(ctx, name, value);
}

static int make_headers(struct render *r, size_t taken)
{
	const struct endpoint *ep = r->ep;
	struct slice trace = trace_of(r->events, taken);
	struct signing s = signing_of(r);
	struct headers h = { .arena = &r->rq->arena };
	int err;

	h.all = arena_alloc(h.arena, (OWN_HEADERS + ep->header_count) * sizeof(*h.all));
	if (ep->method == HTTP_POST && ep->content_type_header && !is_customized(ep, "Content-Type"))
		add_header(&h, "Content-Type", slice_str(ep->content_type_header));
	if (!is_customized(ep, "User-Agent"))
		add_header(&h, "User-Agent", SLICE_LIT("postrider/" POSTRIDER_VERSION));
	err = add_custom(r, &h);
	if (trace.n > 0 && !is_customized(ep, "traceparent"))
		add_header(&h, "traceparent", trace);
	if (ep->headers_extra || sign_covers_id(ep->signature)) {
		add_header(&h, "webhook-id", slice_str(r->rq->delivery_id));
		add_number(&h, "webhook-timestamp", r->now_s);
	}
	if (ep->headers_extra)
		add_number(&h, "webhook-attempt", r->attempt);
	sign_headers(&s, add_signed, &h);
	r->rq->http.headers = h.all;
	r->rq->http.header_count = h.count;
	return err;
}

/* --- the request --- */

int request_render(const struct endpoint *ep, struct event *const *events, size_t count, bool trim, uint32_t attempt,
		   int64_t now_s, struct request *ret, size_t *ret_taken, struct fault *fault)
{
	struct render r = { ep, events, count, attempt, now_s, ret, fault, slice_of(NULL, 0) };
	size_t taken = count;
	int err = 0;

	assert(count >= 1 && (count == 1 || (is_batching(ep) && ep->method == HTTP_POST)));
	request_reset(ret);
	ret->http.method = ep->method;
	r.secret = secret_of(ep, events[0], &ret->arena);
	delivery_id(ep, events, count, ret->delivery_id);
	if (ep->method == HTTP_POST)
		err = make_body(&r, trim, &taken);
	ret->http.body = buf_slice(&ret->body);
	*ret_taken = taken;
	if (err == 0) {
		err = make_url(&r);
		if (err == 0)
			err = make_headers(&r, taken);
		if (err != 0)
			*ret_taken = 0; /* all events agree in URL and headers: the first one stands for all */
	}
	return err;
}

void request_init(struct request *rq)
{
	*rq = (struct request){ 0 };
	buf_init(&rq->body, REQUEST_BODY_MAX);
	arena_init(&rq->arena);
}

void request_free(struct request *rq)
{
	buf_free(&rq->body);
	arena_free(&rq->arena);
}

void request_reset(struct request *rq)
{
	rq->http = (struct http_request){ 0 };
	rq->delivery_id[0] = '\0';
	buf_reset(&rq->body);
	arena_reset(&rq->arena);
}
