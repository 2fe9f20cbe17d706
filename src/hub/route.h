/*
 * Phones and routes: the ways out. A phone is of a type - test, kannel, http - and a type is a row of a table: what it
 * can send, and how an order becomes an exchange or steps. Gateways are internal endpoints "_route.PHONE" whose
 * settings are made from the phone's config; the engine retries them like any endpoint.
 */
#ifndef HUB_ROUTE_H
#define HUB_ROUTE_H

#include "hub/record.h"

/* The phone for a message: route_id, else the contact's default, else the first active one. NULL with *fault. */
struct record *route_choose(struct deed *d, struct slice route_id, struct record *contact, struct fault *fault);
/* The phone whose number is this, else the first one (active or not), else NULL. */
struct record *route_by_number(struct deed *d, struct slice number);
/* The phone whose number is this; NULL when there is none. */
struct record *route_with_number(struct deed *d, struct slice number);
/*
 * A queued message goes on its way: an order to the gateway's endpoint, or the first step of the test route (its due
 * time is set; the caller saves). A type that cannot send this kind of message fails it with that reason.
 */
void route_send(struct deed *d, struct record *message, struct record *phone);
/* What the gateway's endpoint reports for an order: sent, failed_queued (tried again), failed. */
void route_report(struct deed *d, const struct report *r);
/* A message on the test route is due: its next step. */
void route_step(struct deed *d, struct record *message);

/*
 * Kannel's calls (docs/gateways.md). Query arguments as params, all strings; a text whose `charset` is not UTF-8 comes
 * as `text_hex`, the bytes in hex. 0, or an error with d->fault.
 */
int kannel_received(struct deed *d, struct json params);
/* mid and sig were checked by kannel_signed. */
int kannel_reported(struct deed *d, struct json params);
/* Is sig the signature of mid? The key is the store's, made at the first start (hub.c). */
bool kannel_signed(struct hub *h, struct slice project, struct slice mid, struct slice sig);

/* A text as SMS: does it fit the GSM alphabet, and in how many parts does it go? (gsm.c) */
bool gsm_fits(struct slice utf8);
int gsm_parts(struct slice utf8);

/* Short links are the public URL, this, and a code: GET of one answers 302 with where links_follow says. */
#define LINKS_PATH "/s/"
/* Replaces the URLs of a content by short ones, stored (links.c); short_urls of the message is set. */
struct slice links_shorten(struct deed *d, struct record *message, struct slice content);
/*
 * Where the short link `code` leads, in the arena; empty when there is none, or its message is gone. Told as the
 * message's first click, unless the deed's origin is another than platform (somebody only looked).
 */
struct slice links_follow(struct deed *d, struct slice code);
/* A link is due: it is deleted when its message is gone, otherwise looked at again a month later. */
void links_step(struct deed *d, struct record *link);

#endif
