/* Signatures of Standard Webhooks, version 1 (https://www.standardwebhooks.com): HMAC-SHA256 with a shared secret. */
#ifndef DIALECT_SIGN_H
#define DIALECT_SIGN_H

#include <stdint.h>

#include "base/buf.h"

/* Decodes a secret, "whsec_" and base64, and appends the key. false: it is none, and key is untouched. */
bool sign_secret_read(const char *secret, struct buf *key);

/*
 * Appends the value of `webhook-signature`: "v1," and base64(HMAC-SHA256(key, id.timestamp.body)), once for each secret that is not NULL, with
 * blanks between: while a secret is rotated, receivers accept whichever they know. false when a secret cannot be read.
 */
bool sign_standard(char *const secrets[2], struct slice id, int64_t timestamp_s, struct slice body, struct buf *out);

#endif
