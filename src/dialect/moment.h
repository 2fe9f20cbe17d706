/*
 * A moment as a receiver wants to read it: the few conversions of
 * strftime(3) that vendors use, without locale and without a global zone.
 */
#ifndef DIALECT_MOMENT_H
#define DIALECT_MOMENT_H

#include "base/buf.h"
#include "dialect/zone.h"

/*
 * Formats: the words `unix`, `unix_ms`, `iso` (2019-01-10T13:00:00Z, or with the zone's
 * offset), `iso_ms`; or text with %Y %y %m %d %H %M %S, %L milliseconds, %f microseconds,
 * %z +0200, %:z +02:00, %b Jan, %a Thu, %s seconds, %%, %F = %Y-%m-%d, %T = %H:%M:%S.
 */
int moment_check(struct slice format, struct fault *fault);
/* True when what the format gives is a number. */
bool moment_is_number(struct slice format);
/* Appends the moment; format is one that moment_check took. Nothing outside the years 1970 to 9999. */
void moment_add(struct buf *out, struct slice format, int64_t unix_us, const struct zone *zone);

#endif
