/*
 * Value maps: named tables in an endpoint's settings (`maps`) that a placeholder's |map:NAME looks up. What status maps
 * do for {STATUS}, for any other value, and typed: a number of the map stands in JSON without quotes.
 *   {"code": {"delivered": 1, "expired": 4, "*": 0}, "reason": {"expired": "validity ended", "sent": null}}
 * "*": for values that the map does not name; without it they pass through. null: missing.
 */
#ifndef DIALECT_MAPS_H
#define DIALECT_MAPS_H

#include "base/json.h"

struct maps; /* immutable; its JSON values live as long as it does */

/* v: an object as above. ERR_INVALID with a fault whose param is relative to the setting. */
int maps_compile(struct json v, struct maps **ret, struct fault *fault);
void maps_free(struct maps **m);
/* The map of that name, JSON_NONE when there is none. m may be NULL. */
struct json maps_find(const struct maps *m, struct slice name);
/* The name nearest to a misspelt one; empty when there is no map at all. */
struct slice maps_near(const struct maps *m, struct slice name);
/*
 * What a map makes of a value: a string, number or boolean;
 * JSON_NULL for missing; JSON_NONE when the value passes through.
 */
struct json maps_value(struct json map, struct slice value);

#endif
