/*
 * A channel: all who want to hear the same. What it carries in a round is put together once and handed to every one of
 * its seats. Private to feed*.c; the watchman's thread, or under the feed's lock.
 */
#ifndef WATCH_FEED_CHANNEL_H
#define WATCH_FEED_CHANNEL_H

#include "base/list.h"
#include "watch/feed_note.h"

struct channel {
	struct list link;
	struct feed_want want; /* its slices are the channel's own */
	struct list seats;
	struct buf out;		   /* of this round */
	uint64_t lost[FEED_KINDS]; /* what notes_lost has told already */
	int64_t credit;		   /* millionths of an entry */
	int64_t counted_us;	   /* when credit was brought up to date */
	int64_t told_us;	   /* when `skipped` was told last */
	uint64_t skipped;	   /* not told yet */
};

struct channel *channel_new(const struct feed_want *want, int64_t now_us);
/* It has no seats any more. */
void channel_free(struct channel **c);
bool channel_is(const struct channel *c, const struct feed_want *want);
/* A new round: the credit of the time that went by, and how many notes found no room. */
void channel_begin(struct channel *c, int64_t now_us, uint64_t lost);
/* Whether its rate allows one more entry; false: counted as skipped. Asked before an entry is written. */
bool channel_has_room(struct channel *c);
/* Puts an entry in; what is too large for this round is counted as skipped. */
void channel_add(struct channel *c, struct slice entry);
/* An entry that could not be written. */
void channel_skip(struct channel *c);
/* Hands out what there is, told that some were skipped at most once a second. Seats that do not take it are ended. */
void channel_send(struct channel *c, int64_t now_us);

/* --- seats --- */

/* A new listener at the end of the channel's seats. */
void seat_add(struct channel *c, const struct feed_sink *sink, int64_t now_us);
/* Looks after all of them: who has gone, or may not listen any longer, is ended; the others hear that we live. */
void seats_tend(struct channel *c, int64_t now_us);
/* Ends all. */
void seats_end(struct channel *c);

#endif
