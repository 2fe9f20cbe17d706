/* Colours, where a terminal wants them. */
#ifndef LISTEN_PAINT_H
#define LISTEN_PAINT_H

#include "base/buf.h"

#define PAINT_BOLD  "\x1b[1m"
#define PAINT_DIM   "\x1b[2m"
#define PAINT_RED   "\x1b[31m"
#define PAINT_GREEN "\x1b[32m"
#define PAINT_CYAN  "\x1b[36m"

static inline void paint(struct buf *out, bool colours, const char *how, const char *text)
{
	if (colours)
		buf_add_str(out, how);
	buf_add_str(out, text);
	if (colours)
		buf_add_str(out, "\x1b[0m");
}

#endif
