/* Which known word did the author of a misspelt one mean? For refusals that name the cure. */
#ifndef DIALECT_NEAREST_H
#define DIALECT_NEAREST_H

#include "base/slice.h"

struct nearest {
	struct slice wanted;
	/* the offered word that takes the fewest edits, the first of equals; empty before the first offer */
	struct slice best;
	size_t distance;
};

/* The slices are borrowed. */
void nearest_begin(struct nearest *n, struct slice wanted);
void nearest_offer(struct nearest *n, struct slice word);

#endif
