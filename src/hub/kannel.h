/* Kannel, a gateway (docs/gateways.md): what it calls, and what orders to it have of their own. */
#ifndef HUB_KANNEL_H
#define HUB_KANNEL_H

#include "hub/record.h"

/*
 * Kannel's calls. Query arguments as params, all strings; a text whose `charset` is not UTF-8 comes as `text_hex`, the
 * bytes in hex. 0, or an error with d->fault.
 */
int kannel_received(struct deed *d, struct json params);
/* mid and sig were checked by kannel_signed. */
int kannel_reported(struct deed *d, struct json params);
/* Is sig the signature of mid? The key is the store's, made at the first start (hub.c). */
bool kannel_signed(struct hub *h, struct slice project, struct slice mid, struct slice sig);

/* Adds the URL that Kannel calls with what became of a message; nothing without a public URL. */
void kannel_order(struct deed *d, struct record *message, struct json_writer *w);

#endif
