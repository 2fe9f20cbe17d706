/*
 * The log is in order of seq, and so, nearly, in order of time: the clock does not step while a daemon runs, but it may
 * have been set back between two runs. So searches by time allow for an hour.
 */
#include "api/log_read.h"

#include <stdlib.h>

#include "api/answer.h"
#include "base/mem.h"
#include "base/when.h"

#define CLOCK_SLACK_MS INT64_C(3600000)

/* --- seqs --- */

void seqs_free(struct seqs *s)
{
	mem_free(s->all);
	s->all = NULL;
	s->count = s->cap = 0;
}

bool seqs_add(struct seqs *s, int64_t seq)
{
	if (s->most && s->count == s->most) {
		s->more = true;
		return false;
	}
	if (s->count == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->all = mem_realloc(s->all, s->cap * sizeof(int64_t));
	}
	s->all[s->count++] = seq;
	return true;
}

bool seqs_collect(void *ctx, int64_t seq)
{
	return seqs_add(ctx, seq);
}

static int descending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x < y) - (x > y);
}

void seqs_order(struct seqs *s, size_t n)
{
	size_t kept = 0;

	if (s->count == 0)
		return;
	qsort(s->all, s->count, sizeof(int64_t), descending);
	for (size_t i = 0; i < s->count; i++)
		if (kept == 0 || s->all[kept - 1] != s->all[i])
			s->all[kept++] = s->all[i];
	s->more |= kept > n;
	s->count = kept > n ? n : kept;
}

/* --- periods --- */

static bool read_end(struct call *c, const char *name, int64_t *ret_ms)
{
	struct slice text;

	*ret_ms = 0;
	if (!call_argument(c, name, &text) || when_read(text, ret_ms))
		return true;
	answer_error(c, 400, "invalid_param", name, WHEN_WANTED);
	return false;
}

bool period_read(struct call *c, struct period *ret)
{
	return read_end(c, "since", &ret->since_ms) && read_end(c, "until", &ret->until_ms);
}

bool period_has(const struct period *p, int64_t ms)
{
	return ms >= p->since_ms && (!p->until_ms || ms <= p->until_ms);
}

bool period_over(const struct period *p, int64_t ms)
{
	return p->since_ms && ms < p->since_ms - CLOCK_SLACK_MS;
}

int64_t log_row_ms(const struct log_row *row)
{
	return row->is_event ? row->u.event.accepted_ms : row->u.attempt.time_ms;
}

struct probe {
	int64_t ms;
	bool found;
};

static bool probe_row(void *ctx, const struct log_row *row)
{
	struct probe *p = ctx;

	p->found = !row->damaged;
	p->ms = p->found ? log_row_ms(row) : 0;
	return false;
}

/* Halves the log until the first row later than the period's end is found. */
int64_t period_seek(const struct period *p, struct store *reader, int64_t before)
{
	int64_t low = 1, high = store_last_seq(reader) + 1;

	if (!p->until_ms)
		return before;
	high = before < high ? before : high;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		struct probe probe = { 0 };
		struct fault fault;

		if (store_log_back(reader, middle + 1, 1, probe_row, &probe, &fault))
			return before;
		if (probe.found && probe.ms > p->until_ms + CLOCK_SLACK_MS)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* --- events --- */

static bool take_event(void *ctx, const struct log_row *row)
{
	const struct event_row *ev = &row->u.event;

	if (row->is_event && !row->damaged && event_load(ev->text, ev->project, ev->seq, ev->accepted_ms, ctx))
		*(struct event **)ctx = NULL;
	return false;
}

struct event *log_event(struct store *reader, int64_t seq)
{
	struct event *ev = NULL;
	struct fault fault;

	if (store_log_get(reader, seq, take_event, &ev, &fault))
		return NULL;
	return ev;
}
