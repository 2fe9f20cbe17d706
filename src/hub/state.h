/* Where a contact stands in a service: the word that the service gave it, and variables. */
#ifndef HUB_STATE_H
#define HUB_STATE_H

#include "hub/record.h"

#define STATE_ID_MAX 63 /* bytes of a state's own id */

/* NULL: it stands nowhere. */
struct record *state_find(struct deed *d, struct slice service_id, struct slice contact_id);
/* The same, made when there is none; not saved. */
struct record *state_make(struct deed *d, struct slice service_id, struct slice contact_id);
/* Sets a state's id, a string of 1 to 63 bytes; not saved. ERR_INVALID with *fault. */
int state_set_id(struct record *state, struct json value, struct fault *fault);
/* As events carry it; state NULL: id null and no vars. */
void state_write(const struct deed *d, const struct record *state, struct slice service_id, struct slice contact_id,
		 struct json_writer *w);

#endif
