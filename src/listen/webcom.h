/* The items of a Webcom document, XML or its JSON twin, as its receiver reads them. */
#ifndef LISTEN_WEBCOM_H
#define LISTEN_WEBCOM_H

#include <stdint.h>

#include "base/buf.h"

enum webcom_form { WEBCOM_XML, WEBCOM_JSON };

/* One <state>. Texts are empty where the document has none. */
struct webcom_item {
	struct slice id; /* XML: the text; JSON: the token as it stands, with quotes if it has any */
	struct slice time, sms, viber, state;
};

struct webcom {
	struct webcom_item *items;
	size_t count;
	struct buf text;   /* the items point into it */
	const char *fault; /* a constant sentence why the body is no such document, and then there are no items; NULL */
};

/* Reads all of body. webcom_free in any case. */
void webcom_read(enum webcom_form form, struct slice body, struct webcom *ret);
void webcom_free(struct webcom *w);

#endif
