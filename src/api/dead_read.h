/* Dead letters of several endpoints, newest first. */
#ifndef API_DEAD_READ_H
#define API_DEAD_READ_H

#include "api/call.h"

struct dead_letter {
	uint64_t endpoint;
	int64_t event_seq, attempt_seq, time_ms;
};

struct dead_letters {
	struct dead_letter *all; /* by event_seq, the newest first */
	size_t count, cap;
};

/* The numbers of the endpoints that get events of a project; mem_free *ret. */
size_t dead_endpoints(struct call *c, struct slice project, struct slice organization, uint64_t **ret);
/*
 * Those with event_seq < before, at least `least` of them when there are so many; of an event either all or
 * none. *ret_more: there are older ones. 0 or an error of the store; dead_letters_free in any case.
 */
int dead_newest(struct store *reader, const uint64_t *endpoints, size_t count, int64_t before, size_t least,
		struct dead_letters *ret, bool *ret_more, struct fault *fault);
void dead_letters_free(struct dead_letters *l);

#endif
