/*
 * A growing byte buffer that is born with a maximum. The first failure (the maximum would be passed) sticks: later
 * additions do nothing, and buf_failed tells. So a long chain of additions needs one check at its end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdint.h>

#include "base/slice.h"

struct buf {
	char *p;     /* NULL while empty; always followed by a NUL byte otherwise */
	size_t n;    /* bytes used */
	size_t cap;  /* bytes allocated */
	size_t max;  /* n never passes this */
	bool failed; /* sticks until buf_reset */
};

/* An empty buffer; nothing is allocated yet. Free with buf_free. */
void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);
/* Empties b and forgets a failure, keeping the memory. */
void buf_reset(struct buf *b);
/* Cuts b to n bytes (n <= b->n). */
void buf_truncate(struct buf *b, size_t n);

static inline void buf_add(struct buf *b, const void *p, size_t n);
static inline void buf_add_slice(struct buf *b, struct slice s);
static inline void buf_add_str(struct buf *b, const char *s);
static inline void buf_add_char(struct buf *b, char c);
void buf_add_i64(struct buf *b, int64_t v);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* n writable bytes at the end, already counted in b->n; NULL once failed. Valid until the next addition. */
char *buf_extend(struct buf *b, size_t n);
/* LEB128: unsigned, and zigzag for signed; the compact row format of the store. */
void buf_add_varint(struct buf *b, uint64_t v);

static inline bool buf_failed(const struct buf *b)
{
	return b->failed;
}
static inline struct slice buf_slice(const struct buf *b)
{
	return (struct slice){ b->p ? b->p : "", b->n };
}
/* The content as a C string; "" while empty. */
static inline const char *buf_str(const struct buf *b)
{
	return b->p ? b->p : "";
}
/* buf_add where there is no room yet, or nothing to add. */
void buf_add_slowly(struct buf *b, const void *p, size_t n);

/*
 * Inline: rows, bodies and answers are made of pieces of a few bytes, and of
 * most the compiler knows how many. cap never passes max by more than the NUL.
 */
static inline void buf_add(struct buf *b, const void *p, size_t n)
{
	if (b->failed || n == 0 || n >= b->cap - b->n) {
		buf_add_slowly(b, p, n);
		return;
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}
static inline void buf_add_slice(struct buf *b, struct slice s)
{
	buf_add(b, s.p, s.n);
}
static inline void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}
static inline void buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}
/* Hands the memory over (mem_free it; never NULL) and leaves b empty. */
char *buf_take(struct buf *b);

/* Reads what buf_add_varint wrote from the front of *s and moves *s on. false when *s is cut short or
 * overlong; *ret is untouched then. */
bool varint_read(struct slice *s, uint64_t *ret);

#endif
