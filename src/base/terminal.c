/*
 * A terminal obeys escape sequences wherever they come from: a name in an event could retitle the window or hide a
 * line. So every byte from outside passes here on its way to it.
 */
#include "base/terminal.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

bool terminal_colours(int fd)
{
	const char *term = getenv("TERM"), *never = getenv("NO_COLOR");

	return isatty(fd) && term && strcmp(term, "dumb") != 0 && !(never && *never);
}

/* C0 and C1 controls; marks and isolates of writing direction; line separators; the byte order mark. */
bool terminal_hides(uint32_t rune)
{
	return rune < 0x20 || (rune >= 0x7f && rune <= 0x9f) || (rune >= 0x200b && rune <= 0x200f) ||
	       (rune >= 0x2028 && rune <= 0x202e) || (rune >= 0x2060 && rune <= 0x206f) || rune == 0xfeff;
}

static void hidden_add(struct buf *out, uint32_t rune)
{
	switch (rune) {
	case '\n':
		buf_add_str(out, "\\n");
		break;
	case '\r':
		buf_add_str(out, "\\r");
		break;
	case '\t':
		buf_add_str(out, "\\t");
		break;
	default:
		buf_addf(out, rune < 0x80 ? "\\x%02x" : "\\u{%x}", (unsigned)rune);
	}
}

/* One character or one broken byte off the front of *s. */
static void rune_add(struct buf *out, struct slice *s)
{
	uint32_t rune = 0;
	size_t n = utf8_next(*s, &rune);

	if (n == 0) {
		buf_addf(out, "\\x%02x", (unsigned)(unsigned char)s->p[0]);
		n = 1;
	} else if (terminal_hides(rune)) {
		hidden_add(out, rune);
	} else {
		buf_add(out, s->p, n);
	}
	*s = slice_from(*s, n);
}

void terminal_add(struct buf *out, struct slice s)
{
	while (s.n > 0)
		rune_add(out, &s);
}

void terminal_add_lines(struct buf *out, struct slice s, const char *indent)
{
	bool at_start = true;

	while (s.n > 0) {
		if (at_start)
			buf_add_str(out, indent);
		at_start = s.p[0] == '\n';
		if (s.n > 1 && s.p[0] == '\r' && s.p[1] == '\n') {
			s = slice_from(s, 1);
		} else if (s.p[0] == '\n' || s.p[0] == '\t') {
			buf_add_char(out, s.p[0]);
			s = slice_from(s, 1);
		} else {
			rune_add(out, &s);
		}
	}
}
