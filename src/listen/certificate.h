/* A certificate for an afternoon: self-signed, for localhost. */
#ifndef LISTEN_CERTIFICATE_H
#define LISTEN_CERTIFICATE_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/fault.h"

struct certificate {
	struct buf cert_pem, key_pem;
	char pin[2 * SHA256_BYTES +
		 1]; /* hex SHA-256 of the DER SubjectPublicKeyInfo, as `tls.verify: "pin:…"` takes it */
};

/* P-256, valid for localhost, 127.0.0.1 and ::1, for a week. */
int certificate_make(struct certificate *ret, struct fault *fault);
void certificate_free(struct certificate *c);

#endif
