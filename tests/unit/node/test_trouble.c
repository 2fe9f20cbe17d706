/*
 * A store that is full for a while, and one that breaks: what is refused, what
 * is kept, what is told. The store's commit is led through a switch here.
 */
#include "town.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/latch.h"
#include "store/store_impl.h"

/* The real store with another commit: its table of functions is replaced by a copy that begins here. */
struct faulty {
	struct store_ops ops;
	int (*commit)(struct store *s, struct tx *const *txs, size_t n, struct fault *fault);
	_Atomic int error; /* what commits answer, 0: they work */
};

static int faulty_commit(struct store *s, struct tx *const *txs, size_t n, struct fault *fault)
{
	struct faulty *f = (struct faulty *)(uintptr_t)s->ops;
	int err = atomic_load(&f->error);

	if (err) {
		fault_set(fault, "store", "", "%s, says the test", err_text(err));
		return err;
	}
	return f->commit(s, txs, n, fault);
}

/* A town on a store that can be made faulty, with an endpoint that fails so that results have to be written. */
static void faulty_open(struct town *t, struct faulty *f)
{
	struct store_options options = STORE_OPTIONS_DEFAULT;
	struct store *s = store_memory_new(&options);

	town_open(t, 1);
	town_stop(t);
	f->ops = *s->ops;
	f->commit = s->ops->commit;
	f->ops.commit = faulty_commit;
	atomic_store(&f->error, 0);
	s->ops = &f->ops;
	t->options.store = s;
	town_start(t);
}

static void put_endpoint(struct town *t)
{
	struct fault fault = { 0 };
	struct json_doc doc;

	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, SLICE_LIT("{}"), &json_limits_default, NULL), 0);
	assert_int_equal(node_project_put(t->node, SLICE_LIT("p"), json_root(&doc), false, NULL, &fault), 0);
	json_doc_free(&doc);
	town_endpoint(t, "a", "/a", ",\"retry\":{\"delays_s\":[0.05]}");
}

static void test_full_disk(void **state)
{
	struct fault fault = { 0 };
	struct faulty faulty;
	const char *reason;
	struct town t;

	(void)state;
	faulty_open(&t, &faulty);
	put_endpoint(&t);
	sink_answer(t.sink, "/a", SINK_HOLD);
	assert_int_equal(town_status(&t, "p", "1"), 0);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "e-1") == 1);
	assert_true(node_ready(t.node, &reason));

	atomic_store(&faulty.error, ERR_FULL);
	assert_int_equal(town_status(&t, "p", "2"), ERR_FULL);
	assert_false(node_ready(t.node, &reason));
	assert_non_null(reason);
	/* Settings are refused at once instead of holding up who asks. */
	assert_int_equal(town_change(&t, PROJECT("p"), "a", "{\"timeout_ms\":9000}", ENDPOINT_MERGE, &fault), ERR_FULL);
	assert_int_equal(town_status(&t, "p", "3"), ERR_FULL);

	/* Room again: it notices by itself. */
	atomic_store(&faulty.error, 0);
	TOWN_WAIT(&t, node_ready(t.node, &reason));
	assert_null(reason);
	sink_answer(t.sink, "/a", 200);
	assert_int_equal(town_change(&t, PROJECT("p"), "a", "{\"timeout_ms\":9000}", ENDPOINT_MERGE, &fault), 0);
	assert_int_equal(town_status(&t, "p", "2"), 0);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "e-2") >= 1);
	assert_int_equal(sink_count(t.sink, "/a", "e-3"), 0);
	t.options.stop_ms = 200;
	town_close(&t);
}

/* What is delivered while the disk is full is recorded once there is room, in its order. */
static void test_results_wait_for_room(void **state)
{
	struct endpoint_view v;
	struct faulty faulty;
	struct town t;

	(void)state;
	faulty_open(&t, &faulty);
	put_endpoint(&t);
	sink_answer(t.sink, "/a", 500);
	assert_int_equal(town_status(&t, "p", "1"), 0);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "e-1") >= 2);
	atomic_store(&faulty.error, ERR_FULL);
	TOWN_WAIT(&t, !node_ready(t.node, NULL));
	atomic_store(&faulty.error, 0);
	sink_answer(t.sink, "/a", 200);
	TOWN_WAIT(&t, node_ready(t.node, NULL));
	v = town_view(&t, "a");
	TOWN_WAIT(&t, atomic_load(&v.stats->delivered) == 1 && atomic_load(&v.stats->pending) == 0);
	node_endpoint_view_free(&v);
	town_close(&t);
}

static void test_broken_store(void **state)
{
	struct fault fault = { 0 };
	struct faulty faulty;
	struct pollfd broken;
	struct town t;

	(void)state;
	faulty_open(&t, &faulty);
	put_endpoint(&t);
	broken = (struct pollfd){ .fd = node_broken_fd(t.node), .events = POLLIN };
	assert_int_equal(poll(&broken, 1, 0), 0);
	atomic_store(&faulty.error, ERR_IO);
	assert_int_equal(town_status(&t, "p", "1"), ERR_IO);
	assert_int_equal(poll(&broken, 1, 10000), 1);
	assert_false(node_ready(t.node, NULL));
	/* It stays broken, whatever the store would say now. */
	atomic_store(&faulty.error, 0);
	assert_int_equal(town_status(&t, "p", "2"), ERR_IO);
	assert_int_equal(town_change(&t, PROJECT("p"), "a", "{\"timeout_ms\":9000}", ENDPOINT_MERGE, &fault), ERR_IO);
	assert_int_equal(sink_count(t.sink, "/a", ""), 0);
	town_close(&t);
}

/* The result of a delivery cannot be written any more: the end must come all the same, and leave nothing behind. */
static void test_broken_with_results(void **state)
{
	struct faulty faulty;
	struct town t;

	(void)state;
	faulty_open(&t, &faulty);
	put_endpoint(&t);
	sink_answer(t.sink, "/a", 500);
	assert_int_equal(town_status(&t, "p", "1"), 0);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "e-1") >= 1);
	atomic_store(&faulty.error, ERR_IO);
	TOWN_WAIT(&t, !node_ready(t.node, NULL));
	town_close(&t);
}

struct outcome {
	struct latch latch;
	int err;
};

static void many_done(void *ctx, int err, const int64_t *seqs, const bool *duplicates)
{
	struct outcome *o = ctx;

	(void)seqs;
	(void)duplicates;
	o->err = err;
	latch_set(&o->latch);
}

/* A group of events as one submission, so that a queue is there at once. */
static void post_many(struct town *t, unsigned count)
{
	struct event *events[2000];
	struct submission s = { events, count, many_done, NULL };
	struct outcome o = { 0 };
	struct fault fault = { 0 };
	struct json_doc doc;
	char text[128];

	json_doc_init(&doc);
	for (unsigned i = 0; i < count; i++) {
		snprintf(text, sizeof(text),
			 "{\"type\":\"send_status\",\"id\":\"n-%u\",\"message\":{\"id\":\"n-%u\",\"status\":"
			 "\"delivered\"}}",
			 i, i);
		assert_int_equal(json_parse(&doc, slice_str(text), &json_limits_default, &fault), 0);
		assert_int_equal(event_parse(json_root(&doc), SLICE_LIT("p"), node_now_ms(t->node), &events[i], &fault),
				 0);
	}
	json_doc_free(&doc);
	latch_init(&o.latch);
	s.ctx = &o;
	node_submit(t->node, &s);
	latch_wait(&o.latch);
	latch_free(&o.latch);
	assert_int_equal(o.err, 0);
}

/*
 * A lane with a long queue goes on sending when the store has broken, so the stop
 * finds its loop at work. The store thread used to be gone before the loop was
 * told: the next answer's result was handed to a committer that had been freed.
 */
static void test_stop_while_sending(void **state)
{
	struct faulty faulty;
	struct town t;

	(void)state;
	faulty_open(&t, &faulty);
	put_endpoint(&t);
	post_many(&t, 2000);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "") >= 20);
	atomic_store(&faulty.error, ERR_IO);
	TOWN_WAIT(&t, !node_ready(t.node, NULL));
	town_close(&t);
}

/*
 * The patience is over while a lane has more to send: what it has
 * is parked, so that the next start need not find it in the log.
 */
static void test_cut_off_parks(void **state)
{
	struct node_numbers numbers;
	struct town t;

	(void)state;
	town_open(&t, 1);
	town_stop(&t);
	t.options.stop_ms = 100;
	town_start(&t);
	town_endpoint(&t, "a", "/a", ",\"timeout_ms\":60000");
	sink_answer(t.sink, "/a", SINK_HOLD);
	post_many(&t, 50);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "") >= 4);
	town_stop(&t);
	sink_answer(t.sink, "/a", 200);
	t.options.limits.memory_age_ms = 60000;
	town_start(&t);
	node_numbers(t.node, &numbers);
	assert_true(numbers.floor >= 50);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "n-49") >= 1);
	town_close(&t);
}

/*
 * The receiver says 410 while the disk is full: the endpoint is
 * disabled as soon as there is room, and not forgotten in between.
 */
static void test_disabled_after_full_disk(void **state)
{
	struct endpoint_view v;
	struct faulty faulty;
	bool active = true;
	struct town t;

	(void)state;
	faulty_open(&t, &faulty);
	put_endpoint(&t);
	town_endpoint(&t, "gone", "/gone", ",\"rate_per_s\":1");
	sink_answer(t.sink, "/a", 500);
	post_many(&t, 2);
	TOWN_WAIT(&t, sink_count(t.sink, "/gone", "") == 1);
	sink_answer(t.sink, "/gone", 410);
	atomic_store(&faulty.error, ERR_FULL);
	v = town_view(&t, "gone");
	TOWN_WAIT(&t, atomic_load(&v.stats->state) == LANE_DISABLED);
	node_endpoint_view_free(&v);
	atomic_store(&faulty.error, 0);
	for (int64_t end = clock_mono_us() + 20000000; active && clock_mono_us() < end; sink_breathe(t.sink)) {
		v = town_view(&t, "gone");
		active = v.endpoint->active;
		node_endpoint_view_free(&v);
	}
	assert_false(active);
	town_close(&t);
}

/*
 * Nobody ever accepts here. With a queue of 0 and that filled, a connection neither succeeds nor fails; with a longer
 * one it stands, and nothing is said on it.
 */
static int deaf_listener(int queue, int fillers[4], uint16_t *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, queue), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	for (int i = 0; i < 4 && fillers; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		connect(fillers[i], (struct sockaddr *)&at, sizeof(at));
	}
	*ret_port = ntohs(at.sin_port);
	return fd;
}

/*
 * libcurl closes a socket that never got its connection without a word to its owner: the
 * loop went on to watch a number that was no file any more, and libuv ended the process.
 * Here such connections end by their deadline, and others are cut off by the stop.
 */
static void put_deaf(struct town *t, const char *id, const char *scheme, uint16_t port, int timeout_ms)
{
	struct fault fault = { 0 };
	char text[128];

	snprintf(text, sizeof(text), "{\"url\":\"%s://127.0.0.1:%u/\",\"timeout_ms\":%d}", scheme, port, timeout_ms);
	assert_int_equal(town_change(t, PROJECT("p"), id, text, ENDPOINT_REPLACE, &fault), 0);
}

static void wait_for_timeout(struct town *t, const char *id)
{
	struct endpoint_view v = town_view(t, id);

	TOWN_WAIT(t, atomic_load(&v.stats->last_code) == -FAILURE_TIMEOUT);
	node_endpoint_view_free(&v);
}

static void test_connections_that_hang(void **state)
{
	int fillers[4], full, silent;
	uint16_t port;
	struct town t;

	(void)state;
	town_open(&t, 1);
	town_stop(&t);
	t.options.stop_ms = 100;
	town_start(&t);
	full = deaf_listener(0, fillers, &port);
	put_deaf(&t, "short", "http", port, 1000);
	put_deaf(&t, "long", "http", port, 60000);
	silent = deaf_listener(100, NULL, &port);
	put_deaf(&t, "short-tls", "https", port, 1000);
	put_deaf(&t, "long-tls", "https", port, 60000);
	town_endpoint(&t, "good", "/good", "");
	post_many(&t, 20);
	wait_for_timeout(&t, "short");
	wait_for_timeout(&t, "short-tls");
	TOWN_WAIT(&t, sink_count(t.sink, "/good", "") == 20);
	town_close(&t);
	for (int i = 0; i < 4; i++)
		close(fillers[i]);
	close(full);
	close(silent);
}

static void test_stop_with_full_disk(void **state)
{
	struct faulty faulty;
	struct town t;

	(void)state;
	faulty_open(&t, &faulty);
	put_endpoint(&t);
	sink_answer(t.sink, "/a", 500);
	assert_int_equal(town_status(&t, "p", "1"), 0);
	TOWN_WAIT(&t, sink_count(t.sink, "/a", "e-1") >= 1);
	atomic_store(&faulty.error, ERR_FULL);
	TOWN_WAIT(&t, !node_ready(t.node, NULL));
	town_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_results_wait_for_room),
		cmocka_unit_test(test_broken_store),
		cmocka_unit_test(test_broken_with_results),
		cmocka_unit_test(test_stop_with_full_disk),
		cmocka_unit_test(test_stop_while_sending),
		cmocka_unit_test(test_cut_off_parks),
		cmocka_unit_test(test_connections_that_hang),
		cmocka_unit_test(test_disabled_after_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
