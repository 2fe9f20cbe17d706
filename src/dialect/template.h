/*
 * Templates with typed holes: compiled once for the grammar that surrounds each hole, so that no value can ever break out of its place.
 * Placeholders: {NAME} of a known metric, {1}..{99}, {message.vars.order} (a path into the event with at least
 * one dot). Decisions W1 - W5 of wiraya.md.
 */
#ifndef DIALECT_TEMPLATE_H
#define DIALECT_TEMPLATE_H

#include "dialect/event.h"

enum template_grammar { TEMPLATE_JSON, TEMPLATE_XML, TEMPLATE_URL, TEMPLATE_HEADER };

struct template; /* immutable once compiled; any number of threads may render it */

struct status_map;

/* What a placeholder may see of one event on its way to one endpoint. All borrowed for the length of the call. */
struct scope {
	const struct event *event;
	const struct status_map *statuses; /* canonical words to the dialect's */
	struct slice organization_id;	   /* {CID} */
	struct slice delivery_id;	   /* {DELIVERY_ID} */
	uint32_t attempt;		   /* {ATTEMPT}, from 1 */
};

/* Compiles text. On failure ERR_INVALID; *fault has position (byte offset in text), the reason, the cure; param is left empty for fault_within. */
int template_compile(enum template_grammar grammar, struct slice text, struct template **ret, struct fault *fault);
void template_free(struct template **t);
/* Appends the rendered text to out, escaped for its place. ERR_INVALID when a header value would hold a control character (CR, LF, NUL, …) or a
 * value would make a URL's path climb (a segment of dots); ERR_TOO_BIG when out is full. */
int template_render(const struct template *t, const struct scope *scope, struct buf *out);
/* No placeholders that differ between events or attempts. */
bool template_is_constant(const struct template *t);
/* True when it uses {DELIVERY_ID} or {ATTEMPT}. */
bool template_uses_delivery(const struct template *t);

#endif
