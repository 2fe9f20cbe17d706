/* A view of bytes that somebody else owns. Not NUL-terminated. Copied by value. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
	const char *p;
	size_t n;
};

/* A slice of a string literal; SLICE(s) for a char pointer is slice_str. */
#define SLICE_LIT(lit) ((struct slice){ ("" lit), sizeof(lit) - 1 })
/* For printf: "%.*s". */
#define SLICE_ARG(s) (int)(s).n, (s).p
/* The same, but at most so many bytes of it: what comes from outside may be long. */
#define SLICE_HEAD(s, most) (int)((s).n < (most) ? (s).n : (most)), (s).p

static inline struct slice slice_of(const void *p, size_t n)
{
	return (struct slice){ p, n };
}

/* s may be NULL: the empty slice. */
static inline struct slice slice_str(const char *s)
{
	return (struct slice){ s, s ? strlen(s) : 0 };
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool slice_is(struct slice a, const char *s)
{
	return slice_eq(a, slice_str(s));
}

/* Is it one of these? NULL ends the list. */
bool slice_among(struct slice s, const char *const *list);

static inline bool slice_starts(struct slice s, struct slice prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* The part of s from offset on; offset <= s.n. */
static inline struct slice slice_from(struct slice s, size_t offset)
{
	return (struct slice){ s.p + offset, s.n - offset };
}

/* ASCII case folded comparison, for header names and media types. */
bool slice_eq_nocase(struct slice a, struct slice b);
/* Without blanks and tabs at both ends. */
struct slice slice_trim(struct slice s);
/* The offset of the first byte c in s, or s.n. */
size_t slice_find(struct slice s, char c);
/* A NUL-terminated copy; mem_free it. */
char *slice_dup(struct slice s);
/* Parses all of s as a decimal integer, optional minus sign, no blanks. false and *ret untouched on anything else,
 * overflow included. */
bool slice_to_i64(struct slice s, long long *ret);
/* Copies s into dst of size cap as a NUL-terminated string, cut at cap - 1 bytes. */
void slice_copy(char *dst, size_t cap, struct slice s);

#endif
