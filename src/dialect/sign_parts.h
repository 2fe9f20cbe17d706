/* Inside of the signatures: one row is one kind, and what several kinds need. */
#ifndef DIALECT_SIGN_PARTS_H
#define DIALECT_SIGN_PARTS_H

#include "base/digest.h"
#include "dialect/sign.h"

struct sign_sink {
	sign_add *add;
	void *ctx;
};

/* What the receiver has. */
struct signed_request {
	const char *secret;
	const struct http_request *rq;
	int64_t now_s;
};

struct sign_kind {
	const char *word;
	const char *headers[SIGN_HEADERS_MAX]; /* that it sets; NULL ends the list */
	bool covers_id;
	const char *(*wanted)(const char *secret);	  /* of who signs; NULL: any text of at least one byte */
	const char *(*verify_wanted)(const char *secret); /* of who checks; NULL: the same */
	void (*url)(const struct signing *s, struct buf *url);
	void (*add)(const struct signing *s, const struct sign_sink *sink);
	const char *(*verify)(const struct signed_request *sr);
};

extern const struct sign_kind sign_standard_kind, sign_twilio_kind, sign_sinch_kind, sign_plivo_kind,
	sign_turbosms_kind;

/* The value of a request header, empty when it is not there. */
struct slice signed_header(const struct signed_request *sr, const char *name);
/* True for a body that is a form by its Content-Type, and for no body. */
bool signed_is_form(const struct signed_request *sr);
/* True when text is a time in Unix seconds within SIGN_TOLERANCE_S of now. */
bool signed_time_is_near(const struct signed_request *sr, struct slice text);
/* Constant time in the content. */
bool sign_same(struct slice a, struct slice b);

/*
 * A value that no other attempt has: a digest of delivery id, attempt and time. So a request can be rendered again, and
 * a replay, which has the same delivery id, is not taken for a repetition by who remembers nonces.
 */
void sign_nonce(const struct signing *s, struct buf *out);
/*
 * The URL as a receiver puts it together from what arrives: scheme and
 * host in lower case, a default port left out, a path of at least "/".
 */
void sign_url_seen(struct slice url, bool query, struct buf *out);

#endif
