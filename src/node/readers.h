/* A few handles for reading the store, shared by the threads that serve requests. */
#ifndef NODE_READERS_H
#define NODE_READERS_H

#include "store/store.h"

struct readers;

int readers_open(struct store *store, struct readers **ret, struct fault *fault);
/* All handles must be back. */
void readers_close(struct readers **r);
/* Waits for a free one. */
struct store *readers_take(struct readers *r);
void readers_give(struct readers *r, struct store *reader);

#endif
