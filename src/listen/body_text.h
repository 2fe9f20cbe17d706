/* Bodies made readable: JSON and XML indented, forms line by line, batches item by item. */
#ifndef LISTEN_BODY_TEXT_H
#define LISTEN_BODY_TEXT_H

#include "base/buf.h"

/*
 * Appends lines, each ended by a line feed. content_type decides, and for none or an unknown one the body's first
 * character. Whatever cannot be read as what it claims to be is shown as text, with a line that says why; what is no
 * text at all, as its first bytes in hex.
 */
void body_text_add(struct buf *out, struct slice content_type, struct slice body, bool colours);
/* The number of events in it: the elements of a batch, 1 for anything else that is not empty. */
size_t body_items(struct slice content_type, struct slice body);

#endif
