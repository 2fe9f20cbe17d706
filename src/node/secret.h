/* The hub's own secret, in the store. */
#ifndef NODE_SECRET_H
#define NODE_SECRET_H

#include "node/book.h"

/* Reads it, or makes it the first time; before the store has a thread. ERR_CORRUPT when the stored one is damaged. */
int secret_open(struct store *store, uint8_t ret[NODE_SECRET_BYTES], struct fault *fault);

#endif
