/* Entries of the live stream as server-sent events. Private to feed*.c. */
#ifndef WATCH_FEED_WRITE_H
#define WATCH_FEED_WRITE_H

#include "watch/feed_names.h"
#include "watch/feed_note.h"

void feed_write_accepted(struct buf *out, const struct note *n);
void feed_write_state(struct buf *out, const struct note *n);
/*
 * names: of its items, in order. project: only items of this one are shown; empty: all. ep may be NULL: not known any
 * more.
 */
void feed_write_attempt(struct buf *out, const struct note *n, const struct endpoint *ep, const struct name *names,
			struct slice project);
void feed_write_skipped(struct buf *out, uint64_t count);

#endif
