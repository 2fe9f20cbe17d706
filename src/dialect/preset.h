/* Presets: named sets of endpoint settings, presets/NAME.json, compiled into the binary. The first key, `about`, is for people. */
#ifndef DIALECT_PRESET_H
#define DIALECT_PRESET_H

#include "base/slice.h"

/* The JSON text of a preset; static. false: no such preset. */
bool preset_find(struct slice name, struct slice *ret);
/* The n-th preset's name (NUL-terminated), NULL after the last: for lists in messages. */
const char *preset_name(size_t n);

#endif
