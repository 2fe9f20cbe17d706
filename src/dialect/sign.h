/*
 * Signatures: what proves to a receiver that a request comes from who shares a secret with him, unchanged. Each kind is
 * a vendor's published way; which one an endpoint uses is its setting `signature`. Pure: the same input gives the same
 * signature, so a request can be rendered again.
 */
#ifndef DIALECT_SIGN_H
#define DIALECT_SIGN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/http.h"

enum signature_kind {
	SIGNATURE_NONE,
	SIGNATURE_STANDARD_WEBHOOKS, /* headers webhook-id, -timestamp, -signature; HMAC-SHA256 (v1) or ed25519 (v1a) */
	SIGNATURE_TWILIO,   /* X-Twilio-Signature over URL and form fields; bodySHA256 in the URL for other bodies */
	SIGNATURE_SINCH,    /* x-sinch-webhook-signature, -algorithm, -nonce, -timestamp over the body */
	SIGNATURE_PLIVO_V2, /* X-Plivo-Signature-V2 over the URL without its query, and -Nonce */
	/* a field of the body, which the template writes ({DELIVERY_ID|secret_sha1}): only checked here */
	SIGNATURE_TURBOSMS,
	SIGNATURE_KINDS
};

#define SIGN_HEADERS_MAX 4   /* that a kind sets */
#define SIGN_TOLERANCE_S 300 /* a signed time further away is refused, so that nobody can send an old request again */

/* The kind as it is spelt in settings and on command lines, and back; -1 for a word that is none. */
const char *sign_word(enum signature_kind kind);
int sign_kind_read(const char *word);

/*
 * NULL when the kind can sign with secret; otherwise what it must
 * be, to be put behind "must be ". secret: NULL when there is none.
 */
const char *sign_secret_wanted(enum signature_kind kind, const char *secret);
/* True when the kind sets this header by itself, in any case. */
bool sign_sets_header(enum signature_kind kind, struct slice name);
/* True when what is signed covers the headers webhook-id and webhook-timestamp, which must then be sent. */
bool sign_covers_id(enum signature_kind kind);

/* What is signed. All borrowed. */
struct signing {
	enum signature_kind kind;
	char *const *secrets; /* two: the current one, and the one before while it is being rotated; NULL when none */
	struct slice id;      /* of the delivery */
	uint32_t attempt;     /* from 1 */
	int64_t now_s;	      /* Unix time */
	bool form;	      /* the body is application/x-www-form-urlencoded, or there is none */
	struct slice url, body;
};

/* Adds to a rendered URL what the kind wants to stand in it; s->url does not count yet. */
void sign_url(const struct signing *s, struct buf *url);
typedef void sign_add(void *ctx, const char *name, struct slice value);
/* Calls add for each header of the signature. The secrets have passed sign_secret_wanted. */
void sign_headers(const struct signing *s, sign_add *add, void *ctx);

/*
 * The receiver's side: NULL when rq carries a right signature and its time, if it has one, is near now_s; otherwise the
 * reason, a constant. rq->url is the whole URL as the receiver knows it. secret may also be a public key, whpk_….
 */
const char *sign_verify(enum signature_kind kind, const char *secret, const struct http_request *rq, int64_t now_s);
/* NULL when sign_verify can use secret; otherwise what it must be. */
const char *sign_verify_wanted(enum signature_kind kind, const char *secret);

/* --- secrets of Standard Webhooks (sign_standard.c) --- */

/* Appends a new secret of the same form as `like`, "whsk_" or else "whsec_"; like may be NULL. */
void sign_secret_make(const char *like, struct buf *out);
/* Appends "whpk_…" of a secret that is a whsk_; false, and out untouched, for any other. */
bool sign_public_key(const char *secret, struct buf *out);
/*
 * Appends the value of `webhook-signature`: for each secret that is not NULL "v1,"
 * or "v1a," and the signature in base64, with blanks between: while a secret is
 * rotated, receivers accept whichever they know. false when a secret cannot be read.
 */
bool sign_standard(char *const secrets[2], struct slice id, int64_t timestamp_s, struct slice body, struct buf *out);

#endif
