/* Bodies made readable: JSON and XML indented, forms line by line, batches item by item. */
#ifndef LISTEN_BODY_TEXT_H
#define LISTEN_BODY_TEXT_H

#include "base/buf.h"
#include "base/json.h"

/* Appends lines, each ended by a line feed. content_type decides, and for none or an unknown one the body's first character. Whatever cannot be read as what it
 * claims to be is shown as text, with a line that says why; what is no text at all, as its first bytes in hex. */
void body_text_add(struct buf *out, struct slice content_type, struct slice body, bool colours);
/* The number of events in it: the elements of a batch, 1 for anything else that is not empty. */
size_t body_items(struct slice content_type, struct slice body);

/* The parts. Indented JSON without a line feed at its end, every line but the first behind `indent` blanks. */
void json_text_add(struct buf *out, struct json v, size_t indent);
/* Indented XML, every line ended. On failure out is untouched and *ret_reason a constant. */
bool xml_text_add(struct buf *out, struct slice xml, const char **ret_reason);
/* The number of elements below the root; 0 when it is no XML. */
size_t xml_items(struct slice xml);

#endif
