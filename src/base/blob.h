/* Bytes that several hold at once and nobody changes: counted, freed by the last one. Any thread. */
#ifndef BASE_BLOB_H
#define BASE_BLOB_H

#include <stdatomic.h>

#include "base/slice.h"

struct blob {
	_Atomic int refs;
	size_t n;
	char bytes[];
};

/* A copy of text, with one reference. */
struct blob *blob_new(struct slice text);
struct blob *blob_ref(struct blob *b);
/* Drops one reference and sets *b to NULL. */
void blob_unref(struct blob **b);

#endif
