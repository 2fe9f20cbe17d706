/*
 * A reader of server-sent events: lines end with LF or CRLF, a line `name: value` belongs to the event that the next
 * empty line ends, a line that begins with a colon is a comment. Of an event its kind and its data are kept.
 */
#include "cli/event_stream.h"

#include "base/fault.h"

#define LINE_MAX_BYTES ((size_t)4 << 20)

void event_stream_init(struct event_stream *s, event_stream_fn *fn, void *ctx)
{
	s->fn = fn;
	s->ctx = ctx;
	buf_init(&s->line, LINE_MAX_BYTES);
	buf_init(&s->kind, 256);
	buf_init(&s->data, LINE_MAX_BYTES);
}

void event_stream_free(struct event_stream *s)
{
	buf_free(&s->line);
	buf_free(&s->kind);
	buf_free(&s->data);
}

static void field(struct event_stream *s, struct slice line)
{
	size_t colon = slice_find(line, ':');
	struct slice name = slice_of(line.p, colon), value = slice_from(line, colon < line.n ? colon + 1 : colon);

	if (value.n > 0 && value.p[0] == ' ')
		value = slice_from(value, 1);
	if (slice_is(name, "event")) {
		buf_reset(&s->kind);
		buf_add_slice(&s->kind, value);
	} else if (slice_is(name, "data")) {
		if (s->data.n > 0)
			buf_add_char(&s->data, '\n');
		buf_add_slice(&s->data, value);
	}
}

static int dispatch(struct event_stream *s)
{
	int rc = 0;

	if (buf_failed(&s->data) || buf_failed(&s->kind))
		return ERR_INVALID;
	if (s->data.n > 0)
		rc = s->fn(s->ctx, buf_slice(&s->kind), buf_slice(&s->data));
	buf_reset(&s->kind);
	buf_reset(&s->data);
	return rc;
}

static int take_line(struct event_stream *s, struct slice line)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n == 0)
		return dispatch(s);
	field(s, line);
	return 0;
}

int event_stream_add(struct event_stream *s, struct slice bytes)
{
	int rc = 0;

	while (bytes.n > 0 && rc == 0) {
		size_t n = slice_find(bytes, '\n');

		buf_add(&s->line, bytes.p, n);
		if (buf_failed(&s->line))
			return ERR_INVALID;
		if (n < bytes.n) {
			rc = take_line(s, buf_slice(&s->line));
			buf_reset(&s->line);
			n++;
		}
		bytes = slice_from(bytes, n);
	}
	return rc;
}
