/*
 * Encoders: from events to the bytes of a body (or of a query), one row for each content type. An item never depends on
 * the others of its request, so a batch is head, items with a separator between, tail.
 */
#ifndef DIALECT_ENCODE_H
#define DIALECT_ENCODE_H

#include "dialect/endpoint.h"

struct encoder {
	const char *media_type; /* of a body */
	const char *separator;
	/*
	 * Writes what stands before and behind the items, which may
	 * be nothing. Asked once, when the endpoint is compiled.
	 */
	void (*frame)(const struct endpoint *ep, struct buf *head, struct buf *tail);
	/*
	 * Appends one event. 0, or ERR_TOO_BIG, or ERR_INVALID with
	 * the fault filled in; out may have a part of it then.
	 */
	int (*item)(const struct endpoint *ep, const struct scope *scope, struct buf *out, struct fault *fault);
};

const struct encoder *encoder_of(enum content_type content);
/* True when the parameters of `form` or `query` go into the URL. */
bool encode_in_url(const struct endpoint *ep);

/* --- the items, each in a file of its own --- */

/* Parameters: the endpoint's fields where it has some, the nested form otherwise. */
int encode_form(const struct endpoint *ep, const struct scope *scope, struct buf *out, struct fault *fault);
/*
 * An object or array in PHP's bracket notation, joined by &; for
 * documentation and tests of the notation. name may be empty.
 */
void encode_tree(struct slice name, struct json v, struct buf *out);
int encode_webcom_xml(const struct endpoint *ep, const struct scope *scope, struct buf *out, struct fault *fault);
int encode_webcom_json(const struct endpoint *ep, const struct scope *scope, struct buf *out, struct fault *fault);

#endif
