/* What an HTTP status means to whoever set the endpoint up. */
#ifndef DIALECT_MEANING_H
#define DIALECT_MEANING_H

/* Why an answer of this status was no success, and where to look; a constant, never NULL. */
const char *meaning_of_status(int status);

#endif
