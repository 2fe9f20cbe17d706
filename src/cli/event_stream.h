/* Server-sent events (the HTML standard's text/event-stream), read from bytes as they come. */
#ifndef CLI_EVENT_STREAM_H
#define CLI_EVENT_STREAM_H

#include "base/buf.h"

/* One event; id and kind are empty when there was none. Returns 0 to go on; anything else ends the reading. */
typedef int event_stream_fn(void *ctx, struct slice kind, struct slice data);

struct event_stream {
	event_stream_fn *fn;
	void *ctx;
	struct buf line, kind, data; /* of what has not come to its end */
};

void event_stream_init(struct event_stream *s, event_stream_fn *fn, void *ctx);
void event_stream_free(struct event_stream *s);
/* The next bytes, cut anywhere. What fn said when it was not 0; ERR_INVALID for an event that is too large. */
int event_stream_add(struct event_stream *s, struct slice bytes);

#endif
