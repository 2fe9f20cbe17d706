/*
 * Slices: the questions about bytes that are too long for the header. Nothing here owns memory but slice_dup.
 */
#include "base/slice.h"

#include <assert.h>
#include <limits.h>

#include "base/mem.h"

/* Own folding: tolower() asks the locale, header names must not. */
static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool slice_among(struct slice s, const char *const *list)
{
	while (*list && !slice_is(s, *list))
		list++;
	return *list != NULL;
}

struct slice slice_trim(struct slice s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = slice_from(s, 1);
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

size_t slice_find(struct slice s, char c)
{
	const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return at ? (size_t)(at - s.p) : s.n;
}

char *slice_dup(struct slice s)
{
	char *copy = mem_alloc(s.n + 1);

	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

/* Counts downwards: the negative range is the larger one, so LLONG_MIN needs no case of its own. */
static bool read_negated(struct slice digits, long long *ret)
{
	long long v = 0;

	if (digits.n == 0)
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		char c = digits.p[i];

		if (c < '0' || c > '9' || __builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, c - '0', &v))
			return false;
	}
	*ret = v;
	return true;
}

bool slice_to_i64(struct slice s, long long *ret)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	long long v;

	if (!read_negated(minus ? slice_from(s, 1) : s, &v) || (!minus && v == LLONG_MIN))
		return false;
	*ret = minus ? v : -v;
	return true;
}

void slice_copy(char *dst, size_t cap, struct slice s)
{
	size_t n;

	assert(cap > 0);
	n = s.n < cap ? s.n : cap - 1;
	if (n > 0)
		memcpy(dst, s.p, n);
	dst[n] = '\0';
}
