/*
 * Log lines. A line is built in memory and handed over in one write(2), so lines of several threads never mix and no
 * lock is needed. What cannot be written is lost without a word: a full log pipe must not hold up deliveries.
 *
 * Values come from strangers in the end. So everything that a terminal or a log collector could take for a command (C0
 * and C1 controls, invalid UTF-8) is written as \xNN, and a value that could pass for more fields is quoted.
 */
#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#define LINE_MAX  16384 /* no field is begun behind half of it */
#define VALUE_MAX 1024	/* bytes of a value that are shown; four times as many when all are escaped */

struct log {
	int fd;
	_Atomic int least; /* enum log_level */
};

struct log *log_new(int fd, enum log_level least)
{
	struct log *l = mem_alloc(sizeof(*l));

	l->fd = fd;
	atomic_init(&l->least, (int)least);
	return l;
}

void log_free(struct log **l)
{
	mem_free(*l);
	*l = NULL;
}

void log_set_level(struct log *l, enum log_level least)
{
	atomic_store_explicit(&l->least, (int)least, memory_order_relaxed);
}

/* The length of the visible UTF-8 sequence in front of s; 0 when its first byte has to be escaped. */
static size_t visible(struct slice s)
{
	uint32_t rune = 0;
	size_t n = utf8_next(s, &rune);

	return rune < 0x20 || (rune >= 0x7f && rune < 0xa0) ? 0 : n;
}

static bool needs_quotes(struct slice s)
{
	if (s.n == 0)
		return true;
	while (s.n > 0) {
		size_t n = visible(s);

		if (n == 0 || memchr(" \"=\\", s.p[0], 4))
			return true;
		s = slice_from(s, n);
	}
	return false;
}

static void add_quoted(struct buf *line, struct slice s)
{
	buf_add_char(line, '"');
	while (s.n > 0) {
		size_t n = visible(s);

		if (n == 0) {
			buf_addf(line, "\\x%02x", (uint8_t)s.p[0]);
			n = 1;
		} else {
			if (s.p[0] == '"' || s.p[0] == '\\')
				buf_add_char(line, '\\');
			buf_add(line, s.p, n);
		}
		s = slice_from(s, n);
	}
	buf_add_char(line, '"');
}

static void add_text(struct buf *line, struct slice s)
{
	bool cut = s.n > VALUE_MAX;

	if (cut)
		s.n = VALUE_MAX;
	if (needs_quotes(s))
		add_quoted(line, s);
	else
		buf_add_slice(line, s);
	if (cut)
		buf_add_str(line, "...");
}

static void add_field(struct buf *line, const struct log_field *field)
{
	buf_add_char(line, ' ');
	buf_add_str(line, field->name);
	buf_add_char(line, '=');
	if (field->text.p)
		add_text(line, field->text);
	else
		buf_add_i64(line, field->number);
}

/* Again only after a signal or a short write, which a pipe and a file do not make of a line this long. */
static void write_line(int fd, struct slice s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n >= 0)
			s = slice_from(s, (size_t)n);
		else if (errno != EINTR)
			return;
	}
}

void log_fields(struct log *l, enum log_level level, const char *what, const struct log_field *fields, size_t count)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	struct buf line;

	if (!l || (int)level < atomic_load_explicit(&l->least, memory_order_relaxed))
		return;
	buf_init(&line, LINE_MAX);
	time_add_iso_ms(&line, clock_wall_ms());
	buf_addf(&line, " %s %s", names[level], what);
	for (size_t i = 0; i < count && line.n < LINE_MAX / 2; i++)
		add_field(&line, &fields[i]);
	buf_add_char(&line, '\n');
	write_line(l->fd, buf_slice(&line));
	buf_free(&line);
}
