/*
 * The one growing buffer of the program. Its ceiling is given at birth, so no input can make it eat the machine, and a
 * failure sticks, so that whoever builds a text of fifty pieces checks once.
 *
 * Invariants: n <= max; p is NULL exactly when cap is 0; otherwise n < cap and p[n] is NUL.
 */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"

#define BUF_FIRST 64 /* bytes of the first allocation: most texts are ids, headers, short fields */

void buf_init(struct buf *b, size_t max)
{
	assert(max < SIZE_MAX / 2);
	*b = (struct buf){ .max = max };
}

void buf_free(struct buf *b)
{
	mem_free(b->p);
	buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
	b->failed = false;
	buf_truncate(b, 0);
}

void buf_truncate(struct buf *b, size_t n)
{
	assert(n <= b->n);
	b->n = n;
	if (b->p)
		b->p[n] = '\0';
}

/* Room for n more bytes and the NUL; false, and failed from now on, when that would pass the maximum. */
static bool buf_reserve(struct buf *b, size_t n)
{
	size_t cap;

	if (b->failed)
		return false;
	if (n > b->max - b->n) {
		b->failed = true;
		return false;
	}
	if (b->n + n < b->cap)
		return true;
	cap = b->cap ? b->cap * 2 : BUF_FIRST;
	if (cap > b->max + 1)
		cap = b->max + 1;
	if (cap < b->n + n + 1)
		cap = b->n + n + 1;
	b->p = mem_realloc(b->p, cap);
	b->cap = cap;
	return true;
}

char *buf_extend(struct buf *b, size_t n)
{
	char *end;

	if (!buf_reserve(b, n))
		return NULL;
	end = b->p + b->n;
	b->n += n;
	b->p[b->n] = '\0';
	return end;
}

void buf_add_slowly(struct buf *b, const void *p, size_t n)
{
	char *end = buf_extend(b, n);

	if (end && n > 0)
		memcpy(end, p, n);
}

void buf_add_i64(struct buf *b, int64_t v)
{
	char digits[20]; /* "-9223372036854775808" */
	size_t at = sizeof(digits);
	uint64_t rest = v < 0 ? -(uint64_t)v : (uint64_t)v;

	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (v < 0)
		digits[--at] = '-';
	buf_add(b, digits + at, sizeof(digits) - at);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char *end;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	assert(n >= 0);
	end = buf_extend(b, (size_t)n);
	if (end)
		vsnprintf(end, (size_t)n + 1, fmt, ap);
}

void buf_add_varint(struct buf *b, uint64_t v)
{
	char bytes[10];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		bytes[n++] = (char)(v | 0x80);
	bytes[n++] = (char)v;
	buf_add(b, bytes, n);
}

char *buf_take(struct buf *b)
{
	char *p = b->p ? b->p : mem_zalloc(1);

	buf_init(b, b->max);
	return p;
}

bool varint_read(struct slice *s, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s->n && i < 10; i++) {
		uint8_t byte = (uint8_t)s->p[i];

		/*
		 * the tenth byte has room for one bit; a last byte of
		 * zero would be a longer spelling of a shorter number
		 */
		if ((i == 9 && byte > 1) || (i > 0 && byte == 0))
			return false;
		v |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80) {
			*s = slice_from(*s, i + 1);
			*ret = v;
			return true;
		}
	}
	return false;
}
