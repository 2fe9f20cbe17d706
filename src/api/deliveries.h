/* Where an event went, and how that stands at each endpoint. */
#ifndef API_DELIVERIES_H
#define API_DELIVERIES_H

#include "api/call.h"

/*
 * Writes an array: an element an endpoint of the event's project or of its organization ("" when it has none). Uses
 * readers of the node one at a time; the caller holds none.
 */
void deliveries_write(struct call *c, struct slice organization, const struct event *ev);

#endif
