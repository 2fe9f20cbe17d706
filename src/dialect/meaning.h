/* What an outcome means to whoever set the endpoint up, and how to cure it: the one place that has words for that. */
#ifndef DIALECT_MEANING_H
#define DIALECT_MEANING_H

#include <stdbool.h>

struct meaning {
	const char *what, *cure; /* without a full stop */
	const char *both;	 /* "WHAT; CURE" */
};

/* Why an answer of this status was no success, and where to look; a constant, never NULL. */
const char *meaning_of_status(int status);
/*
 * The same in parts, for a code as rows have it: an HTTP status, or below zero -enum
 * failure (base/failure.h). False for what is no outcome: 0, and codes of no table.
 */
bool meaning_of_code(int code, struct meaning *ret);

#endif
