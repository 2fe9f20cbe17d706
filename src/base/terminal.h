/* Foreign text on a terminal: whatever somebody sent us is shown, and none of it acts. */
#ifndef BASE_TERMINAL_H
#define BASE_TERMINAL_H

#include <stdint.h>

#include "base/buf.h"

/* True when fd is a terminal that takes colours, and NO_COLOR is not set. */
bool terminal_colours(int fd);
/* True for characters that act on a terminal or turn text around instead of being seen. */
bool terminal_hides(uint32_t rune);
/*
 * Appends s with control bytes, broken UTF-8 and the invisible
 * characters that turn text around written as \n, \x1b, \u{202e}.
 */
void terminal_add(struct buf *out, struct slice s);
/*
 * The same for text of several lines: line feeds and tabs stay, and
 * indent goes before every line. No line feed is added at the end.
 */
void terminal_add_lines(struct buf *out, struct slice s, const char *indent);

#endif
