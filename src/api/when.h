/* Points in time as callers write them. */
#ifndef API_WHEN_H
#define API_WHEN_H

#include <stdint.h>

#include "base/slice.h"

#define WHEN_WANTED "must be a time: Unix seconds, or as 2026-11-21T10:00:00Z, or a day as 2026-11-21 (UTC)"

/* Unix seconds (a fraction is allowed) or ISO 8601: a day, or a day and a time with an optional fraction and zone (UTC without). To Unix milliseconds. */
bool when_read(struct slice s, int64_t *ret_ms);

#endif
