/*
 * The counters only grow while the daemon runs and an endpoint's number is never used again, so a look is a
 * subtraction. They are read one by one while the endpoint's loop goes on: what one look misses, the next one finds.
 */
#include "watch/track.h"

#include "base/failure.h"
#include "base/mem.h"
#include "watch/latency.h"

const struct ring_shape window_shape = { 60, WINDOW_MINUTES + 1, STATS_BUCKETS + 2, 0 };
const struct ring_shape track_hour = { 60, 60, TRACK_COLUMNS, 1u << TRACK_PENDING };
const struct ring_shape track_day = { 900, 96, TRACK_COLUMNS, 1u << TRACK_PENDING };
const struct ring_shape code_hour = { 60, 60, 1, 0 };
const struct ring_shape code_day = { 900, 96, 1, 0 };

void window_add(struct ring *recent, int64_t time_ms, const struct delta *d)
{
	uint32_t *cell = ring_at(recent, &window_shape, time_ms);

	for (int i = 0; i < STATS_BUCKETS; i++)
		cell[i] += d->delivery[i];
	cell[WINDOW_OK] += (uint32_t)d->ok;
	cell[WINDOW_BAD] += (uint32_t)d->bad;
}

void window_read(const struct ring *recent, int64_t now_ms, struct window *ret)
{
	int64_t last = ring_step(&window_shape, now_ms), first = last - WINDOW_MINUTES;
	uint32_t delivery[STATS_BUCKETS];

	for (uint32_t i = 0; i < STATS_BUCKETS; i++)
		delivery[i] = (uint32_t)ring_sum(recent, &window_shape, first, last, i);
	*ret = (struct window){ .ok = ring_sum(recent, &window_shape, first, last, WINDOW_OK),
				.bad = ring_sum(recent, &window_shape, first, last, WINDOW_BAD),
				.p50_ms = latency_quantile(delivery, 0.5),
				.p99_ms = latency_quantile(delivery, 0.99) };
}

/* --- life --- */

struct track *track_new(uint64_t number)
{
	struct track *t = mem_zalloc(sizeof(*t));

	t->number = number;
	return t;
}

void track_free(struct track *t)
{
	struct track_work *w = t->work;

	if (w) {
		ring_free(&w->recent);
		ring_free(&w->hour);
		ring_free(&w->day);
		for (int i = 0; i < STATS_CODES; i++) {
			ring_free(&w->codes[i].hour);
			ring_free(&w->codes[i].day);
		}
		mem_free(w);
	}
	mem_free(t);
}

/* --- looking --- */

static uint64_t read_u64(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static uint32_t read_pending(const struct endpoint_stats *stats)
{
	int64_t n = atomic_load_explicit(&stats->pending, memory_order_relaxed);

	return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* Ends without an exchange have codes too, and are neither good nor bad exchanges. */
static bool is_exchange(int code)
{
	return code > -FAILURE_EXPIRED;
}

/* The codes' counters into their rings, and the exchanges into *d. */
static void look_at_codes(struct track_work *w, const struct endpoint_stats *stats, int64_t time_ms, struct delta *d)
{
	for (int i = 0; i < STATS_CODES; i++) {
		struct track_codes *c = &w->codes[i];
		const _Atomic uint64_t *counts = stats->codes[i].counts;
		int code = atomic_load_explicit(&stats->codes[i].code, memory_order_relaxed);
		uint32_t ok = (uint32_t)read_u64(&counts[0]),
			 bad = (uint32_t)(read_u64(&counts[1]) + read_u64(&counts[2]));
		uint32_t grown = ok - c->ok + bad - c->bad;

		if (code == 0 || grown == 0)
			continue;
		if (is_exchange(code)) {
			d->ok += ok - c->ok;
			d->bad += bad - c->bad;
		}
		*ring_at(&c->hour, &code_hour, time_ms) += grown;
		*ring_at(&c->day, &code_day, time_ms) += grown;
		c->ok = ok;
		c->bad = bad;
	}
}

static void look_at_delivery(struct track_work *w, const struct endpoint_stats *stats, struct delta *d)
{
	for (int i = 0; i < STATS_BUCKETS; i++) {
		uint32_t now = (uint32_t)read_u64(&stats->delivery.counts[i]);

		d->delivery[i] = now - w->delivery[i];
		w->delivery[i] = now;
	}
}

static void keep(struct track_work *w, const struct delta *d, int64_t time_ms)
{
	const struct ring_shape *shapes[] = { &track_hour, &track_day };
	struct ring *rings[] = { &w->hour, &w->day };

	for (int i = 0; i < 2; i++) {
		uint32_t *cell = ring_at(rings[i], shapes[i], time_ms);

		cell[TRACK_DELIVERED] += (uint32_t)d->delivered;
		cell[TRACK_BAD] += (uint32_t)d->bad;
		cell[TRACK_PENDING] = w->pending;
	}
	window_add(&w->recent, time_ms, d);
}

bool track_look(struct track *t, const struct endpoint_stats *stats, int64_t time_ms, struct delta *ret)
{
	uint64_t delivered = read_u64(&stats->delivered), exchanges = read_u64(&stats->attempt.count);
	uint64_t failed = read_u64(&stats->dead) + read_u64(&stats->expired);
	uint32_t pending = read_pending(stats);
	struct track_work *w = t->work;

	if (!w && !delivered && !exchanges && !failed && !pending)
		return false;
	if (!w)
		w = t->work = mem_zalloc(sizeof(*w));
	else if (delivered == w->delivered && exchanges == w->exchanges && failed == w->failed && pending == w->pending)
		return false;
	*ret = (struct delta){ .delivered = delivered - w->delivered, .failed = failed - w->failed };
	look_at_delivery(w, stats, ret);
	look_at_codes(w, stats, time_ms, ret);
	w->delivered = delivered;
	w->failed = failed;
	w->exchanges = exchanges;
	w->pending = pending;
	keep(w, ret, time_ms);
	return true;
}
