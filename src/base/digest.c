/*
 * What needs libcrypto or the kernel's randomness. Failures of these libraries on inputs that cannot be wrong mean
 * a broken installation (no SHA-256 provider, no entropy); they end the process rather than sign with rubbish.
 */
#include "base/digest.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "postrider: %s failed\n", what);
	abort();
}

void sha256(struct slice s, uint8_t ret[SHA256_BYTES])
{
	sha256_parts(&s, 1, ret);
}

static void digest_parts(const EVP_MD *kind, const struct slice *parts, size_t count, uint8_t *ret, const char *name)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, kind, NULL) == 1;

	for (size_t i = 0; ok && i < count; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
	must(ok && EVP_DigestFinal_ex(ctx, ret, NULL) == 1, name);
	EVP_MD_CTX_free(ctx);
}

void sha256_parts(const struct slice *parts, size_t count, uint8_t ret[SHA256_BYTES])
{
	digest_parts(EVP_sha256(), parts, count, ret, "SHA-256");
}

void sha1_parts(const struct slice *parts, size_t count, uint8_t ret[SHA1_BYTES])
{
	digest_parts(EVP_sha1(), parts, count, ret, "SHA-1");
}

static void hmac(const EVP_MD *kind, struct slice key, struct slice s, uint8_t *ret, const char *name)
{
	static const char empty[1];

	must(key.n <= INT_MAX, "HMAC key length");
	must(HMAC(kind, key.n ? key.p : empty, (int)key.n, (const unsigned char *)s.p, s.n, ret, NULL) != NULL, name);
}

void hmac_sha256(struct slice key, struct slice s, uint8_t ret[SHA256_BYTES])
{
	hmac(EVP_sha256(), key, s, ret, "HMAC-SHA-256");
}

void hmac_sha1(struct slice key, struct slice s, uint8_t ret[SHA1_BYTES])
{
	hmac(EVP_sha1(), key, s, ret, "HMAC-SHA-1");
}

/* --- ed25519: any 32 bytes are a private key --- */

static EVP_PKEY *ed25519_private(const uint8_t seed[ED25519_KEY_BYTES])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_KEY_BYTES);

	must(key != NULL, "an ed25519 key");
	return key;
}

void ed25519_public(const uint8_t seed[ED25519_KEY_BYTES], uint8_t ret[ED25519_KEY_BYTES])
{
	EVP_PKEY *key = ed25519_private(seed);
	size_t n = ED25519_KEY_BYTES;

	must(EVP_PKEY_get_raw_public_key(key, ret, &n) == 1 && n == ED25519_KEY_BYTES, "an ed25519 public key");
	EVP_PKEY_free(key);
}

void ed25519_sign(const uint8_t seed[ED25519_KEY_BYTES], struct slice s, uint8_t ret[ED25519_SIGNATURE_BYTES])
{
	EVP_PKEY *key = ed25519_private(seed);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = ED25519_SIGNATURE_BYTES;

	must(ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
		     EVP_DigestSign(ctx, ret, &n, (const unsigned char *)s.p, s.n) == 1,
	     "an ed25519 signature");
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

bool ed25519_verify(const uint8_t key[ED25519_KEY_BYTES], struct slice s,
		    const uint8_t signature[ED25519_SIGNATURE_BYTES])
{
	EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, ED25519_KEY_BYTES);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = public && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, public) == 1 &&
		  EVP_DigestVerify(ctx, signature, ED25519_SIGNATURE_BYTES, (const unsigned char *)s.p, s.n) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(public);
	return ok;
}

bool mem_same(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

void mem_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}

void random_secure(void *p, size_t n)
{
	uint8_t *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		must(got > 0 || errno == EINTR, "getrandom");
		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
}

void id_make(char ret[ID_BYTES], const char *prefix)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t n = strlen(prefix), end = n + 19;
	uint8_t pool[32]; /* one call is nearly always enough for 19 letters */

	assert(end < ID_BYTES);
	memcpy(ret, prefix, n);
	while (n < end) {
		random_secure(pool, sizeof(pool));
		/* bytes from 248 on are passed over, or the first eight letters would come up more often */
		for (size_t i = 0; i < sizeof(pool) && n < end; i++)
			if (pool[i] < 248)
				ret[n++] = letters[pool[i] % 62];
	}
	ret[n] = '\0';
}
