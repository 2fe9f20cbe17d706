/*
 * Memory for the program's own bookkeeping. Running out of it ends the process: what was accepted is
 * on disk, so a restart loses nothing, while half-handled allocation failures would. Sizes that a
 * stranger can choose never come here directly; they go through a struct buf, which has a ceiling.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* n bytes, uninitialised; never NULL. The caller frees with mem_free. Any thread. */
void *mem_alloc(size_t n) __attribute__((malloc, returns_nonnull));
/* n bytes of zeroes; otherwise like mem_alloc. */
void *mem_zalloc(size_t n) __attribute__((malloc, returns_nonnull));
/* Resizes p (may be NULL) to n bytes; p is invalid afterwards. */
void *mem_realloc(void *p, size_t n) __attribute__((returns_nonnull));
/* A copy of the n bytes at p. */
void *mem_dup(const void *p, size_t n) __attribute__((malloc, returns_nonnull));
/* A copy of the NUL-terminated s; NULL stays NULL. */
char *mem_strdup(const char *s);
/* Frees p; NULL is fine. */
void mem_free(void *p);

#endif
