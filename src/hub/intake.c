/* Events that callers post, on their way through the hub (message.h). */
#include "hub/message.h"

bool intake_wants(struct hub *h, struct slice project, const struct event *ev)
{
	(void)h;
	(void)project;
	return ev->type == EVENT_INCOMING_MESSAGE;
}

void intake_events(struct deed *d, struct event *const *events, size_t count, int64_t *seqs, bool *duplicates)
{
	for (size_t i = 0; i < count; i++) {
		seqs[i] = book_event(d->book, events[i]);
		duplicates[i] = seqs[i] == 0;
	}
}
