/* Digests and MACs over OpenSSL's libcrypto, ids from the system's randomness. Any thread. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdint.h>

#include "base/buf.h"

#define SHA1_BYTES   20
#define SHA256_BYTES 32
#define ID_BYTES     24 /* an id made here with prefix, NUL included, fits */

void sha256(struct slice s, uint8_t ret[SHA256_BYTES]);
/* Several pieces as if they were one. */
void sha256_parts(const struct slice *parts, size_t count, uint8_t ret[SHA256_BYTES]);
void hmac_sha256(struct slice key, struct slice s, uint8_t ret[SHA256_BYTES]);
/* For the protocols of others only; nothing of ours relies on it. */
void sha1_parts(const struct slice *parts, size_t count, uint8_t ret[SHA1_BYTES]);
void hmac_sha1(struct slice key, struct slice s, uint8_t ret[SHA1_BYTES]);

#define ED25519_KEY_BYTES	32 /* of the seed, which is the private key, and of the public key */
#define ED25519_SIGNATURE_BYTES 64
void ed25519_public(const uint8_t seed[ED25519_KEY_BYTES], uint8_t ret[ED25519_KEY_BYTES]);
void ed25519_sign(const uint8_t seed[ED25519_KEY_BYTES], struct slice s, uint8_t ret[ED25519_SIGNATURE_BYTES]);
/* False for a wrong signature, and for a public key that is no point of the curve. */
bool ed25519_verify(const uint8_t key[ED25519_KEY_BYTES], struct slice s,
		    const uint8_t signature[ED25519_SIGNATURE_BYTES]);

/* Constant time in the content. */
bool mem_same(const void *a, const void *b, size_t n);
/* Overwrites secrets so that the compiler cannot leave it out. */
void mem_wipe(void *p, size_t n);

/* n bytes from the kernel's generator; ends the process when there is none. */
void random_secure(void *p, size_t n);
/* prefix (at most 4 characters) and 19 random characters [A-Za-z0-9]: 113 bits. Writes a NUL-terminated string. */
void id_make(char ret[ID_BYTES], const char *prefix);

#endif
