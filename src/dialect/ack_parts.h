/* Inside of the acknowledgement readers: the sink for ids, and the two grammars. */
#ifndef DIALECT_ACK_PARTS_H
#define DIALECT_ACK_PARTS_H

#include "base/slice.h"

/* Takes one id of the answer, blanks around it removed. */
typedef void ack_id_fn(void *ctx, struct slice id);

/*
 * Calls fn for the text of each <name> element below the root. NULL when body is well-formed XML without a DTD;
 * otherwise a sentence why nothing of it counts: then what fn was given is void too. why has room for 200 bytes.
 */
const char *ack_xml_ids(struct slice body, const char *name, ack_id_fn *fn, void *ctx, char why[200]);
/*
 * The same for JSON: a list of ids, of objects with the member `name`, or such things below `name` or `response` (X13).
 */
const char *ack_json_ids(struct slice body, const char *name, ack_id_fn *fn, void *ctx, char why[200]);

#endif
