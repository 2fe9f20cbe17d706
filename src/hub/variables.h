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
/* Appends the value of one variable (without brackets), nothing when it is absent; false: no variable has this name. */
bool variable_read(struct deed *d, struct reply_scope *scope, struct slice name, struct buf *out);
/*
 * Sets one from JSON and saves what it changed; $x and return_value go to
 * scope->temporary. state.id null resets the state. ERR_INVALID with *fault (message)
 * when it is unknown, read-only, not a scalar, or of a thing that is not there.
 */
int variable_set(struct deed *d, struct reply_scope *scope, struct slice name, struct json value, struct fault *fault);
/* The same with a text for a value. */
int variable_set_text(struct deed *d, struct reply_scope *scope, struct slice name, struct slice text,
		      struct fault *fault);
/* return_value as it was set; false when it was not. "0", "false", "", 0 and null are not true. */
bool variable_return_value(const struct reply_scope *scope, bool *ret);

#endif
