/* Endpoint settings on their way in: what a caller sent becomes what the node takes. */
#ifndef API_ENDPOINT_INTAKE_H
#define API_ENDPOINT_INTAKE_H

#include "dialect/endpoint.h"

#define SECRET_MADE_BYTES 128

struct intake {
	struct buf text;
	struct json_doc doc;
	char made_secret[SECRET_MADE_BYTES]; /* "" when the caller brought his own, or needs none */
};

/* A new signing secret of the same form as `like` (NULL: whsec_). */
void secret_make(const char *like, char ret[SECRET_MADE_BYTES]);

/*
 * body without what is only shown, and with a signing secret when it asks for standard_webhooks
 * without one and current (NULL: a new endpoint) has none. replace: body is all of the
 * settings, and a secret that it does not mention stays. ERR_INVALID when a mask stands for a
 * secret that nobody has, or `id` (when given) differs from id. intake_free in any case.
 */
int intake_make(struct json body, struct slice id, const struct endpoint *current, bool replace, struct intake *ret,
		struct fault *fault);
struct json intake_root(const struct intake *s);
void intake_free(struct intake *s);

#endif
