/*
 * Standard Webhooks signatures. What is signed is the delivery id, the attempt's own time and the exact bytes of the body, joined by dots, so
 * a request can neither be altered nor, after the receiver's tolerance, be sent again by somebody else. Keys are wiped when used.
 */
#include "dialect/sign.h"

#include "base/digest.h"
#include "base/text.h"

#define KEY_MAX 256

bool sign_secret_read(const char *secret, struct buf *key)
{
	static const struct slice prefix = SLICE_LIT("whsec_");
	struct slice text = slice_str(secret);

	return slice_starts(text, prefix) && base64_read(slice_from(text, prefix.n), key);
}

static bool add_one(const char *secret, struct slice content, struct buf *out)
{
	uint8_t mac[SHA256_BYTES];
	struct buf key;
	bool ok;

	buf_init(&key, KEY_MAX);
	ok = sign_secret_read(secret, &key) && !buf_failed(&key);
	if (ok) {
		hmac_sha256(buf_slice(&key), content, mac);
		buf_add_str(out, "v1,");
		base64_add(out, mac, sizeof(mac));
		mem_wipe(key.p, key.n);
	}
	buf_free(&key);
	return ok;
}

bool sign_standard(char *const secrets[2], struct slice id, int64_t timestamp_s, struct slice body, struct buf *out)
{
	struct buf content;
	bool ok = true, first = true;

	buf_init(&content, id.n + body.n + 32);
	buf_add_slice(&content, id);
	buf_add_char(&content, '.');
	buf_add_i64(&content, timestamp_s);
	buf_add_char(&content, '.');
	buf_add_slice(&content, body);
	for (size_t i = 0; ok && i < 2; i++) {
		if (!secrets[i])
			continue;
		if (!first)
			buf_add_char(out, ' ');
		first = false;
		ok = add_one(secrets[i], buf_slice(&content), out);
	}
	buf_free(&content);
	return ok;
}
