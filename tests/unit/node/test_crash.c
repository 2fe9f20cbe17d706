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

#define ROUNDS 5

static void child(const char *dir, int told_fd, int first)
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

/* Runs a child until it has told `enough` numbers, and kills it. Returns the last number that was told. */
static int run_and_kill(const char *dir, int first, int enough)
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
		last = run_and_kill(t.dir, last + 1, 40 + 17 * round);
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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_killed_node_loses_nothing) };

	/* A pipe whose other end is gone is looked at where it is written to. */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
