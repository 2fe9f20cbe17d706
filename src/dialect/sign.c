/*
 * The kinds of signature as a table, and what several of them need. Each kind has a file of its own, sign_NAME.c, in
 * which signing and checking stand side by side: both come down to one function that makes what is expected. The
 * vectors in the tests come from the vendors' own documentation, so that the two cannot be wrong together.
 */
#include "dialect/sign.h"

#include <assert.h>

#include "base/text.h"
#include "base/url.h"
#include "dialect/sign_parts.h"

static const struct sign_kind none_kind = { .word = "none" };

static const struct sign_kind *const kinds[SIGNATURE_KINDS] = {
	[SIGNATURE_NONE] = &none_kind,		 [SIGNATURE_STANDARD_WEBHOOKS] = &sign_standard_kind,
	[SIGNATURE_TWILIO] = &sign_twilio_kind,	 [SIGNATURE_SINCH] = &sign_sinch_kind,
	[SIGNATURE_PLIVO_V2] = &sign_plivo_kind, [SIGNATURE_TURBOSMS] = &sign_turbosms_kind,
};

const char *sign_word(enum signature_kind kind)
{
	return kinds[kind]->word;
}

int sign_kind_read(const char *word)
{
	for (int i = 0; i < SIGNATURE_KINDS; i++)
		if (strcmp(kinds[i]->word, word) == 0)
			return i;
	return -1;
}

/* --- who signs --- */

const char *sign_secret_wanted(enum signature_kind kind, const char *secret)
{
	if (kind == SIGNATURE_NONE)
		return NULL;
	if (kinds[kind]->wanted)
		return kinds[kind]->wanted(secret);
	return secret && secret[0]
		       ? NULL
		       : "the secret that the receiver checks signatures with, a text of at least one character";
}

bool sign_sets_header(enum signature_kind kind, struct slice name)
{
	const char *const *headers = kinds[kind]->headers;

	for (size_t i = 0; i < SIGN_HEADERS_MAX && headers[i]; i++)
		if (slice_eq_nocase(slice_str(headers[i]), name))
			return true;
	return false;
}

bool sign_covers_id(enum signature_kind kind)
{
	return kinds[kind]->covers_id;
}

void sign_url(const struct signing *s, struct buf *url)
{
	if (kinds[s->kind]->url)
		kinds[s->kind]->url(s, url);
}

void sign_headers(const struct signing *s, sign_add *add, void *ctx)
{
	struct sign_sink sink = { add, ctx };

	if (kinds[s->kind]->add)
		kinds[s->kind]->add(s, &sink);
}

/* --- who checks --- */

const char *sign_verify_wanted(enum signature_kind kind, const char *secret)
{
	if (kinds[kind]->verify_wanted)
		return kinds[kind]->verify_wanted(secret);
	return sign_secret_wanted(kind, secret);
}

const char *sign_verify(enum signature_kind kind, const char *secret, const struct http_request *rq, int64_t now_s)
{
	struct signed_request sr = { secret, rq, now_s };

	assert(kinds[kind]->verify);
	return kinds[kind]->verify(&sr);
}

struct slice signed_header(const struct signed_request *sr, const char *name)
{
	for (size_t i = 0; i < sr->rq->header_count; i++)
		if (slice_eq_nocase(sr->rq->headers[i].name, slice_str(name)))
			return sr->rq->headers[i].value;
	return slice_of("", 0);
}

bool signed_is_form(const struct signed_request *sr)
{
	struct slice type = signed_header(sr, "Content-Type");
	struct slice media = slice_trim(slice_of(type.p, slice_find(type, ';')));

	return sr->rq->body.n == 0 || slice_eq_nocase(media, SLICE_LIT("application/x-www-form-urlencoded"));
}

bool signed_time_is_near(const struct signed_request *sr, struct slice text)
{
	long long time;

	return slice_to_i64(text, &time) && time >= sr->now_s - SIGN_TOLERANCE_S &&
	       time <= sr->now_s + SIGN_TOLERANCE_S;
}

bool sign_same(struct slice a, struct slice b)
{
	return a.n == b.n && mem_same(a.p, b.p, a.n);
}

/* --- what several kinds need --- */

void sign_nonce(const struct signing *s, struct buf *out)
{
	uint8_t digest[SHA256_BYTES];
	struct buf text;

	buf_init(&text, s->id.n + 64);
	buf_add_slice(&text, s->id);
	buf_addf(&text, ".%u.%lld", (unsigned)s->attempt, (long long)s->now_s);
	sha256(buf_slice(&text), digest);
	hex_add(out, digest, 16);
	buf_free(&text);
}

void sign_url_seen(struct slice url, bool query, struct buf *out)
{
	struct url parts;
	struct slice target;

	if (url_parse(url, &parts, NULL) != 0) { /* on the receiver's side anything can stand in Host */
		buf_add_slice(out, url);
		return;
	}
	target = slice_of(parts.target.p, query ? parts.target.n : slice_find(parts.target, '?'));
	buf_addf(out, strchr(parts.host, ':') ? "%s://[%s]" : "%s://%s", parts.https ? "https" : "http", parts.host);
	if (parts.port != (parts.https ? 443 : 80))
		buf_addf(out, ":%u", (unsigned)parts.port);
	if (target.n == 0 || target.p[0] != '/')
		buf_add_char(out, '/');
	buf_add_slice(out, target);
}
