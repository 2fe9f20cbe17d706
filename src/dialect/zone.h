/*
 * Time zones: what a clock on the wall shows at a receiver. No tzset(3),
 * which is one zone for the whole process; a zone is a value here.
 */
#ifndef DIALECT_ZONE_H
#define DIALECT_ZONE_H

#include <stdint.h>

#include "base/fault.h"
#include "base/slice.h"

struct zone; /* immutable; NULL is UTC */

/*
 * "UTC", a fixed offset ("+02:00", "-0330", "+5"), or a name of the IANA database as
 * this machine has it ("Europe/Berlin", from /usr/share/zoneinfo or $TZDIR). *ret is
 * NULL for UTC. ERR_INVALID with a fault when there is no such zone. Any thread.
 */
int zone_read(struct slice name, struct zone **ret, struct fault *fault);
void zone_free(struct zone **z);
/* Seconds to add to UTC at that moment. */
int32_t zone_offset_s(const struct zone *z, int64_t unix_seconds);

#endif
