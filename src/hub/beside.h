/*
 * An object with an endpoint beside it: a phone with its gateway, a service with its webhook. The object counts; the
 * endpoint is made from it. Inside of phone.c and service_rest.c.
 */
#ifndef HUB_BESIDE_H
#define HUB_BESIDE_H

#include "hub/rest.h"

/*
 * Appends the id of the object's endpoint and the settings that it should have, none when it should not be there: the
 * object is gone, or of a type without. Must only read.
 */
typedef void beside_fn(struct deed *d, struct slice object, struct buf *ret_id, struct buf *ret_settings);

/*
 * Blocks. After a change: makes the endpoint in force what the stored object says. Two calls at the same time may have
 * changed object and endpoint in different orders, and a call that was cut off in between has changed only one of them.
 */
int beside_settle(struct rest *r, struct slice object, beside_fn *fn);

#endif
