/*
 * Presets: named sets of endpoint settings, presets/NAME.json,
 * compiled into the binary. The first key, `about`, is for people.
 */
#ifndef DIALECT_PRESET_H
#define DIALECT_PRESET_H

#include "base/fault.h"
#include "base/slice.h"

/* The JSON text of a preset; static. false: no such preset. */
bool preset_find(struct slice name, struct slice *ret);
/* The n-th preset's name (NUL-terminated), NULL after the last: for lists in messages. */
const char *preset_name(size_t n);

/*
 * Checks one preset's text: an object that begins with a non-empty string `about`, all other members endpoint settings
 * that compile when an endpoint adds what only it can know (a URL, a secret). ERR_INVALID: *fault (not NULL) says file,
 * line and member in param, "presets/NAME.json:7: batch.max_itmes", and in message what is wrong and the cure.
 */
int preset_check(const char *name, struct slice text, struct fault *fault);
/* Checks all presets of this binary, for a start that fails early. */
int preset_check_all(struct fault *fault);

#endif
