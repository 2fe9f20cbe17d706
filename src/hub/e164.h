/* Phone numbers as the world writes them. */
#ifndef HUB_E164_H
#define HUB_E164_H

#include "base/buf.h"

/* Normalises a number relative to a country ("SE"; "": only international ones). False: it cannot be. */
bool e164_of(struct slice number, struct slice country, struct buf *ret);

#endif
