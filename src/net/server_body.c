/*
 * Bodies of requests, plain or gzip. Expansion goes on while the bytes arrive, so that a bomb is known as such after
 * its first few kilobytes and never takes more memory than an honest body may: the buffer's ceiling is the only bound,
 * and it holds for what was sent as well as for what it expands to. Several gzip members in a row are one body (RFC
 * 1952, 2.2); anything else after the last member is broken. An error sticks; what follows is only counted, for the
 * server to decide how much of it to bear.
 */
#include "net/server_body.h"

#include <assert.h>

#define GZIP_WINDOW  (15 + 16) /* zlib's way to say: gzip and nothing else */
#define EXPAND_STEP  16384
#define WINDOW_BYTES ((size_t)48 * 1024) /* what zlib needs for one stream, about */

static bool encoding_is(struct slice encoding, const char *name)
{
	return slice_eq_nocase(encoding, slice_str(name));
}

void server_body_begin(struct server_body *b, struct slice encoding, size_t max)
{
	memset(b, 0, sizeof(*b));
	buf_init(&b->content, max);
	encoding = slice_trim(encoding);
	if (encoding.n == 0 || encoding_is(encoding, "identity"))
		return;
	if (!encoding_is(encoding, "gzip") && !encoding_is(encoding, "x-gzip")) {
		b->state = BODY_UNSUPPORTED;
		return;
	}
	b->gzip = true;
	if (inflateInit2(&b->z, GZIP_WINDOW) != Z_OK)
		b->state = BODY_BROKEN;
}

/* One round of zlib: takes what it can of the input that z points to. False when nothing more can be done with it. */
static bool expand_step(struct server_body *b)
{
	unsigned char out[EXPAND_STEP];
	int rc;

	if (b->member_ended) {
		inflateReset(&b->z);
		b->member_ended = false;
	}
	b->z.next_out = out;
	b->z.avail_out = sizeof(out);
	rc = inflate(&b->z, Z_NO_FLUSH);
	buf_add(&b->content, out, sizeof(out) - b->z.avail_out);
	if (buf_failed(&b->content))
		b->state = BODY_TOO_LARGE;
	else if (rc == Z_STREAM_END)
		b->member_ended = true;
	else if (rc == Z_BUF_ERROR)
		return false;
	else if (rc != Z_OK)
		b->state = BODY_BROKEN;
	if (b->state != BODY_OPEN)
		return false;
	return b->z.avail_in > 0 || (b->z.avail_out == 0 && !b->member_ended);
}

static void body_expand(struct server_body *b, struct slice bytes)
{
	assert(bytes.n <= UINT32_MAX);
	b->z.next_in = (unsigned char *)bytes.p; /* zlib's interface has no const, it does not write there */
	b->z.avail_in = (uInt)bytes.n;
	while (expand_step(b))
		;
}

void server_body_add(struct server_body *b, struct slice bytes)
{
	b->received += bytes.n;
	if (b->state != BODY_OPEN || bytes.n == 0)
		return;
	if (b->received > b->content.max) {
		b->state = BODY_TOO_LARGE;
		return;
	}
	if (b->gzip)
		body_expand(b, bytes);
	else
		buf_add_slice(&b->content, bytes);
}

enum server_body_state server_body_end(struct server_body *b)
{
	if (b->state == BODY_OPEN)
		b->state = b->gzip && !b->member_ended && b->received > 0 ? BODY_BROKEN : BODY_WHOLE;
	return b->state;
}

size_t server_body_bytes(const struct server_body *b)
{
	return b->content.cap + (b->gzip ? WINDOW_BYTES : 0);
}

void server_body_drop(struct server_body *b, enum server_body_state why)
{
	server_body_free(b);
	b->gzip = false;
	b->state = why;
}

void server_body_free(struct server_body *b)
{
	if (b->gzip)
		inflateEnd(&b->z);
	buf_free(&b->content);
}
