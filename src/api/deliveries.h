/* Where an event went, and how that stands at each endpoint. */
#ifndef API_DELIVERIES_H
#define API_DELIVERIES_H

#include "api/call.h"

struct deliveries;

/*
 * An element an endpoint of the event's project or of its organization ("" when it has none). Uses
 * readers of the node one at a time; the caller holds none. ev outlives it.
 */
struct deliveries *deliveries_of(struct call *c, struct slice organization, const struct event *ev);
/* Stands any of them like this: "pending", "delivered", "failed", "expired", "superseded"? */
bool deliveries_any(const struct deliveries *d, struct slice state);
/* Frees it, having written it as an array when write says so. */
void deliveries_end(struct deliveries *d, bool write);

#endif
