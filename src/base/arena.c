/*
 * A bump allocator. Chunks double up to a ceiling, so that small requests cost one malloc and big ones few; a request
 * larger than the ceiling gets a chunk of its own size. Nothing is ever given back before arena_free.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mem.h"

#define CHUNK_FIRST 960 /* with its header just small enough to come from, and go to, glibc's cache of the thread */
#define CHUNK_MAX   65536

struct arena_chunk {
	struct arena_chunk *older;
	size_t size, used; /* bytes of data */
	alignas(max_align_t) unsigned char data[];
};

void arena_init(struct arena *a)
{
	*a = (struct arena){ 0 };
}

void arena_free(struct arena *a)
{
	struct arena_chunk *older;

	for (struct arena_chunk *c = a->chunk; c; c = older) {
		older = c->older;
		mem_free(c);
	}
	arena_init(a);
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *c = a->chunk;

	if (!c || c->older || c->size > CHUNK_FIRST) {
		arena_free(a);
		return;
	}
	c->used = 0;
	a->used = 0;
}

static void arena_grow(struct arena *a, size_t n)
{
	size_t size = a->chunk ? a->chunk->size * 2 : CHUNK_FIRST;
	struct arena_chunk *c;

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (size < n)
		size = n;
	c = mem_alloc(sizeof(*c) + size);
	c->older = a->chunk;
	c->size = size;
	c->used = 0;
	a->chunk = c;
}

void *arena_alloc(struct arena *a, size_t n)
{
	size_t align = alignof(max_align_t),
	       rounded = n > SIZE_MAX / 2 ? SIZE_MAX / 2 : (n + align - 1) / align * align;
	void *p;

	if (!a->chunk || a->chunk->size - a->chunk->used < rounded)
		arena_grow(a, rounded);
	p = a->chunk->data + a->chunk->used;
	a->chunk->used += rounded;
	a->used += n;
	return p;
}

void *arena_zalloc(struct arena *a, size_t n)
{
	return memset(arena_alloc(a, n), 0, n);
}

char *arena_str(struct arena *a, struct slice s)
{
	char *copy = arena_alloc(a, s.n + 1);

	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

struct slice arena_slice(struct arena *a, struct slice s)
{
	return slice_of(arena_str(a, s), s.n);
}

struct slice arena_take_buf(struct arena *a, struct buf *b)
{
	struct slice copy = arena_slice(a, buf_slice(b));

	buf_free(b);
	return copy;
}
