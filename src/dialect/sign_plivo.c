/*
 * Plivo's signature V2: base64(HMAC-SHA256(token, URL without its query and nonce)). It proves who calls, not what is
 * said: neither the body nor the query is covered, and receivers that want more check a Standard Webhooks signature or
 * TLS. One signature only: while a secret is rotated the new one signs.
 */
#include "base/text.h"
#include "dialect/sign_parts.h"

#define SIGNATURE "X-Plivo-Signature-V2"
#define NONCE	  "X-Plivo-Signature-V2-Nonce"

static void signature_add(const char *token, struct slice url, struct slice nonce, struct buf *out)
{
	uint8_t mac[SHA256_BYTES];
	struct buf content;

	buf_init(&content, url.n + nonce.n + 8);
	sign_url_seen(url, false, &content);
	buf_add_slice(&content, nonce);
	hmac_sha256(slice_str(token), buf_slice(&content), mac);
	base64_add(out, mac, sizeof(mac));
	buf_free(&content);
}

static void plivo_add(const struct signing *s, const struct sign_sink *sink)
{
	struct buf nonce, text;

	buf_init(&nonce, 64);
	buf_init(&text, 64);
	sign_nonce(s, &nonce);
	signature_add(s->secrets[0], s->url, buf_slice(&nonce), &text);
	sink->add(sink->ctx, SIGNATURE, buf_slice(&text));
	sink->add(sink->ctx, NONCE, buf_slice(&nonce));
	buf_free(&nonce);
	buf_free(&text);
}

static const char *plivo_verify(const struct signed_request *sr)
{
	struct slice given = signed_header(sr, SIGNATURE), nonce = signed_header(sr, NONCE);
	struct buf expected;
	bool fits;

	if (given.n == 0 || nonce.n == 0)
		return SIGNATURE " or " NONCE " is missing";
	buf_init(&expected, 64);
	signature_add(sr->secret, sr->rq->url, nonce, &expected);
	fits = sign_same(given, buf_slice(&expected));
	buf_free(&expected);
	return fits ? NULL : "the signature does not fit: another secret, or another URL than the one called";
}

const struct sign_kind sign_plivo_kind = {
	.word = "plivo_v2",
	.headers = { SIGNATURE, NONCE },
	.add = plivo_add,
	.verify = plivo_verify,
};
