/*
 * The feed's bounds, with listeners that only count: what a channel may carry, that every note over it is told as
 * skipped and none is lost without a word, who is ended, how often, and that others do not notice. Only events are
 * given to the taps; attempts need a node and are tested with the daemon (tests/e2e/test_stream.py).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/latch.h"
#include "base/mem.h"
#include "watch/feed.h"

#define PATIENCE_US INT64_C(20000000)
#define MANY	    20000 /* more than notes find room between two rounds */

struct world {
	struct feed *feed;
	struct watchman *watchman;
	pthread_mutex_t lock; /* guards what listeners count */
	pthread_cond_t changed;
};

struct ear {
	struct world *world;
	int64_t entries, skipped;
	char last[512]; /* the last entry */
	char *request;	/* until it has begun */
	int begun, ended;
	bool deaf, gone;
};

/* --- listeners --- */

static void count(struct ear *ear, const char *bytes, size_t n)
{
	char *text = slice_dup(slice_of(bytes, n)), *rest = text, *end;

	for (; (end = strstr(rest, "\n\n")); rest = end + 2) {
		const char *skipped = "event: skipped\ndata: {\"count\":";

		*end = '\0';
		if (strncmp(rest, skipped, strlen(skipped)) == 0)
			ear->skipped += strtoll(rest + strlen(skipped), NULL, 10);
		else if (rest[0] != ':')
			ear->entries++;
		slice_copy(ear->last, sizeof(ear->last), slice_str(rest));
	}
	assert_string_equal(rest, ""); /* whole entries only */
	mem_free(text);
}

static void on_begin(void *ctx)
{
	struct ear *ear = ctx;

	ear->begun++;
	mem_free(ear->request);
	ear->request = NULL;
}

static bool on_take(void *ctx, struct blob *bytes)
{
	struct ear *ear = ctx;

	pthread_mutex_lock(&ear->world->lock);
	if (!ear->deaf)
		count(ear, bytes->bytes, bytes->n);
	pthread_cond_broadcast(&ear->world->changed);
	pthread_mutex_unlock(&ear->world->lock);
	return !ear->deaf;
}

static bool on_alive(void *ctx)
{
	struct ear *ear = ctx;
	bool gone;

	pthread_mutex_lock(&ear->world->lock);
	gone = ear->gone;
	pthread_mutex_unlock(&ear->world->lock);
	return !gone;
}

static bool on_allowed(void *ctx)
{
	(void)ctx;
	return true;
}

static void on_end(void *ctx)
{
	struct ear *ear = ctx;

	pthread_mutex_lock(&ear->world->lock);
	ear->ended++;
	pthread_cond_broadcast(&ear->world->changed);
	pthread_mutex_unlock(&ear->world->lock);
}

/* The request, in which the words of a want stand, ends where the stream begins. */
static bool listen_to(struct world *w, struct ear *ear, const char *project, unsigned rate)
{
	struct feed_want want = { .kinds = FEED_ALL, .endpoint = slice_str(""), .outcome = -1, .rate = rate };
	struct feed_sink sink = { ear, on_begin, on_take, on_alive, on_allowed, on_end };
	bool ok;

	ear->world = w;
	ear->request = mem_strdup(project);
	want.project = slice_str(ear->request);
	ok = feed_join(w->feed, &want, &sink);
	mem_free(ear->request);
	return ok;
}

/* Waits until so much was told, shown or skipped. */
static void await_told(struct ear *ear, int64_t told)
{
	int64_t until = clock_mono_us() + PATIENCE_US;

	pthread_mutex_lock(&ear->world->lock);
	while (ear->entries + ear->skipped < told)
		assert_true(cond_wait_until(&ear->world->changed, &ear->world->lock, until));
	assert_int_equal(ear->entries + ear->skipped, told);
	pthread_mutex_unlock(&ear->world->lock);
}

static void await_end(struct ear *ear)
{
	int64_t until = clock_mono_us() + PATIENCE_US;

	pthread_mutex_lock(&ear->world->lock);
	while (ear->ended == 0)
		assert_true(cond_wait_until(&ear->world->changed, &ear->world->lock, until));
	pthread_mutex_unlock(&ear->world->lock);
}

static void leave(struct ear *ear)
{
	pthread_mutex_lock(&ear->world->lock);
	ear->gone = true;
	pthread_mutex_unlock(&ear->world->lock);
}

/* --- the taps --- */

static void happen(struct world *w, const char *project, size_t times)
{
	struct event *ev = event_make(SLICE_LIT("{\"type\":\"send_status\",\"id\":\"e\",\"message\":{\"id\":\"m\","
						"\"direction\":\"outgoing\",\"status\":\"sent\"}}"),
				      slice_str(project), 1);
	struct event **all = mem_alloc(times * sizeof(struct event *));

	ev->seq = 1;
	for (size_t i = 0; i < times; i++)
		all[i] = ev;
	feed_accepted(w->feed, all, times);
	mem_free(all);
	event_unref(&ev);
}

/* --- life --- */

static int begin(void **state)
{
	struct world *w = mem_zalloc(sizeof(*w));
	struct fault fault;

	pthread_mutex_init(&w->lock, NULL);
	cond_init_monotonic(&w->changed);
	w->feed = feed_new();
	w->watchman = watchman_new();
	feed_enlist(w->feed, w->watchman);
	*state = w;
	return watchman_start(w->watchman, &fault);
}

static int end(void **state)
{
	struct world *w = *state;

	watchman_stop(w->watchman);
	watchman_free(&w->watchman);
	feed_free(&w->feed);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	mem_free(w);
	return 0;
}

/* --- */

static void test_rate(void **state)
{
	struct ear ear = { 0 };

	assert_true(listen_to(*state, &ear, "p", 200));
	assert_int_equal(ear.begun, 1);
	happen(*state, "p", 1000);
	await_told(&ear, 1000);
	assert_in_range(ear.entries, 200, 240); /* a second's worth, and what a round or two add */
	feed_close(((struct world *)*state)->feed);
}

/* Two who want the same share a channel; a third with another rate has its own; a fourth hears another project. */
static void test_projects_and_channels(void **state)
{
	struct ear ears[4] = { 0 };

	assert_true(listen_to(*state, &ears[0], "p", 5000));
	assert_true(listen_to(*state, &ears[1], "p", 5000));
	assert_true(listen_to(*state, &ears[2], "", 10));
	assert_true(listen_to(*state, &ears[3], "q", 5000));
	happen(*state, "p", 100);
	happen(*state, "r", 100);
	happen(*state, "q", 1);
	await_told(&ears[0], 100);
	await_told(&ears[1], 100);
	await_told(&ears[2], 201);
	await_told(&ears[3], 1);
	assert_int_equal(ears[0].skipped, 0);
	assert_in_range(ears[2].skipped, 180, 191);
	assert_non_null(
		strstr(ears[3].last,
		       "{\"project\":\"q\",\"id\":\"e\",\"type\":\"send_status\",\"message_id\":\"m\",\"seq\":1,"));
	feed_close(((struct world *)*state)->feed);
}

/* More than there is room for between two rounds: the rest is counted, for the project that it is of. */
static void test_no_room(void **state)
{
	struct ear p = { 0 }, q = { 0 };

	assert_true(listen_to(*state, &p, "p", 1));
	assert_true(listen_to(*state, &q, "q", 1));
	happen(*state, "p", MANY);
	happen(*state, "q", 2);
	await_told(&p, MANY);
	await_told(&q, 2);
	feed_close(((struct world *)*state)->feed);
}

static void test_who_does_not_take_is_ended(void **state)
{
	struct ear deaf = { .deaf = true }, gone = { .gone = true }, good = { 0 };

	assert_true(listen_to(*state, &deaf, "p", 5000));
	assert_true(listen_to(*state, &gone, "p", 5000));
	assert_true(listen_to(*state, &good, "p", 5000));
	happen(*state, "p", 10);
	await_end(&deaf);
	await_told(&good, 10);
	await_end(&gone);
	happen(*state, "p", 10);
	await_told(&good, 20);
	feed_close(((struct world *)*state)->feed);
	assert_int_equal(deaf.ended + gone.ended + good.ended, 3);
	assert_int_equal(gone.entries, 10);
}

/* What happened while nobody listened is for nobody. */
static void test_nothing_old(void **state)
{
	struct ear first = { 0 }, second = { 0 };

	happen(*state, "p", 5);
	assert_true(listen_to(*state, &first, "p", 5000));
	happen(*state, "p", 3);
	await_told(&first, 3);
	leave(&first);
	await_end(&first);
	happen(*state, "p", 5);
	assert_true(listen_to(*state, &second, "p", 5000));
	happen(*state, "p", 2);
	await_told(&second, 2);
	assert_int_equal(first.entries, 3);
	feed_close(((struct world *)*state)->feed);
}

static void test_seats(void **state)
{
	struct ear *ears = mem_zalloc((FEED_SEATS_MAX + 1) * sizeof(*ears));

	for (int i = 0; i < FEED_SEATS_MAX; i++) {
		bool of_one = i < FEED_SEATS_OF_ONE;

		assert_true(listen_to(*state, &ears[i], of_one ? "p" : "", 5000));
		if (i == FEED_SEATS_OF_ONE - 1) /* one project takes some of the seats, and no more */
			assert_false(listen_to(*state, &ears[FEED_SEATS_MAX], "p", 5000));
	}
	assert_false(listen_to(*state, &ears[FEED_SEATS_MAX], "", 5000));
	happen(*state, "p", 1);
	for (int i = 0; i < FEED_SEATS_MAX; i++)
		await_told(&ears[i], 1);
	feed_close(((struct world *)*state)->feed);
	for (int i = 0; i < FEED_SEATS_MAX; i++)
		assert_int_equal(ears[i].ended, 1);
	assert_false(listen_to(*state, &ears[FEED_SEATS_MAX], "p", 5000));
	assert_int_equal(ears[FEED_SEATS_MAX].begun + ears[FEED_SEATS_MAX].ended, 0);
	mem_free(ears);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rate, begin, end),
		cmocka_unit_test_setup_teardown(test_projects_and_channels, begin, end),
		cmocka_unit_test_setup_teardown(test_no_room, begin, end),
		cmocka_unit_test_setup_teardown(test_who_does_not_take_is_ended, begin, end),
		cmocka_unit_test_setup_teardown(test_nothing_old, begin, end),
		cmocka_unit_test_setup_teardown(test_seats, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
