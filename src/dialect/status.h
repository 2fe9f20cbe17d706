/* Status maps: canonical status word -> the dialect's word. Part of a preset, can be changed per endpoint. */
#ifndef DIALECT_STATUS_H
#define DIALECT_STATUS_H

#include "base/json.h"

/*
 * Settings form (member `status_map` of an endpoint or preset): one object, or one object a kind of message:
 *   {"sms": {"delivered": "DELIVERED", "queued": null, "*": "UNKNOWN", "simulated": "TEST"}, "call": {…}, "*": {…}}
 * A kind not named uses "*", or "sms" when that is missing. null: such an event is
 * not sent. "*": for words that the map does not know; without it they pass through.
 * "simulated": the word for messages with simulated: true, whatever their status.
 */
struct status_map; /* immutable */

int status_map_compile(struct json v, struct status_map **ret, struct fault *fault);
void status_map_free(struct status_map **m);
/*
 * The dialect's word, without a copy: it points into the map, or is status itself. false: the map says that no event is
 * sent for this status. m may be NULL: words pass through.
 */
bool status_map_find(const struct status_map *m, struct slice message_type, struct slice status, bool simulated,
		     struct slice *ret);
/* The same, appended to out. */
bool status_map_word(const struct status_map *m, struct slice message_type, struct slice status, bool simulated,
		     struct buf *out);

#endif
