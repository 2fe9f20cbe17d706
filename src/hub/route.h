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

#endif
