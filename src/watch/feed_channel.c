/*
 * Channels and their seats. A channel may give out `rate` entries a second, saved up for a second at most; what is over
 * is counted. That, and the bound on the bytes of one round, is what the busiest day costs.
 */
#include "watch/feed_channel.h"

#include "base/mem.h"
#include "watch/feed_write.h"

#define SECOND_US   INT64_C(1000000)
#define BEAT_US	    (15 * SECOND_US)
#define LOOK_US	    SECOND_US
#define ASK_US	    (5 * SECOND_US)	 /* whether it may still listen */
#define ROUND_BYTES ((size_t)256 * 1024) /* half of what a stream may have unread */
#define TELL_BYTES  128			 /* more, for `skipped` */

struct seat {
	struct list link;
	struct feed_sink sink;
	int64_t look_us, ask_us, beat_us; /* the next of each */
};

/* --- seats --- */

static void seat_end(struct seat *s)
{
	list_del(&s->link);
	s->sink.end(s->sink.ctx);
	mem_free(s);
}

void seat_add(struct channel *c, const struct feed_sink *sink, int64_t now_us)
{
	struct seat *s = mem_zalloc(sizeof(*s));

	s->sink = *sink;
	s->look_us = now_us + LOOK_US;
	s->ask_us = now_us + ASK_US;
	s->beat_us = now_us + BEAT_US;
	list_push(&c->seats, &s->link);
}

static bool beat(const struct seat *s)
{
	struct blob *comment = blob_new(SLICE_LIT(": alive\n\n"));
	bool ok = s->sink.take(s->sink.ctx, comment);

	blob_unref(&comment);
	return ok;
}

/* True when this moment has come; the next one is set. */
static bool is_due(int64_t *at_us, int64_t every_us, int64_t now_us)
{
	bool due = now_us >= *at_us;

	if (due)
		*at_us = now_us + every_us;
	return due;
}

static bool stays(struct seat *s, int64_t now_us)
{
	if (is_due(&s->look_us, LOOK_US, now_us) && !s->sink.alive(s->sink.ctx))
		return false;
	if (is_due(&s->ask_us, ASK_US, now_us) && !s->sink.allowed(s->sink.ctx))
		return false;
	return !is_due(&s->beat_us, BEAT_US, now_us) || beat(s);
}

void seats_tend(struct channel *c, int64_t now_us)
{
	LIST_EACH (l, &c->seats) {
		struct seat *s = CONTAINER_OF(l, struct seat, link);

		if (!stays(s, now_us))
			seat_end(s);
	}
}

void seats_end(struct channel *c)
{
	LIST_EACH (l, &c->seats)
		seat_end(CONTAINER_OF(l, struct seat, link));
}

/* --- channels --- */

static struct slice own(struct slice s)
{
	return slice_of(slice_dup(s), s.n);
}

struct channel *channel_new(const struct feed_want *want, int64_t now_us)
{
	struct channel *c = mem_zalloc(sizeof(*c));

	c->want = *want;
	c->want.project = own(want->project);
	c->want.endpoint = own(want->endpoint);
	c->credit = want->rate * SECOND_US;
	c->counted_us = now_us;
	list_init(&c->seats);
	buf_init(&c->out, ROUND_BYTES + TELL_BYTES);
	return c;
}

void channel_free(struct channel **cp)
{
	struct channel *c = *cp;

	mem_free((char *)(uintptr_t)c->want.project.p);
	mem_free((char *)(uintptr_t)c->want.endpoint.p);
	buf_free(&c->out);
	mem_free(c);
	*cp = NULL;
}

bool channel_is(const struct channel *c, const struct feed_want *want)
{
	const struct feed_want *w = &c->want;

	return slice_eq(w->project, want->project) && slice_eq(w->endpoint, want->endpoint) &&
	       w->kinds == want->kinds && w->outcome == want->outcome && w->rate == want->rate;
}

void channel_begin(struct channel *c, int64_t now_us, uint64_t lost)
{
	int64_t most = c->want.rate * SECOND_US;

	c->credit += (now_us - c->counted_us) * c->want.rate;
	if (c->credit > most)
		c->credit = most;
	c->counted_us = now_us;
	c->skipped += lost;
}

void channel_skip(struct channel *c)
{
	c->skipped++;
}

bool channel_has_room(struct channel *c)
{
	if (c->credit < SECOND_US)
		channel_skip(c);
	return c->credit >= SECOND_US;
}

void channel_add(struct channel *c, struct slice entry)
{
	if (entry.n > ROUND_BYTES - c->out.n) {
		channel_skip(c);
		return;
	}
	c->credit -= SECOND_US;
	buf_add_slice(&c->out, entry);
}

static void tell_skipped(struct channel *c, int64_t now_us)
{
	if (c->skipped == 0 || now_us < c->told_us + SECOND_US)
		return;
	feed_write_skipped(&c->out, c->skipped);
	c->skipped = 0;
	c->told_us = now_us;
}

void channel_send(struct channel *c, int64_t now_us)
{
	struct blob *bytes;

	tell_skipped(c, now_us);
	if (c->out.n == 0)
		return;
	bytes = blob_new(buf_slice(&c->out));
	buf_reset(&c->out);
	LIST_EACH (l, &c->seats) {
		struct seat *s = CONTAINER_OF(l, struct seat, link);

		if (!s->sink.take(s->sink.ctx, bytes))
			seat_end(s);
	}
	blob_unref(&bytes);
}
