/*
 * What needs libcrypto, zlib or the kernel's randomness. Failures of these libraries on inputs that cannot be wrong mean
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
#include <zlib.h>

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

void sha256_parts(const struct slice *parts, size_t count, uint8_t ret[SHA256_BYTES])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

	for (size_t i = 0; ok && i < count; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
	must(ok && EVP_DigestFinal_ex(ctx, ret, NULL) == 1, "SHA-256");
	EVP_MD_CTX_free(ctx);
}

void hmac_sha256(struct slice key, struct slice s, uint8_t ret[SHA256_BYTES])
{
	static const char empty[1];

	must(key.n <= INT_MAX, "HMAC key length");
	must(HMAC(EVP_sha256(), key.n ? key.p : empty, (int)key.n, (const unsigned char *)s.p, s.n, ret, NULL) != NULL,
	     "HMAC-SHA-256");
}

bool mem_same(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

uint32_t crc32_of(struct slice s)
{
	/* zlib takes a NULL pointer as the question for the initial value, which is the checksum of nothing as well */
	return (uint32_t)crc32_z(0, (const Bytef *)s.p, s.n);
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
