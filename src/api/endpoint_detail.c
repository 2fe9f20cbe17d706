/*
 * One endpoint closely: its numbers over the last hour and day by code, how long things took, and what waits for when.
 */
#include <math.h>
#include <stdlib.h>

#include "api/endpoint_row.h"
#include "api/handlers.h"
#include "api/owner.h"
#include "base/failure.h"
#include "base/mem.h"

/* --- numbers --- */

static void write_codes(struct json_writer *w, const struct series_track *track, const struct endpoint_stats *stats)
{
	char word[20];

	json_key(w, "codes");
	json_begin_object(w);
	for (int i = 0; i < STATS_CODES; i++) {
		int code = atomic_load_explicit(&stats->codes[i].code, memory_order_acquire);
		bool any = false;

		for (uint32_t step = 0; step < track->count; step++)
			any |= track->codes[i][step] > 0;
		if (code == 0 || !any)
			continue;
		failure_code_text(code, word);
		member_counts(w, word, track->codes[i], track->count);
	}
	json_end_object(w);
}

static void write_track(struct json_writer *w, const char *name, const struct series_track *track,
			const struct endpoint_stats *stats)
{
	json_key(w, name);
	json_begin_object(w);
	json_member_i64(w, "step_s", track->step_s);
	json_member_i64(w, "end", track->end_s);
	member_counts(w, "delivered", track->values[TRACK_DELIVERED], track->count);
	member_counts(w, "failed", track->values[TRACK_BAD], track->count);
	member_counts(w, "pending", track->values[TRACK_PENDING], track->count);
	write_codes(w, track, stats);
	json_end_object(w);
}

static void write_histogram(struct json_writer *w, const char *name, const struct stats_histogram *h)
{
	json_key(w, name);
	json_begin_array(w);
	for (int i = 0; i < STATS_BUCKETS; i++) {
		json_begin_object(w);
		json_key(w, "le_ms");
		if (stats_bucket_us[i] == INT64_MAX)
			json_put_null(w);
		else
			json_put_double(w, (double)stats_bucket_us[i] / 1000);
		json_member_i64(w, "count", (int64_t)atomic_load_explicit(&h->counts[i], memory_order_relaxed));
		json_end_object(w);
	}
	json_end_array(w);
}

void endpoint_numbers_get(struct call *c)
{
	struct series *series = watch_series(c->api->watch);
	struct series_track *tracks = arena_alloc(&c->arena, 2 * sizeof(*tracks));
	int64_t now_ms = node_now_ms(c->node);
	struct endpoint_view v;
	struct json_writer *w;

	if (!call_endpoint(c, &v))
		return;
	series_freshen(series, c->node, now_ms);
	series_endpoint(series, v.endpoint->number, &tracks[0], &tracks[1]);
	w = answer_begin(c);
	json_begin_object(w);
	endpoint_row_write(w, &v, series, now_ms);
	json_key(w, "series");
	json_begin_object(w);
	write_track(w, "hour", &tracks[0], v.stats);
	write_track(w, "day", &tracks[1], v.stats);
	json_end_object(w);
	json_key(w, "histogram");
	json_begin_object(w);
	write_histogram(w, "attempt", &v.stats->attempt);
	write_histogram(w, "delivery", &v.stats->delivery);
	json_end_object(w);
	json_end_object(w);
	node_endpoint_view_free(&v);
	answer_json(c, 200);
}

/* --- retries --- */

#define RETRY_ROWS_MAX 20000

struct waiting {
	uint32_t attempts, events;
	int64_t due_ms;
};

struct retries {
	struct waiting *all;
	uint32_t count; /* rows that were looked at */
};

static bool add_row(void *ctx, const struct pending_row *row)
{
	struct retries *r = ctx;

	r->all[r->count++] = (struct waiting){ row->attempts, row->item_count, row->due_ms };
	return true;
}

static bool count_row(void *ctx, const struct pending_row *row)
{
	uint32_t *count = ctx;

	(void)row;
	++*count;
	return true;
}

static int by_attempts(const void *pa, const void *pb)
{
	const struct waiting *a = pa, *b = pb;

	if (a->attempts != b->attempts)
		return a->attempts < b->attempts ? -1 : 1;
	return (a->due_ms > b->due_ms) - (a->due_ms < b->due_ms);
}

/* One step for all that has the same number of attempts behind it; those stand together, the next one first. */
static void write_steps(struct json_writer *w, const struct retries *r)
{
	json_key(w, "steps");
	json_begin_array(w);
	for (uint32_t i = 0; i < r->count;) {
		const struct waiting *first = &r->all[i];
		int64_t deliveries = 0, events = 0;

		for (; i < r->count && r->all[i].attempts == first->attempts; i++) {
			deliveries++;
			events += r->all[i].events;
		}
		json_begin_object(w);
		json_member_i64(w, "attempts", first->attempts);
		json_member_i64(w, "deliveries", deliveries);
		json_member_i64(w, "events", events);
		json_member_i64(w, "next_time", first->due_ms / 1000);
		json_end_object(w);
	}
	json_end_array(w);
}

struct found {
	struct retries retries;
	uint32_t ready, held;
};

/* 0, or an enum err. */
static int find(struct call *c, uint64_t number, struct found *f, struct fault *fault)
{
	struct store *reader = node_reader_begin(c->node);
	struct pending_query ready = { number, PENDING_READY, 0, PENDING_READY, RETRY_ROWS_MAX };
	struct pending_query waiting = { number, PENDING_READY, INT64_MAX, PENDING_HELD - 1, RETRY_ROWS_MAX };
	struct pending_query held = { number, PENDING_HELD - 1, INT64_MAX, PENDING_HELD, RETRY_ROWS_MAX };
	int err = store_pending(reader, &waiting, add_row, &f->retries, fault);

	if (!err)
		err = store_pending(reader, &ready, count_row, &f->ready, fault);
	if (!err)
		err = store_pending(reader, &held, count_row, &f->held, fault);
	node_reader_end(c->node, reader);
	return err;
}

static void write_retries(struct call *c, const struct found *f)
{
	const struct retries *r = &f->retries;
	struct json_writer *w = answer_begin(c);
	int64_t next_ms = INT64_MAX;

	for (uint32_t i = 0; i < r->count; i++)
		next_ms = r->all[i].due_ms < next_ms ? r->all[i].due_ms : next_ms;
	json_begin_object(w);
	json_key(w, "next_retry_time");
	if (r->count > 0)
		json_put_i64(w, next_ms / 1000);
	else
		json_put_null(w);
	json_member_i64(w, "ready", f->ready);
	json_member_i64(w, "held", f->held);
	write_steps(w, r);
	json_member_bool(w, "truncated",
			 r->count == RETRY_ROWS_MAX || f->ready == RETRY_ROWS_MAX || f->held == RETRY_ROWS_MAX);
	json_end_object(w);
	answer_json(c, 200);
}

void endpoint_retries(struct call *c)
{
	struct found f = { 0 };
	struct fault fault = NO_FAULT;
	struct endpoint_view v;
	int err;

	if (!call_endpoint(c, &v))
		return;
	f.retries.all = mem_alloc(RETRY_ROWS_MAX * sizeof(*f.retries.all));
	err = find(c, v.endpoint->number, &f, &fault);
	node_endpoint_view_free(&v);
	if (f.retries.count > 0)
		qsort(f.retries.all, f.retries.count, sizeof(*f.retries.all), by_attempts);
	if (err)
		answer_err(c, err, &fault);
	else
		write_retries(c, &f);
	mem_free(f.retries.all);
}
