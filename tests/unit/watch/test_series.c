/*
 * Numbers over time by a clock that the test moves: what happened between two rounds stands in the step that has ended,
 * what is too long ago is gone, and a project or an endpoint has its own and nobody else's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/failure.h"
#include "base/mem.h"
#include "dialect/event.h"
#include "watch/latency.h"
#include "watch/series.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define START  (INT64_C(1800000000) * SECOND) /* the beginning of an hour */

#define ENDPOINTS 3

struct world {
	struct series *series;
	int64_t now_ms;
	struct endpoint *endpoints[ENDPOINTS]; /* in the directory's order: by owner */
	struct endpoint_stats *stats[ENDPOINTS];
	int64_t accepted_ms; /* of what waits at the first one */
};

static struct endpoint *endpoint_make(uint64_t number, const char *owner, const char *id)
{
	struct endpoint_identity who = {
		.number = number, .revision = 1, .owner = slice_str(owner), .id = slice_str(id)
	};
	struct fault fault = NO_FAULT;
	struct endpoint *ep = NULL;
	struct json_doc doc;

	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, SLICE_LIT("{\"url\":\"http://127.0.0.1/\"}"), &json_limits_default, NULL), 0);
	if (endpoint_compile(json_root(&doc), &who, &ep, &fault))
		fail_msg("%s: %s", fault.param, fault.message);
	json_doc_free(&doc);
	return ep;
}

static int begin(void **state)
{
	struct world *w = mem_zalloc(sizeof(*w));

	w->series = series_new();
	w->now_ms = START;
	w->endpoints[0] = endpoint_make(1, "p1", "a");
	w->endpoints[1] = endpoint_make(2, "p1", "b");
	w->endpoints[2] = endpoint_make(3, "p2", "a");
	for (int i = 0; i < ENDPOINTS; i++)
		w->stats[i] = endpoint_stats_new();
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < ENDPOINTS; i++) {
		if (w->endpoints[i])
			endpoint_unref(&w->endpoints[i]);
		endpoint_stats_unref(&w->stats[i]);
	}
	series_free(&w->series);
	mem_free(w);
	return 0;
}

static void look_around(struct world *w)
{
	series_begin(w->series, w->now_ms);
	for (int i = 0; i < ENDPOINTS; i++)
		if (w->endpoints[i])
			series_look(w->series, w->endpoints[i], w->stats[i]);
	series_end(w->series);
}

/* Rounds as the watchman makes them, a little after each step. */
static void pass(struct world *w, int64_t ms)
{
	int64_t until = w->now_ms + ms;

	while (w->now_ms < until) {
		w->now_ms += SERIES_ROUND_MS;
		look_around(w);
	}
}

static void deliver(struct world *w, int i, int count, int64_t us)
{
	for (int n = 0; n < count; n++) {
		stats_count_code(w->stats[i], 200, 0);
		stats_observe(&w->stats[i]->attempt, 1000);
		stats_observe(&w->stats[i]->delivery, us);
		w->stats[i]->delivered++;
	}
}

static void refuse(struct world *w, int i, int code, int count)
{
	for (int n = 0; n < count; n++) {
		stats_count_code(w->stats[i], code, 1);
		stats_observe(&w->stats[i]->attempt, 1000);
	}
}

static void take(struct world *w, const char *project, int count)
{
	struct event *ev = event_make(SLICE_LIT("{\"type\":\"send_status\",\"id\":\"e\",\"message\":{\"id\":\"m\","
						"\"status\":\"sent\"}}"),
				      slice_str(project), w->now_ms);

	for (int i = 0; i < count; i++)
		series_accepted(w->series, &ev, 1);
	event_unref(&ev);
}

static struct series_numbers ask(struct world *w, const char *project, struct series_plot plots[2])
{
	struct series_numbers n;

	series_numbers(w->series, slice_str(project), &n, plots);
	return n;
}

static void a_step_holds_what_happened_in_it(void **state)
{
	struct world *w = *state;
	struct series_plot plots[2];
	struct series_numbers n;

	look_around(w);
	take(w, "p1", 30);
	deliver(w, 0, 20, 3000);
	w->stats[0]->pending = 10;
	w->stats[0]->oldest_memory_ms = w->now_ms;
	pass(w, 10 * SECOND);
	n = ask(w, "", plots);
	assert_int_equal(plots[0].count, 1);
	assert_int_equal(plots[0].end_s, START / 1000 + 10);
	assert_int_equal(plots[0].values[PLOT_ACCEPTED][0], 30);
	assert_int_equal(plots[0].values[PLOT_DELIVERED][0], 20);
	assert_int_equal(plots[0].values[PLOT_FAILED][0], 0);
	assert_int_equal(plots[0].values[PLOT_PENDING][0], 10);
	assert_int_equal(plots[0].values[PLOT_OLDEST][0], 10);
	assert_in_range(plots[0].values[PLOT_P50][0], 2.5 * PLOT_LATENCY_UNITS, 5 * PLOT_LATENCY_UNITS);
	assert_int_equal(plots[1].count, 0);
	assert_int_equal(n.pending, 10);
	assert_true(fabs(n.rates.accepted - 3) < 0.01 && fabs(n.rates.delivered - 2) < 0.01);

	w->stats[0]->dead += 10;
	w->stats[0]->pending = 0;
	w->stats[0]->oldest_memory_ms = 0;
	pass(w, 10 * SECOND);
	ask(w, "", plots);
	assert_int_equal(plots[0].count, 2);
	assert_int_equal(plots[0].values[PLOT_DELIVERED][1], 0);
	assert_int_equal(plots[0].values[PLOT_FAILED][1], 10);
	assert_int_equal(plots[0].values[PLOT_PENDING][1], 0);
	assert_int_equal(plots[0].values[PLOT_P50][1], 0);
}

/* A browser asks in between, shortly after a step has begun, too: nothing counts twice, nothing in the wrong step. */
static void rounds_in_between_change_nothing(void **state)
{
	struct world *w = *state;
	struct series_plot plots[2];

	look_around(w);
	for (int i = 0; i < 10; i++) {
		deliver(w, 0, 1, 1000);
		w->now_ms += SECOND;
		look_around(w);
	}
	w->now_ms += 200;
	look_around(w);
	ask(w, "", plots);
	assert_int_equal(plots[0].count, 1);
	assert_int_equal(plots[0].values[PLOT_DELIVERED][0], 10);
}

static void projects_are_apart(void **state)
{
	struct world *w = *state;
	struct series_plot plots[2];

	look_around(w);
	take(w, "p1", 4);
	take(w, "p2", 1);
	deliver(w, 0, 3, 1000);
	deliver(w, 1, 1, 1000);
	deliver(w, 2, 1, 1000);
	w->stats[2]->state = LANE_THROTTLED;
	pass(w, 10 * SECOND);
	assert_int_equal(ask(w, "p1", plots).endpoints, 2);
	assert_int_equal(plots[0].values[PLOT_ACCEPTED][0], 4);
	assert_int_equal(plots[0].values[PLOT_DELIVERED][0], 4);
	assert_int_equal(ask(w, "p2", plots).states[LANE_THROTTLED], 1);
	assert_int_equal(plots[0].values[PLOT_ACCEPTED][0], 1);
	assert_int_equal(ask(w, "", plots).endpoints, 3);
	assert_int_equal(plots[0].values[PLOT_DELIVERED][0], 5);
	assert_int_equal(ask(w, "p3", plots).endpoints, 0);
	assert_int_equal(plots[0].count, 0);
}

static void an_hour_and_a_day_are_kept(void **state)
{
	struct world *w = *state;
	struct series_plot plots[2];
	uint64_t sum = 0;

	look_around(w);
	for (int i = 0; i < 25 * 12; i++) {
		deliver(w, 0, 6, 1000);
		pass(w, 5 * MINUTE);
	}
	ask(w, "p1", plots);
	assert_int_equal(plots[0].count, 360);
	assert_int_equal(plots[1].count, 288);
	for (int i = 0; i < 360; i++)
		sum += plots[0].values[PLOT_DELIVERED][i];
	assert_int_equal(sum, 12 * 6);
	for (int i = 0; i < 288; i++)
		assert_int_equal(plots[1].values[PLOT_DELIVERED][i], 6);
	assert_int_equal(plots[1].end_s, w->now_ms / 1000);
}

static void the_last_minutes_tell_of_now(void **state)
{
	struct world *w = *state;
	struct series_recent recent;

	look_around(w);
	series_recent(w->series, 1, &recent);
	assert_true(recent.window.ok == 0 && recent.window.bad == 0 && recent.window.p99_ms < 0);
	deliver(w, 0, 90, 2000);
	deliver(w, 0, 10, 200000);
	refuse(w, 0, 503, 25);
	pass(w, MINUTE);
	series_recent(w->series, 1, &recent);
	assert_int_equal(recent.window.ok, 100);
	assert_int_equal(recent.window.bad, 25);
	assert_true(recent.window.p50_ms > 1 && recent.window.p50_ms <= 2.5);
	assert_true(recent.window.p99_ms > 100 && recent.window.p99_ms <= 250);
	assert_true(recent.per_s > 1.6 && recent.per_s < 1.7);
	pass(w, 7 * MINUTE);
	series_recent(w->series, 1, &recent);
	assert_true(recent.window.ok == 0 && recent.window.bad == 0 && recent.window.p50_ms < 0 && recent.per_s == 0);
	series_recent(w->series, 99, &recent);
	assert_true(recent.window.ok == 0 && recent.per_s == 0);
}

static void codes_over_time(void **state)
{
	struct world *w = *state;
	struct series_track hour, day;

	look_around(w);
	deliver(w, 0, 5, 1000);
	w->stats[0]->pending = 7;
	pass(w, MINUTE);
	refuse(w, 0, 503, 4);
	pass(w, 2 * MINUTE);
	series_endpoint(w->series, 1, &hour, &day);
	assert_int_equal(hour.count, 4); /* the one that runs too */
	assert_int_equal(hour.end_s, START / 1000 + 4 * 60);
	assert_int_equal(hour.values[TRACK_DELIVERED][0], 5);
	assert_int_equal(hour.values[TRACK_BAD][1], 4);
	assert_int_equal(hour.codes[0][0], 5);
	assert_int_equal(hour.codes[1][1], 4);
	assert_int_equal(hour.codes[1][0], 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(hour.values[TRACK_PENDING][i], 7);
	assert_int_equal(day.count, 1);
	assert_int_equal(day.values[TRACK_DELIVERED][0], 5);
	assert_int_equal(day.codes[1][0], 4);
}

static void what_ends_without_an_exchange_is_no_bad_exchange(void **state)
{
	struct world *w = *state;
	struct series_recent recent;

	look_around(w);
	stats_count_code(w->stats[0], -FAILURE_EXPIRED, 2);
	w->stats[0]->expired++;
	pass(w, 10 * SECOND);
	series_recent(w->series, 1, &recent);
	assert_true(recent.window.ok == 0 && recent.window.bad == 0);
}

static void the_gone_are_forgotten(void **state)
{
	struct world *w = *state;
	struct series_plot plots[2];
	struct series_recent recent;

	look_around(w);
	deliver(w, 2, 5, 1000);
	pass(w, MINUTE);
	endpoint_unref(&w->endpoints[2]);
	pass(w, MINUTE);
	series_recent(w->series, 3, &recent);
	assert_int_equal(recent.window.ok, 0);
	ask(w, "p2", plots);
	assert_true(plots[0].count > 0); /* what it did was done */
	w->now_ms += 25 * HOUR;
	look_around(w);
	ask(w, "p2", plots);
	assert_int_equal(plots[0].count, 0);
}

/* --- over a restart --- */

struct kept {
	struct buf texts[4];
	char ids[4][20];
	int count;
};

static void keep(void *ctx, struct slice id, struct slice text)
{
	struct kept *k = ctx;

	slice_copy(k->ids[k->count], sizeof(k->ids[0]), id);
	buf_init(&k->texts[k->count], 1u << 20);
	buf_add_slice(&k->texts[k->count++], text);
}

static void begin_anew(struct world *w)
{
	series_free(&w->series);
	w->series = series_new();
	for (int i = 0; i < ENDPOINTS; i++) {
		endpoint_stats_unref(&w->stats[i]);
		w->stats[i] = endpoint_stats_new();
	}
}

static void plots_outlive_a_restart(void **state)
{
	struct world *w = *state;
	struct kept kept = { .count = 0 }, nothing = { .count = 0 };
	struct series_plot plots[2];

	look_around(w);
	deliver(w, 0, 20, 3000);
	take(w, "p1", 20);
	pass(w, MINUTE);
	series_save(w->series, keep, &kept);
	assert_int_equal(kept.count, 2); /* p2 had nothing to do */
	series_save(w->series, keep, &nothing);
	assert_int_equal(nothing.count, 0);
	begin_anew(w);
	w->now_ms += MINUTE;
	for (int i = 0; i < kept.count; i++)
		assert_true(series_load(w->series, slice_str(kept.ids[i]), buf_slice(&kept.texts[i]), w->now_ms));
	look_around(w);
	deliver(w, 0, 5, 3000);
	pass(w, MINUTE);
	for (int i = 0; i < 2; i++) {
		ask(w, i ? "p1" : "", plots);
		assert_int_equal(plots[0].count, 18);
		assert_int_equal(plots[0].values[PLOT_ACCEPTED][0], 20);
		assert_int_equal(plots[0].values[PLOT_DELIVERED][0], 20);
		assert_true(plots[0].values[PLOT_P50][0] > 0);
		assert_int_equal(plots[0].values[PLOT_DELIVERED][12], 5);
	}
	ask(w, "p2", plots);
	assert_int_equal(plots[0].count, 0);
	for (int i = 0; i < kept.count; i++)
		buf_free(&kept.texts[i]);
}

static void what_cannot_be_read_is_passed_over(void **state)
{
	struct world *w = *state;
	struct kept kept = { .count = 0 };
	struct series_plot plots[2];
	struct slice text;

	look_around(w);
	deliver(w, 0, 20, 3000);
	pass(w, MINUTE);
	series_save(w->series, keep, &kept);
	text = buf_slice(&kept.texts[0]);
	begin_anew(w);
	for (size_t n = 0; n < text.n; n++)
		assert_false(series_load(w->series, SLICE_LIT(""), slice_of(text.p, n), w->now_ms));
	assert_false(series_load(w->series, SLICE_LIT(""), text, w->now_ms + 25 * HOUR));
	assert_false(series_load(w->series, SLICE_LIT(""), text, w->now_ms - 25 * HOUR)); /* the clock was set back */
	look_around(w);
	pass(w, MINUTE);
	ask(w, "", plots);
	assert_int_equal(plots[0].count, 6);
	assert_int_equal(plots[0].values[PLOT_DELIVERED][0], 0);
	for (int i = 0; i < kept.count; i++)
		buf_free(&kept.texts[i]);
}

static void quantiles_are_interpolated(void **state)
{
	uint32_t counts[STATS_BUCKETS] = { 0 };

	(void)state;
	assert_true(latency_quantile(counts, 0.5) < 0);
	counts[1] = 100; /* 1 to 2.5 ms */
	assert_true(fabs(latency_quantile(counts, 0.5) - 1.75) < 1e-9);
	counts[3] = 100; /* 5 to 10 ms */
	assert_true(fabs(latency_quantile(counts, 0.5) - 2.5) < 1e-9);
	assert_true(fabs(latency_quantile(counts, 0.75) - 7.5) < 1e-9);
	counts[STATS_BUCKETS - 1] = 1000;
	assert_true(fabs(latency_quantile(counts, 0.99) - 600000) < 1e-9);
}

static void a_ring_after_a_long_silence(void **state)
{
	static const struct ring_shape shape = { 10, 4, 2, 2 }; /* the second column lasts */
	struct ring r = { 0 };
	uint32_t *cell = ring_at(&r, &shape, 100 * SECOND);

	(void)state;
	cell[0] = 5, cell[1] = 9;
	assert_int_equal(ring_get(&r, &shape, 10, 0), 5);
	assert_int_equal(ring_get(&r, &shape, 9, 0), 0);
	assert_int_equal(ring_get(&r, &shape, 1000, 0), 0);
	assert_int_equal(ring_get(&r, &shape, 1000, 1), 9);
	cell = ring_at(&r, &shape, 1000 * SECOND);
	assert_int_equal(cell[0], 0);
	assert_int_equal(cell[1], 9);
	for (int64_t step = 97; step <= 100; step++) {
		assert_int_equal(ring_get(&r, &shape, step, 0), 0);
		assert_int_equal(ring_get(&r, &shape, step, 1), 9);
	}
	assert_ptr_equal(ring_at(&r, &shape, 500 * SECOND), cell);
	ring_free(&r);
}

/* A machine without a clock of its own begins in 1970. */
static void a_ring_at_the_beginning_of_time(void **state)
{
	static const struct ring_shape shape = { 10, 4, 1, 0 };
	struct ring r = { 0 };

	(void)state;
	*ring_at(&r, &shape, 10 * SECOND) = 5;
	assert_int_equal(ring_get(&r, &shape, 1, 0), 5);
	assert_int_equal(ring_sum(&r, &shape, -2, 1, 0), 5);
	ring_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_step_holds_what_happened_in_it, begin, end),
		cmocka_unit_test_setup_teardown(rounds_in_between_change_nothing, begin, end),
		cmocka_unit_test_setup_teardown(projects_are_apart, begin, end),
		cmocka_unit_test_setup_teardown(an_hour_and_a_day_are_kept, begin, end),
		cmocka_unit_test_setup_teardown(the_last_minutes_tell_of_now, begin, end),
		cmocka_unit_test_setup_teardown(codes_over_time, begin, end),
		cmocka_unit_test_setup_teardown(what_ends_without_an_exchange_is_no_bad_exchange, begin, end),
		cmocka_unit_test_setup_teardown(the_gone_are_forgotten, begin, end),
		cmocka_unit_test_setup_teardown(plots_outlive_a_restart, begin, end),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_is_passed_over, begin, end),
		cmocka_unit_test(quantiles_are_interpolated),
		cmocka_unit_test(a_ring_after_a_long_silence),
		cmocka_unit_test(a_ring_at_the_beginning_of_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
