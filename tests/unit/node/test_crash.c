/*
 * What was answered as accepted is delivered although the process was killed. A child runs the node and posts one event
 * after the other, telling each acknowledged number through a pipe; it is killed with no warning while answers are
 * outstanding, and a second node on the same folder must deliver every number that was told.
 */
#include "town.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/book.h"

#define ROUNDS 5

static void child_submits(const char *dir, int told_fd, int first)
{
	struct town t = { 0 };
	char id[16];

	town_found(&t, dir, 2);
	for (int i = first;; i++) {
		snprintf(id, sizeof(id), "%06d", i);
		if (town_status(&t, "p", id) == 0 && write(told_fd, &i, sizeof(i)) != (ssize_t)sizeof(i))
			_exit(3);
	}
}

typedef void child_fn(const char *dir, int told_fd, int first);

/* Runs a child until it has told `enough` numbers, and kills it. Returns the last number that was told. */
static int run_and_kill(child_fn *child, const char *dir, int first, int enough)
{
	int told[2], last = first - 1, n = 0, status;
	pid_t pid;

	assert_int_equal(pipe(told), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(told[0]);
		child(dir, told[1], first);
	}
	close(told[1]);
	while (n < enough && read(told[0], &last, sizeof(last)) == (ssize_t)sizeof(last))
		n++;
	assert_int_equal(n, enough);
	kill(pid, SIGKILL);
	/* What it told before it died counts as well. */
	while (read(told[0], &last, sizeof(last)) == (ssize_t)sizeof(last))
		;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close(told[0]);
	return last;
}

static void test_killed_node_loses_nothing(void **state)
{
	struct town t;
	int last = -1;

	(void)state;
	town_open(&t, 2);
	sink_answer(t.sink, "/slow", 500);
	town_endpoint(&t, "fast", "/fast", "");
	town_endpoint(&t, "slow", "/slow", ",\"retry\":{\"delays_s\":[0.2]}");
	town_endpoint(&t, "batch", "/batch",
		      ",\"content_type\":\"json\",\"body\":\"{\\\"id\\\":{ID}}\",\"batch\":{\"max_items\":20,\"max_"
		      "wait_ms\":100}");
	town_stop(&t);
	for (int round = 0; round < ROUNDS; round++)
		last = run_and_kill(child_submits, t.dir, last + 1, 40 + 17 * round);
	sink_answer(t.sink, "/slow", 200);
	town_start(&t);
	for (int i = 0; i <= last; i++) {
		char event[32], message[32];

		snprintf(event, sizeof(event), "e-%06d", i);
		snprintf(message, sizeof(message), "m-%06d", i);
		TOWN_WAIT(&t, sink_count(t.sink, "/fast", event) >= 1 && sink_count(t.sink, "/slow", event) >= 1 &&
				      sink_count(t.sink, "/batch", message) >= 1);
	}
	town_close(&t);
}

/* --- the book --- */

#define MADE   1
#define REPORT 2

static void put(struct book *b, uint16_t kind, struct slice id, const char *text)
{
	struct object_row row = { .project = SLICE_LIT("p"), .kind = kind, .id = id, .text = slice_str(text) };

	book_put(b, &row);
}

/* The text of an object, "" when there is none. */
static void get(struct book *b, uint16_t kind, struct slice id, char ret[16])
{
	struct buf text;

	buf_init(&text, 15);
	book_get(b, SLICE_LIT("p"), kind, id, &text);
	slice_copy(ret, 16, buf_slice(&text));
	buf_free(&text);
}

/* Each delivery's object has one letter more, and an event for the customer comes of it. */
static void on_report(void *ctx, struct book *b, const struct report *r)
{
	struct town *t = ctx;
	struct event *ev;
	char text[16], more[17], id[40];

	if (r->kind != REPORT_DELIVERED)
		return;
	get(b, REPORT, r->event->id, text);
	snprintf(more, sizeof(more), "%sD", text);
	put(b, REPORT, r->event->id, more);
	snprintf(id, sizeof(id), "reply-%.*s", SLICE_ARG(r->event->id));
	ev = town_made(t, "p", id, 0);
	book_event(b, ev);
	event_unref(&ev);
}

struct order {
	struct town *town;
	const char *id;
	char settings[200];
};

/* An order as the hub gives one: something noted, an endpoint for it, and an event that goes there. */
static void give_order(void *ctx, struct book *b)
{
	struct order *o = ctx;
	uint64_t number = book_endpoint(b, SLICE_LIT("p"), SLICE_LIT("_own"), slice_str(o->settings), NULL);
	struct event *ev = town_made(o->town, "p", o->id, number);

	put(b, MADE, ev->id, "made");
	book_event(b, ev);
	event_unref(&ev);
}

static uint16_t the_port; /* the child's way to the parent's receiver */

static void child_orders(const char *dir, int told_fd, int first)
{
	struct town t = { 0 };
	struct node_hooks hooks = { .ctx = &t, .report = on_report };
	struct order o = { .town = &t };
	char id[16];

	t.options.hooks = &hooks;
	town_found(&t, dir, 2);
	snprintf(o.settings, sizeof(o.settings), "{\"url\":\"http://127.0.0.1:%u/own\",\"reports\":true}", the_port);
	o.id = id;
	for (int i = first;; i++) {
		snprintf(id, sizeof(id), "%06d", i);
		if (node_book_wait(t.node, give_order, &o) == 0 && write(told_fd, &i, sizeof(i)) != (ssize_t)sizeof(i))
			_exit(3);
	}
}

struct findings {
	const char *id;
	char made[16], report[16];
};

static void look(void *ctx, struct book *b)
{
	struct findings *f = ctx;

	get(b, MADE, slice_str(f->id), f->made);
	get(b, REPORT, slice_str(f->id), f->report);
}

static void look_at(struct town *t, const char *id, struct findings *ret)
{
	*ret = (struct findings){ .id = id };
	node_book_read(t->node, look, ret);
}

/* Orders arrive, and what became of each is taken note of once, though some may have been sent twice. */
static void test_killed_node_reports_each_once(void **state)
{
	struct node_hooks hooks;
	struct findings f;
	struct town t;
	int last = -1;

	(void)state;
	town_open(&t, 2);
	hooks = (struct node_hooks){ .ctx = &t, .report = on_report };
	town_endpoint(&t, "replies", "/replies", "");
	the_port = sink_port(t.sink);
	town_stop(&t);
	for (int round = 0; round < ROUNDS; round++)
		last = run_and_kill(child_orders, t.dir, last + 1, 40 + 17 * round);
	t.options.hooks = &hooks;
	town_start(&t);
	for (int i = 0; i <= last; i++) {
		char id[32], reply[48];

		snprintf(id, sizeof(id), "e-%06d", i);
		snprintf(reply, sizeof(reply), "e-reply-%s", id);
		TOWN_WAIT(&t, (look_at(&t, id, &f), f.report[0]));
		assert_string_equal(f.made, "made");
		assert_string_equal(f.report, "D");
		assert_true(sink_count(t.sink, "/own", id) >= 1);
		TOWN_WAIT(&t, sink_count(t.sink, "/replies", reply) >= 1);
	}
	town_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_killed_node_loses_nothing),
					    cmocka_unit_test(test_killed_node_reports_each_once) };

	/* A pipe whose other end is gone is looked at where it is written to. */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
