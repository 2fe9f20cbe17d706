/*
 * Sinch's signature of Conversation and SMS callbacks: base64(HMAC-SHA256(secret,
 * body.nonce.timestamp)) in x-sinch-webhook-signature; nonce, time and algorithm stand beside
 * it. There is room for one signature only: while a secret is rotated the new one signs.
 */
#include "base/text.h"
#include "dialect/sign_parts.h"

#define SIGNATURE "x-sinch-webhook-signature"
#define ALGORITHM "x-sinch-webhook-signature-algorithm"
#define NONCE	  "x-sinch-webhook-signature-nonce"
#define TIMESTAMP "x-sinch-webhook-signature-timestamp"

static void signature_add(const char *secret, struct slice body, struct slice nonce, struct slice timestamp,
			  struct buf *out)
{
	uint8_t mac[SHA256_BYTES];
	struct buf content;

	buf_init(&content, body.n + nonce.n + timestamp.n + 2);
	buf_add_slice(&content, body);
	buf_add_char(&content, '.');
	buf_add_slice(&content, nonce);
	buf_add_char(&content, '.');
	buf_add_slice(&content, timestamp);
	hmac_sha256(slice_str(secret), buf_slice(&content), mac);
	base64_add(out, mac, sizeof(mac));
	buf_free(&content);
}

static void sinch_add(const struct signing *s, const struct sign_sink *sink)
{
	struct buf nonce, timestamp, text;

	buf_init(&nonce, 64);
	buf_init(&timestamp, 32);
	buf_init(&text, 64);
	sign_nonce(s, &nonce);
	buf_add_i64(&timestamp, s->now_s);
	signature_add(s->secrets[0], s->body, buf_slice(&nonce), buf_slice(&timestamp), &text);
	sink->add(sink->ctx, SIGNATURE, buf_slice(&text));
	sink->add(sink->ctx, ALGORITHM, SLICE_LIT("HmacSHA256"));
	sink->add(sink->ctx, NONCE, buf_slice(&nonce));
	sink->add(sink->ctx, TIMESTAMP, buf_slice(&timestamp));
	buf_free(&nonce);
	buf_free(&timestamp);
	buf_free(&text);
}

static const char *sinch_verify(const struct signed_request *sr)
{
	struct slice given = signed_header(sr, SIGNATURE), nonce = signed_header(sr, NONCE),
		     time = signed_header(sr, TIMESTAMP);
	struct buf expected;
	bool fits;

	if (given.n == 0 || nonce.n == 0 || time.n == 0)
		return SIGNATURE ", -nonce or -timestamp is missing";
	buf_init(&expected, 64);
	signature_add(sr->secret, sr->rq->body, nonce, time, &expected);
	fits = sign_same(given, buf_slice(&expected));
	buf_free(&expected);
	if (!fits)
		return "the signature does not fit: another secret, or the body was changed";
	if (!signed_time_is_near(sr, time))
		return "the signature is right, but " TIMESTAMP " is more than 5 minutes off";
	return NULL;
}

const struct sign_kind sign_sinch_kind = {
	.word = "sinch",
	.headers = { SIGNATURE, ALGORITHM, NONCE, TIMESTAMP },
	.add = sinch_add,
	.verify = sinch_verify,
};
