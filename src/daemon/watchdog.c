/*
 * What is said to systemd, and when. Four looks in the time that it allows: with one missed, because a loop was slow
 * for a moment, the next sign of life still comes early enough. A thread that is found silent is logged, once, because
 * whoever reads the log after the restart wants to know which; nothing else is done about it here, for only a fresh
 * process mends a thread that hangs.
 *
 * What does not count: the threads of the HTTP server and those for mails and for what is due. They wait for others by
 * design, and nothing that was accepted depends on them.
 */
#include "daemon/watchdog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "daemon/process.h"

#define LOOKS	    4
#define SENTENCE_MS 15000		/* between two sentences when no signs of life are wanted */
#define MIGRATE_US  INT64_C(1800000000) /* for a new schema, which shows nothing until it is there */
#define MORE_US	    60000000		/* for a start that gets on, from now on */
#define MARGIN_MS   10000		/* at a stop, beside what is waited for on the wire */

static int64_t number_of(const char *name)
{
	const char *text = getenv(name);
	long long n;

	return text && slice_to_i64(slice_str(text), &n) && n > 0 ? n : 0;
}

/* The variables are inherited by what this process starts, and by what it was started from: the number says whose. */
static int64_t watchdog_us(void)
{
	int64_t pid = number_of("WATCHDOG_PID");

	return pid == 0 || pid == (int64_t)getpid() ? number_of("WATCHDOG_USEC") : 0;
}

void watchdog_start(struct watchdog *w)
{
	int64_t within_us = watchdog_us();

	*w = (struct watchdog){ .pings = within_us > 0 };
	if (!getenv("NOTIFY_SOCKET"))
		return;
	w->period_ms = w->pings ? within_us / LOOKS / 1000 : SENTENCE_MS;
	if (w->period_ms == 0)
		w->period_ms = 1;
	w->next_us = clock_mono_us();
}

int watchdog_wait_ms(const struct watchdog *w)
{
	int64_t left_us = w->next_us - clock_mono_us();

	if (w->period_ms == 0)
		return -1;
	return left_us > 0 ? (int)(left_us / 1000 + 1) : 0;
}

/* For `systemctl status`: one glance says whether anything is to be done. */
static void sentence(char *ret, size_t size, struct node *n, const char *address, const char *silent)
{
	struct node_numbers numbers;
	const char *reason;

	node_numbers(n, &numbers);
	if (silent[0])
		snprintf(ret, size, "STATUS=the %s thread does not turn; a restart follows if that lasts", silent);
	else if (!node_ready(n, &reason))
		snprintf(ret, size, "STATUS=takes no events: %s", reason);
	else
		snprintf(ret, size,
			 "STATUS=serves %s: %zu projects, %zu endpoints; %" PRIu64 " events taken since the start",
			 address, numbers.projects, numbers.endpoints, numbers.accepted);
}

void watchdog_look(struct watchdog *w, struct node *n, const char *address, struct log *log)
{
	char text[400], *end = text;
	const char *who;
	bool alive;

	if (w->period_ms == 0 || clock_mono_us() < w->next_us)
		return;
	w->next_us = clock_mono_us() + w->period_ms * 1000;
	alive = node_alive(n, &node_patience_default, &who);
	if (alive == w->silent) {
		w->silent = !alive;
		if (alive)
			log_info(log, "all threads turn again", LOG_STR("address", address));
		else
			log_error(log, "a thread does not turn; without signs of life systemd restarts the daemon",
				  LOG_STR("thread", who));
	}
	if (alive && w->pings)
		end += snprintf(text, sizeof(text), "WATCHDOG=1\n");
	sentence(end, sizeof(text) - (size_t)(end - text), n, address, alive ? "" : who);
	process_notify(text);
}

void watchdog_progress(void *ctx, int64_t rows)
{
	char text[160];

	(void)ctx;
	if (rows == 0)
		snprintf(text, sizeof(text),
			 "EXTEND_TIMEOUT_USEC=%" PRId64 "\nSTATUS=brings the store up to this version", MIGRATE_US);
	else
		snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%d\nSTATUS=recovers: %" PRId64 " rows read so far",
			 MORE_US, rows);
	process_notify(text);
}

void watchdog_stopping(int64_t stop_ms)
{
	char text[160];

	snprintf(text, sizeof(text), "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRId64 "\nSTATUS=finishes what is on the wire",
		 (stop_ms + MARGIN_MS) * 1000);
	process_notify(text);
}
