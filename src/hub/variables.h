/*
 * Variables by their names: contact.name, contact.vars.x, state.id, $foo, word1 … - read for the [[…]] of texts, set by
 * rules and by the answers of webhooks.
 */
#ifndef HUB_VARIABLES_H
#define HUB_VARIABLES_H

#include "hub/service.h"

/*
 * Appends text to out with each [[name]] replaced by its value; an unknown one by nothing, and a line in notes (may be
 * NULL) naming it, once. Members of scope that are NULL have empty variables.
 */
void variables_expand(struct deed *d, struct reply_scope *scope, struct slice text, struct buf *out, struct buf *notes);
/* Appends the value of one variable (without brackets); false when there is no variable of this name. */
bool variable_read(struct deed *d, struct reply_scope *scope, struct slice name, struct buf *out);
/*
 * Sets one from JSON and saves what it changed; $x and return_value go to scope->temporary. state.id null resets the
 * state. ERR_INVALID with *fault (message) when it is unknown, read-only, not a scalar, or of a thing that is not there.
 */
int variable_set(struct deed *d, struct reply_scope *scope, struct slice name, struct json value, struct fault *fault);

/* The contact's state in a service, or NULL. */
struct record *state_find(struct deed *d, struct slice service_id, struct slice contact_id);
/* The same, made when there is none; not saved. */
struct record *state_make(struct deed *d, struct slice service_id, struct slice contact_id);
/* The state's id and vars are gone. */
void state_reset(struct deed *d, struct record *state);

#endif
