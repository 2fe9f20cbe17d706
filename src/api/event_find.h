/* Which events of the past a list shows: found newest first, by the cheapest way that its filters leave. */
#ifndef API_EVENT_FIND_H
#define API_EVENT_FIND_H

#include "api/log_read.h"

struct event_finding {
	struct call *call;
	struct slice project, organization;
	struct slice type_front; /* how the text of the wanted type begins; empty: any */
	struct slice number;	 /* digits; empty: any */
	struct slice state;	 /* the list shows those alone that are in it somewhere; empty: any */
	struct period period;
	struct seqs found;
	size_t limit;
	uint32_t scanned;
	int64_t last_seen; /* where the next page goes on */
	bool ended;	   /* nothing older can match */
};

/* Reads project, organization and all filters from the call. False: answered. */
bool event_finding_read(struct event_finding *f, struct call *c);
/* Finds up to f->limit events before this seq; for `state` they are candidates. 0 or an error of the store. */
int event_find(struct event_finding *f, int64_t before, bool *ret_more, struct fault *fault);
void event_finding_end(struct event_finding *f);

#endif
