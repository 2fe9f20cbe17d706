/* Points in time as people and programs write them. */
#ifndef BASE_WHEN_H
#define BASE_WHEN_H

#include <stdint.h>

#include "base/slice.h"

#define WHEN_WANTED "must be a time: Unix seconds, or as 2026-11-21T10:00:00Z, or a day as 2026-11-21 (UTC)"

/*
 * Unix seconds with or without a fraction, or ISO 8601: a day, or a day and a time with an optional fraction and zone
 * (UTC without). To Unix milliseconds. False when it is none.
 */
bool when_read(struct slice s, int64_t *ret_ms);
/* "1547125204" or "1547125204.25", as events carry times, to microseconds; false when it is none. */
bool when_read_unix(struct slice s, int64_t *ret_us);

#endif
