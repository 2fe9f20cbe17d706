/*
 * An endpoint belongs to two crowds at most, the node and its project, so a
 * round over all endpoints is one pass that adds each of them up twice.
 */
#include "watch/crowd.h"

#include "base/mem.h"
#include "watch/latency.h"

#define PLOTS_VERSION 1
#define LASTING	      (1u << PLOT_PENDING | 1u << PLOT_OLDEST)

const struct ring_shape plot_hour = { 10, 360, PLOT_COLUMNS, LASTING };
const struct ring_shape plot_day = { 300, 288, PLOT_COLUMNS, LASTING };
static const struct ring_shape shape_now = { 10, 3, 3, 0 };

struct crowd *crowd_new(const char *id)
{
	struct crowd *cr = mem_zalloc(sizeof(*cr));

	cr->id = mem_strdup(id);
	return cr;
}

void plots_write(const struct plots *p, int64_t since_ms, struct buf *out)
{
	buf_add_varint(out, PLOTS_VERSION);
	buf_add_varint(out, (uint64_t)(p->since_ms ? p->since_ms : since_ms));
	ring_write(&p->hour.ring, &plot_hour, out);
	ring_write(&p->day.ring, &plot_day, out);
}

struct plots *plots_read(struct slice text)
{
	struct plots *p = mem_zalloc(sizeof(*p));
	uint64_t version, since_ms;

	if (varint_read(&text, &version) && version == PLOTS_VERSION && varint_read(&text, &since_ms) &&
	    since_ms < INT64_MAX && ring_read(&p->hour.ring, &plot_hour, &text) &&
	    ring_read(&p->day.ring, &plot_day, &text) && text.n == 0) {
		p->since_ms = (int64_t)since_ms;
		return p;
	}
	plots_free(&p);
	return NULL;
}

void plots_free(struct plots **pp)
{
	struct plots *p = *pp;

	if (!p)
		return;
	ring_free(&p->hour.ring);
	ring_free(&p->day.ring);
	mem_free(p);
	*pp = NULL;
}

void crowd_free(struct crowd *cr)
{
	ring_free(&cr->now);
	ring_free(&cr->recent);
	plots_free(&cr->plots);
	mem_free(cr->id);
	mem_free(cr);
}

/* --- a round --- */

void crowd_begin(struct crowd *cr)
{
	cr->pending = cr->waiting = cr->in_flight = cr->oldest_ms = 0;
	cr->endpoints = 0;
	memset(cr->states, 0, sizeof(cr->states));
	cr->accepted = 0;
	cr->delta = (struct delta){ 0 };
}

static int64_t read_i64(const _Atomic int64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a && (!b || a < b) ? a : b;
}

enum lane_state endpoint_state(const struct endpoint *ep, const struct endpoint_stats *stats)
{
	if (!ep->active)
		return LANE_DISABLED;
	return (enum lane_state)atomic_load_explicit(&stats->state, memory_order_relaxed);
}

int64_t endpoint_oldest_ms(const struct endpoint_stats *stats)
{
	return earlier(read_i64(&stats->oldest_memory_ms), read_i64(&stats->oldest_stored_ms));
}

void crowd_count(struct crowd *cr, const struct endpoint *ep, const struct endpoint_stats *stats)
{
	cr->pending += read_i64(&stats->pending);
	cr->waiting += read_i64(&stats->waiting);
	cr->in_flight += read_i64(&stats->in_flight);
	cr->oldest_ms = earlier(cr->oldest_ms, endpoint_oldest_ms(stats));
	if (ep->internal)
		return;
	cr->endpoints++;
	cr->states[endpoint_state(ep, stats)]++;
}

void crowd_happened(struct crowd *cr, const struct delta *d)
{
	cr->delta.delivered += d->delivered;
	cr->delta.failed += d->failed;
	cr->delta.ok += d->ok;
	cr->delta.bad += d->bad;
	for (int i = 0; i < STATS_BUCKETS; i++)
		cr->delta.delivery[i] += d->delivery[i];
}

bool crowd_is_busy(const struct crowd *cr)
{
	const struct delta *d = &cr->delta;

	return cr->accepted || d->delivered || d->failed || d->ok || d->bad || cr->pending > 0;
}

static uint32_t latency(const uint32_t counts[STATS_BUCKETS], double q)
{
	double ms = latency_quantile(counts, q);

	if (ms < 0)
		return 0;
	return ms * PLOT_LATENCY_UNITS < 1 ? 1 : (uint32_t)(ms * PLOT_LATENCY_UNITS);
}

static void plot_add(struct plot *p, const struct ring_shape *shape, const struct crowd *cr, int64_t time_ms,
		     int64_t now_ms)
{
	uint32_t *cell = ring_at(&p->ring, shape, time_ms);

	if (p->step != p->ring.at) {
		p->step = p->ring.at;
		memset(p->delivery, 0, sizeof(p->delivery));
	}
	for (int i = 0; i < STATS_BUCKETS; i++)
		p->delivery[i] += cr->delta.delivery[i];
	cell[PLOT_ACCEPTED] += (uint32_t)cr->accepted;
	cell[PLOT_DELIVERED] += (uint32_t)cr->delta.delivered;
	cell[PLOT_FAILED] += (uint32_t)cr->delta.failed;
	cell[PLOT_PENDING] = cr->pending < 0 ? 0 : (uint32_t)cr->pending;
	cell[PLOT_OLDEST] = cr->oldest_ms && cr->oldest_ms < now_ms ? (uint32_t)((now_ms - cr->oldest_ms) / 1000) : 0;
	cell[PLOT_P50] = latency(p->delivery, 0.5);
	cell[PLOT_P99] = latency(p->delivery, 0.99);
}

void crowd_end(struct crowd *cr, int64_t time_ms, int64_t now_ms)
{
	if (crowd_is_busy(cr)) {
		uint32_t *cell = ring_at(&cr->now, &shape_now, time_ms);

		cr->heard_ms = now_ms;
		cell[0] += (uint32_t)cr->accepted;
		cell[1] += (uint32_t)cr->delta.delivered;
		cell[2] += (uint32_t)cr->delta.failed;
		window_add(&cr->recent, time_ms, &cr->delta);
	}
	if (cr->plots) {
		cr->plots->unsaved |= crowd_is_busy(cr);
		plot_add(&cr->plots->hour, &plot_hour, cr, time_ms, now_ms);
		plot_add(&cr->plots->day, &plot_day, cr, time_ms, now_ms);
	}
}

void crowd_rates(const struct crowd *cr, int64_t since_ms, int64_t now_ms, struct rates *ret)
{
	int64_t last = ring_step(&shape_now, now_ms), begin_ms = (last - 1) * shape_now.step_s * 1000;
	double seconds, sums[3];

	if (begin_ms < since_ms)
		begin_ms = since_ms;
	seconds = now_ms - begin_ms < 1000 ? 1 : (double)(now_ms - begin_ms) / 1000;
	for (uint32_t i = 0; i < 3; i++)
		sums[i] = (double)ring_sum(&cr->now, &shape_now, last - 1, last, i) / seconds;
	*ret = (struct rates){ sums[0], sums[1], sums[2] };
}
