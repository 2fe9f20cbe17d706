/*
 * Templates with typed holes: compiled once for the grammar that surrounds each hole, so that
 * no value can ever break out of its place. Placeholders: {NAME} of a known metric, {1}..{99},
 * {message.vars.order} (a path into the event with at least one dot). Decisions W1 - W5 of
 * wiraya.md. Behind the name pipes may stand, which change the value one after the other:
 *
 *   {message.time_done|or:message.time_updated|time:%Y-%m-%d %H:%M}
 *   or:NAME (another placeholder, or a top-level member of the event, when the value is missing)  default:TEXT
 *   time:FORMAT (in the endpoint's time_zone)  utc:FORMAT; formats as in moment.h
 *   map:NAME (maps.h)  status (the status map)
 *   when:NAME=WORD,WORD (missing unless the other value is one of the words)  count (of an array's elements)
 *   secret_sha1 (hex SHA-1 of the endpoint's secret and the value)
 *   msisdn (46710000123) e164 (+46710000123)  upper lower
 *
 * An argument holds no { } | " ' \\ < > & and no control characters; in
 * a grammar it stands for itself, the value is escaped for its place.
 */
#ifndef DIALECT_TEMPLATE_H
#define DIALECT_TEMPLATE_H

#include "dialect/event.h"

/* TEMPLATE_FORM: one value of application/x-www-form-urlencoded; any text, encoded as a whole. */
enum template_grammar { TEMPLATE_JSON, TEMPLATE_XML, TEMPLATE_URL, TEMPLATE_HEADER, TEMPLATE_FORM };

struct template; /* immutable once compiled; any number of threads may render it */

struct status_map;
struct maps;
struct zone;
struct subject;

/* What a placeholder may see of one event on its way to one endpoint. All borrowed for the length of the call. */
struct scope {
	const struct event *event;
	const struct status_map *statuses; /* canonical words to the dialect's */
	struct slice organization_id;	   /* {CID} */
	struct slice delivery_id;	   /* {DELIVERY_ID} */
	uint32_t attempt;		   /* {ATTEMPT}, from 1 */
	const struct zone *zone;	   /* of |time; NULL is UTC */
	struct slice secret;		   /* {SECRET}, |secret_sha1; p is NULL when there is none */
	const struct subject *subject; /* what metrics look up first, when somebody has done so already (metric.h) */
};

/*
 * Compiles text. On failure ERR_INVALID; *fault has position (byte offset
 * in text), the reason, the cure; param is left empty for fault_within.
 */
int template_compile(enum template_grammar grammar, struct slice text, struct template **ret, struct fault *fault);
/* The same with the maps that |map may name; the template keeps pointers into them. */
int template_compile_with(enum template_grammar grammar, struct slice text, const struct maps *maps,
			  struct template **ret, struct fault *fault);
void template_free(struct template **t);
/*
 * Appends the rendered text to out, escaped for its place. ERR_INVALID when a
 * header value would hold a control character (CR, LF, NUL, …) or a value would
 * make a URL's path climb (a segment of dots); ERR_TOO_BIG when out is full.
 */
int template_render(const struct template *t, const struct scope *scope, struct buf *out);
/*
 * The same for a field that is left out when there is nothing to say: *ret_missing tells that all its placeholders were
 * missing (and there is at least one). out has the text in any case.
 */
int template_render_field(const struct template *t, const struct scope *scope, struct buf *out, bool *ret_missing);
/* No placeholders that differ between events or attempts. */
bool template_is_constant(const struct template *t);
/* True when it uses {DELIVERY_ID} or {ATTEMPT}. */
bool template_uses_delivery(const struct template *t);

#endif
