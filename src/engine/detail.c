/* The codec of an attempt's detail: a version byte, varints, then length-prefixed bytes. */
#include "engine/detail.h"

#define DETAIL_VERSION 1

/* Timings are -1 where a phase was not reached: shifted by one they are never negative. */
static void add_time(struct buf *out, int64_t us)
{
	buf_add_varint(out, (uint64_t)(us < 0 ? 0 : us + 1));
}

static bool read_time(struct slice *s, int64_t *ret)
{
	uint64_t v;

	if (!varint_read(s, &v))
		return false;
	*ret = (int64_t)v - 1;
	return true;
}

static void add_bytes(struct buf *out, struct slice s)
{
	buf_add_varint(out, s.n);
	buf_add_slice(out, s);
}

static bool read_bytes(struct slice *s, struct slice *ret)
{
	uint64_t n;

	if (!varint_read(s, &n) || n > s->n)
		return false;
	*ret = slice_of(s->p, n);
	*s = slice_from(*s, n);
	return true;
}

void detail_encode(const struct attempt_detail *d, struct buf *out)
{
	buf_add_char(out, DETAIL_VERSION);
	add_time(out, d->duration_us);
	add_time(out, d->timings.dns);
	add_time(out, d->timings.connect);
	add_time(out, d->timings.tls);
	add_time(out, d->timings.first_byte);
	add_time(out, d->timings.total);
	buf_add_varint(out, d->body_size);
	add_bytes(out, d->reason);
	add_bytes(out, d->headers);
	add_bytes(out, d->body);
}

bool detail_decode(struct slice s, struct attempt_detail *ret)
{
	uint64_t size;

	if (s.n == 0 || s.p[0] != DETAIL_VERSION)
		return false;
	s = slice_from(s, 1);
	if (!read_time(&s, &ret->duration_us) || !read_time(&s, &ret->timings.dns) ||
	    !read_time(&s, &ret->timings.connect) || !read_time(&s, &ret->timings.tls) ||
	    !read_time(&s, &ret->timings.first_byte) || !read_time(&s, &ret->timings.total) || !varint_read(&s, &size))
		return false;
	ret->body_size = (uint32_t)size;
	return read_bytes(&s, &ret->reason) && read_bytes(&s, &ret->headers) && read_bytes(&s, &ret->body) && s.n == 0;
}
