/* The part of ops.h that is about objects: steps made from a seed, and what can be read, as text. */
#ifndef TESTS_STORE_OPS_OBJECTS_H
#define TESTS_STORE_OPS_OBJECTS_H

#include "base/buf.h"
#include "base/rand.h"
#include "store/store.h"

/* Adds a step that reads and writes some objects, and may append events, whose ids are near `last`. */
void make_step(struct tx *tx, struct rand *r, int64_t last);
/* What the step saw when it ran last, and what it was told. */
uint64_t step_told(const struct change *step);

/* All objects along all fields, and what is due. */
void dump_objects(struct store *s, struct buf *out);
/* Some parts of the index, chosen by rand. */
void dump_walks(struct store *s, struct rand *r, struct buf *out);

#endif
