/* A bump allocator for one request, one transaction, one render: many small things, freed at once. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena_chunk;
struct buf;
struct arena {
	struct arena_chunk *chunk; /* newest first */
	size_t used;		   /* bytes handed out, for accounting */
};

void arena_init(struct arena *a);
void arena_free(struct arena *a);
/* The same for an arena that is filled again soon: what it held is gone, and a first chunk that was enough is kept. */
void arena_reset(struct arena *a);
/* n bytes, aligned for any object, uninitialised; never NULL. Lives until arena_free or arena_reset. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((returns_nonnull));
void *arena_zalloc(struct arena *a, size_t n) __attribute__((returns_nonnull));
/* Copies, each followed by a NUL byte that is not counted. */
struct slice arena_slice(struct arena *a, struct slice s);
char *arena_str(struct arena *a, struct slice s);
/* What b holds, copied as by arena_slice; b is freed. */
struct slice arena_take_buf(struct arena *a, struct buf *b);

#endif
