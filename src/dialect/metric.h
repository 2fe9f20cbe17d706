/*
 * Metrics: the names that a template may use in braces, and what each of
 * them is for one event. Facts: seeds 000 and 001, table in wiraya.md.
 */
#ifndef DIALECT_METRIC_H
#define DIALECT_METRIC_H

#include "dialect/template.h"

#define METRIC_FIELD_MAX 99 /* {1}..{99} */

/* An event as metrics see it: what nearly all of them ask, looked up once. Borrowed like its scope. */
struct subject {
	const struct scope *scope;
	struct json message; /* JSON_NONE when the event has none */
	bool exists;	     /* there is a message */
	bool incoming, call;
};

void subject_init(struct subject *ret, const struct scope *scope);

struct metric {
	const char *name; /* without braces */
	bool numeric;	  /* stands in JSON without quotes when its text is a JSON number */
	bool delivery;	  /* differs between the attempts or deliveries of one event */
	/* The text, valid until scratch is used again. false: missing for this event. */
	bool (*text)(const struct subject *s, struct buf *scratch, struct slice *ret);
};

/* NULL when there is no such metric. */
const struct metric *metric_find(struct slice name);
/* The metric whose name is so close that it was probably meant; NULL when none is. */
const struct metric *metric_near(struct slice name);
/* The n-th metric, NULL after the last: for documentation and lists. */
const struct metric *metric_at(size_t n);
/* {number} of the recipient's data fields, 1 to METRIC_FIELD_MAX. false: missing. */
bool metric_field(const struct subject *s, unsigned number, struct buf *scratch, struct slice *ret);

#endif
