/*
 * Standard Webhooks (standardwebhooks.com). What is signed is the delivery id, the attempt's own time and the exact
 * bytes of the body, joined by dots, so a request can neither be altered nor, after the receiver's tolerance, be sent
 * again by somebody else. Two kinds of secret: whsec_ is shared and gives v1, HMAC-SHA256; whsk_ is an ed25519 key that
 * only we have and gives v1a, which receivers check with the public whpk_. While a secret is rotated both the old and
 * the new one sign, of whichever kind they are. Keys are wiped when used.
 *
 * A whsk_ holds private and public key, 64 bytes, as the specification's
 * reference implementation writes it; the private key alone is taken too.
 */
#include <assert.h>

#include "base/mem.h"
#include "base/text.h"
#include "dialect/sign_parts.h"

#define KEY_MAX 256

/* The specification's lengths; shorter keys can be guessed, longer ones add nothing. */
#define SHARED_MIN  24
#define SHARED_MAX  64
#define SHARED_MADE 32

enum key_form { KEY_SHARED, KEY_PRIVATE, KEY_PUBLIC, KEY_FORMS };

static const char *const prefixes[KEY_FORMS] = { "whsec_", "whsk_", "whpk_" };

/* --- secrets --- */

struct key {
	enum key_form form;
	struct buf bytes; /* of KEY_PRIVATE the seed alone */
};

static void key_free(struct key *k)
{
	if (k->bytes.n)
		mem_wipe(k->bytes.p, k->bytes.n);
	buf_free(&k->bytes);
}

/* The second half of a private key is the public one; where it is not, the key was cut or mistyped. */
static bool halves_fit(struct key *k)
{
	uint8_t public[ED25519_KEY_BYTES];

	if (k->bytes.n == ED25519_KEY_BYTES)
		return true;
	if (k->bytes.n != 2 * ED25519_KEY_BYTES)
		return false;
	ed25519_public((const uint8_t *)k->bytes.p, public);
	if (!mem_same(k->bytes.p + ED25519_KEY_BYTES, public, sizeof(public)))
		return false;
	mem_wipe(k->bytes.p + ED25519_KEY_BYTES, ED25519_KEY_BYTES);
	buf_truncate(&k->bytes, ED25519_KEY_BYTES);
	return true;
}

static bool key_fits(struct key *k)
{
	switch (k->form) {
	case KEY_SHARED:
		return k->bytes.n >= 1;
	case KEY_PRIVATE:
		return halves_fit(k);
	default:
		return k->bytes.n == ED25519_KEY_BYTES;
	}
}

/* key_free in any case. */
static bool key_read(const char *secret, struct key *ret)
{
	struct slice text = slice_str(secret);

	buf_init(&ret->bytes, KEY_MAX);
	for (ret->form = 0; ret->form < KEY_FORMS; ret->form++) {
		struct slice prefix = slice_str(prefixes[ret->form]);

		if (slice_starts(text, prefix))
			return base64_read(slice_from(text, prefix.n), &ret->bytes) && !buf_failed(&ret->bytes) &&
			       key_fits(ret);
	}
	return false;
}

static const char *standard_wanted(const char *secret)
{
	struct key k;
	bool ok = secret && key_read(secret, &k) && k.form != KEY_PUBLIC &&
		  (k.form != KEY_SHARED || (k.bytes.n >= SHARED_MIN && k.bytes.n <= SHARED_MAX));

	if (secret)
		key_free(&k);
	return ok ? NULL : "whsec_ and 24 to 64 random bytes in base64, or whsk_ and an ed25519 private key in base64";
}

static const char *standard_verify_wanted(const char *secret)
{
	struct key k;
	bool ok = secret && key_read(secret, &k);

	if (secret)
		key_free(&k);
	return ok ? NULL : "whsec_, whsk_ or whpk_ followed by the key in base64";
}

static void add_prefixed(struct buf *out, enum key_form form, const void *p, size_t n)
{
	buf_add_str(out, prefixes[form]);
	base64_add(out, p, n);
}

void sign_secret_make(const char *like, struct buf *out)
{
	uint8_t key[2 * ED25519_KEY_BYTES];

	if (like && slice_starts(slice_str(like), slice_str(prefixes[KEY_PRIVATE]))) {
		random_secure(key, ED25519_KEY_BYTES);
		ed25519_public(key, key + ED25519_KEY_BYTES);
		add_prefixed(out, KEY_PRIVATE, key, sizeof(key));
	} else {
		random_secure(key, SHARED_MADE);
		add_prefixed(out, KEY_SHARED, key, SHARED_MADE);
	}
	mem_wipe(key, sizeof(key));
}

bool sign_public_key(const char *secret, struct buf *out)
{
	uint8_t public[ED25519_KEY_BYTES];
	struct key k;
	bool ok = key_read(secret, &k) && k.form == KEY_PRIVATE;

	if (ok) {
		ed25519_public((const uint8_t *)k.bytes.p, public);
		add_prefixed(out, KEY_PUBLIC, public, sizeof(public));
	}
	key_free(&k);
	return ok;
}

/* --- signing --- */

static void content_make(struct buf *content, struct slice id, struct slice timestamp, struct slice body)
{
	buf_init(content, id.n + timestamp.n + body.n + 2);
	buf_add_slice(content, id);
	buf_add_char(content, '.');
	buf_add_slice(content, timestamp);
	buf_add_char(content, '.');
	buf_add_slice(content, body);
}

static void signature_add(const struct key *k, struct slice content, struct buf *out)
{
	uint8_t mac[SHA256_BYTES], signature[ED25519_SIGNATURE_BYTES];

	if (k->form == KEY_PRIVATE) {
		ed25519_sign((const uint8_t *)k->bytes.p, content, signature);
		buf_add_str(out, "v1a,");
		base64_add(out, signature, sizeof(signature));
	} else {
		hmac_sha256(buf_slice(&k->bytes), content, mac);
		buf_add_str(out, "v1,");
		base64_add(out, mac, sizeof(mac));
	}
}

bool sign_standard(char *const secrets[2], struct slice id, int64_t timestamp_s, struct slice body, struct buf *out)
{
	struct buf content, timestamp;
	size_t before = out->n;
	bool ok = true;

	buf_init(&timestamp, 32);
	buf_add_i64(&timestamp, timestamp_s);
	content_make(&content, id, buf_slice(&timestamp), body);
	for (size_t i = 0; ok && i < 2; i++) {
		struct key k;

		if (!secrets[i])
			continue;
		ok = key_read(secrets[i], &k) && k.form != KEY_PUBLIC;
		if (ok && out->n > before)
			buf_add_char(out, ' ');
		if (ok)
			signature_add(&k, buf_slice(&content), out);
		key_free(&k);
	}
	buf_free(&content);
	buf_free(&timestamp);
	return ok;
}

static void standard_add(const struct signing *s, const struct sign_sink *sink)
{
	struct buf text;
	bool ok;

	buf_init(&text, 1024);
	ok = sign_standard(s->secrets, s->id, s->now_s, s->body, &text);
	assert(ok && !buf_failed(&text));
	sink->add(sink->ctx, "webhook-signature", buf_slice(&text));
	buf_free(&text);
}

/* --- checking --- */

static bool v1a_fits(const uint8_t public[ED25519_KEY_BYTES], struct slice content, struct slice one)
{
	struct buf signature;
	bool fits;

	if (!slice_starts(one, SLICE_LIT("v1a,")))
		return false;
	buf_init(&signature, ED25519_SIGNATURE_BYTES);
	fits = base64_read(slice_from(one, 4), &signature) && signature.n == ED25519_SIGNATURE_BYTES &&
	       ed25519_verify(public, content, (const uint8_t *)signature.p);
	buf_free(&signature);
	return fits;
}

static bool v1_fits(const struct key *k, struct slice content, struct slice one)
{
	struct buf expected;
	bool fits;

	buf_init(&expected, 128);
	signature_add(k, content, &expected);
	fits = sign_same(one, buf_slice(&expected));
	buf_free(&expected);
	return fits;
}

/* Any of the list, which blanks divide, is enough: the sender may be rotating. */
static bool any_fits(const struct key *k, struct slice content, struct slice list)
{
	uint8_t public[ED25519_KEY_BYTES] = { 0 };
	bool fits = false;

	if (k->form == KEY_PRIVATE)
		ed25519_public((const uint8_t *)k->bytes.p, public);
	else if (k->form == KEY_PUBLIC)
		memcpy(public, k->bytes.p, sizeof(public));
	while (!fits && list.n > 0) {
		size_t blank = slice_find(list, ' ');
		struct slice one = slice_of(list.p, blank);

		fits = k->form == KEY_SHARED ? v1_fits(k, content, one) : v1a_fits(public, content, one);
		list = slice_from(list, blank < list.n ? blank + 1 : blank);
	}
	return fits;
}

static const char *standard_verify(const struct signed_request *sr)
{
	struct slice id = signed_header(sr, "webhook-id"), timestamp = signed_header(sr, "webhook-timestamp"),
		     list = signed_header(sr, "webhook-signature");
	const char *reason = NULL;
	struct buf content;
	struct key k;
	long long time;

	if (id.n == 0 || timestamp.n == 0 || list.n == 0)
		return "webhook-id, webhook-timestamp or webhook-signature is missing";
	if (!slice_to_i64(timestamp, &time))
		return "webhook-timestamp is no number";
	content_make(&content, id, timestamp, sr->rq->body);
	if (!key_read(sr->secret, &k))
		reason = "the secret is none: whsec_, whsk_ or whpk_ and base64";
	else if (!any_fits(&k, buf_slice(&content), list))
		reason = "no signature fits: another secret, or the body was changed";
	else if (!signed_time_is_near(sr, timestamp))
		reason = "the signature is right, but webhook-timestamp is more than 5 minutes off";
	key_free(&k);
	buf_free(&content);
	return reason;
}

const struct sign_kind sign_standard_kind = {
	.word = "standard_webhooks",
	.headers = { "webhook-signature", "webhook-id", "webhook-timestamp" },
	.covers_id = true,
	.wanted = standard_wanted,
	.verify_wanted = standard_verify_wanted,
	.add = standard_add,
	.verify = standard_verify,
};
