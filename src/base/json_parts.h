/* What the JSON reader and the JSON values share, inside base: escapes and the search for duplicate keys. */
#ifndef BASE_JSON_PARTS_H
#define BASE_JSON_PARTS_H

#include "base/json.h"

/*
 * Decodes the unit at the front of *s, the checked inside of a JSON string, into ret (1 to 4 bytes) and moves *s on.
 * Returns the number of bytes. *s must not be empty. A surrogate without its partner gives U+FFFD.
 */
size_t json_unescape_next(struct slice *s, char ret[4]);
/* True when the decoded escaped is plain. */
bool json_unescaped_is(struct slice escaped, struct slice plain);
/*
 * The index of the first key that stands twice in the object
 * at `object`, which has this many keys; 0 when there is none.
 */
uint32_t json_duplicate_key(const struct json_doc *doc, uint32_t object, uint32_t keys);

#endif
