/* JSON made readable. */
#ifndef LISTEN_JSON_TEXT_H
#define LISTEN_JSON_TEXT_H

#include "base/json.h"

/*
 * Appends v with one member a line, two blanks a level, every line but the first behind `indent` blanks; no line feed
 * at the end. It is the same JSON still, and harmless for a terminal: invisible characters are written as \u escapes.
 */
void json_text_add(struct buf *out, struct json v, size_t indent);

#endif
