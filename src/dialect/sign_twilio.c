/*
 * Twilio's X-Twilio-Signature: base64(HMAC-SHA1(token, URL and fields)). For a form the decoded fields follow the URL,
 * each name with its value, sorted by name. Any other body goes into the URL as bodySHA256, and the URL alone is
 * signed. The URL is the one that receivers put together from what arrives; their libraries try it with and without a
 * port, because old ones of Twilio's left the port out.
 *
 * There is room for one signature only: while a secret is rotated the new one signs.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "dialect/sign_parts.h"

#define FIELDS_MAX                                                                                                     \
	((size_t)10000) /* a sender's own forms are far below, and on the receiver's side anything may come */

struct form_field {
	struct slice name, value;
};

/* --- the fields --- */

static struct slice decoded(struct slice text, struct buf *out)
{
	size_t before = out->n;

	percent_decode(out, text, true);
	return slice_of(out->p + before, out->n - before);
}

/* Fills fields, whose texts lie in out: a decoded form is never longer than the form, so out does not move. */
static size_t fields_read(struct slice form, struct form_field *fields, size_t max, struct buf *out)
{
	size_t count = 0;

	while (form.n > 0 && count < max) {
		struct slice piece = slice_of(form.p, slice_find(form, '&'));
		size_t equals = slice_find(piece, '=');
		struct slice value = slice_from(piece, equals < piece.n ? equals + 1 : piece.n);

		form = slice_from(form, piece.n < form.n ? piece.n + 1 : piece.n);
		if (piece.n == 0)
			continue;
		fields[count].name = decoded(slice_of(piece.p, equals), out);
		fields[count++].value = decoded(value, out);
	}
	return count;
}

static int compare(struct slice a, struct slice b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

static int field_compare(const void *a, const void *b)
{
	const struct form_field *x = a, *y = b;
	int order = compare(x->name, y->name);

	return order ? order : compare(x->value, y->value);
}

/* A name that comes twice with the same value counts once: so Twilio's libraries have it. */
static void fields_add(struct buf *out, const struct form_field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && field_compare(&fields[i - 1], &fields[i]) == 0)
			continue;
		buf_add_slice(out, fields[i].name);
		buf_add_slice(out, fields[i].value);
	}
}

static size_t fields_most(struct slice form)
{
	size_t count = 1;

	for (size_t i = 0; i < form.n && count < FIELDS_MAX; i++)
		count += form.p[i] == '&';
	return count;
}

static void form_add_sorted(struct buf *out, struct slice form)
{
	size_t most = fields_most(form), count;
	struct form_field *fields = mem_alloc(most * sizeof(*fields));
	struct buf text;

	buf_init(&text, form.n + 1);
	buf_extend(&text, form.n); /* so that it never moves */
	buf_truncate(&text, 0);
	count = fields_read(form, fields, most, &text);
	qsort(fields, count, sizeof(*fields), field_compare);
	fields_add(out, fields, count);
	buf_free(&text);
	mem_free(fields);
}

/* --- signing --- */

static void signature_add(const char *token, struct slice url, bool form, struct slice body, struct buf *out)
{
	uint8_t mac[SHA1_BYTES];
	struct buf content;

	buf_init(&content, url.n + body.n + 64);
	sign_url_seen(url, true, &content);
	if (form && body.n > 0)
		form_add_sorted(&content, body);
	hmac_sha1(slice_str(token), buf_slice(&content), mac);
	base64_add(out, mac, sizeof(mac));
	buf_free(&content);
}

static void twilio_url(const struct signing *s, struct buf *url)
{
	uint8_t digest[SHA256_BYTES];

	if (s->form)
		return;
	sha256(s->body, digest);
	buf_add_str(url, slice_find(buf_slice(url), '?') < url->n ? "&bodySHA256=" : "?bodySHA256=");
	hex_add(url, digest, sizeof(digest));
}

static void twilio_add(const struct signing *s, const struct sign_sink *sink)
{
	struct buf text;

	buf_init(&text, 64);
	signature_add(s->secrets[0], s->url, s->form, s->body, &text);
	sink->add(sink->ctx, "X-Twilio-Signature", buf_slice(&text));
	buf_free(&text);
}

/* --- checking --- */

/* The value of bodySHA256 in a URL's query. */
static struct slice body_digest(struct slice url)
{
	static const struct slice name = SLICE_LIT("bodySHA256=");
	struct slice rest = slice_from(url, slice_find(url, '?'));

	while (rest.n > 0) {
		rest = slice_from(rest, 1);
		if (slice_starts(rest, name))
			return slice_of(rest.p + name.n, slice_find(slice_from(rest, name.n), '&'));
		rest = slice_from(rest, slice_find(rest, '&'));
	}
	return rest;
}

static bool body_fits(struct slice url, struct slice body)
{
	uint8_t given[SHA256_BYTES], digest[SHA256_BYTES];

	sha256(body, digest);
	return hex_read(body_digest(url), given, sizeof(given)) && mem_same(given, digest, sizeof(digest));
}

static const char *twilio_verify(const struct signed_request *sr)
{
	struct slice given = signed_header(sr, "X-Twilio-Signature");
	bool form = signed_is_form(sr), fits;
	struct buf expected;

	if (given.n == 0)
		return "X-Twilio-Signature is missing";
	if (!form && body_digest(sr->rq->url).n == 0)
		return "bodySHA256 is missing in the URL, and the body is no form";
	if (!form && !body_fits(sr->rq->url, sr->rq->body))
		return "the body does not fit bodySHA256 in the URL: it was changed";
	buf_init(&expected, 64);
	signature_add(sr->secret, sr->rq->url, form, sr->rq->body, &expected);
	fits = sign_same(given, buf_slice(&expected));
	buf_free(&expected);
	return fits ? NULL
		    : "the signature does not fit: another secret, changed fields, or another URL than the one called";
}

const struct sign_kind sign_twilio_kind = {
	.word = "twilio",
	.headers = { "X-Twilio-Signature" },
	.url = twilio_url,
	.add = twilio_add,
	.verify = twilio_verify,
};
