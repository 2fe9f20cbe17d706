/* XML made readable. */
#ifndef LISTEN_XML_TEXT_H
#define LISTEN_XML_TEXT_H

#include "base/buf.h"

/* Appends indented XML, every line ended. false: out is untouched and *ret_reason a constant. */
bool xml_text_add(struct buf *out, struct slice xml, const char **ret_reason);
/* The number of elements below the root; 0 when it is no XML. */
size_t xml_items(struct slice xml);

#endif
