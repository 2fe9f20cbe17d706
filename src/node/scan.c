/*
 * Finding events to be sent again. Dead letters name them; otherwise the log is read, and
 * an event counts when the endpoint wants it by its settings of today. Rows are collected
 * first and events fetched afterwards, because a reader does one thing at a time.
 */
#include "node/scan.h"

#include "base/mem.h"

/*
 * Times in the log rise with seq but for what passed each other on the way in, and attempts carry the time they began.
 */
#define SEEK_MARGIN_MS 600000

void scan_free(struct scan *s)
{
	mem_free(s->found);
	s->found = NULL;
	s->count = s->cap = 0;
}

static void found_add(struct scan *s, int64_t seq, uint64_t order_hash)
{
	if (s->count == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->found = mem_realloc(s->found, s->cap * sizeof(*s->found));
	}
	s->found[s->count++] = (struct candidate){ seq, order_hash };
}

static bool in_time(const struct scan *s, int64_t accepted_ms)
{
	const struct replay_query *q = &s->query;

	return (q->since_ms == 0 || accepted_ms >= q->since_ms) && (q->until_ms == 0 || accepted_ms < q->until_ms);
}

static bool owns(struct scan *s, const struct event *ev)
{
	struct slice owner = slice_str(s->endpoint->owner);

	if (!s->endpoint->of_organization)
		return slice_eq(ev->project, owner);
	return slice_eq(directory_organization(s->directory, ev, &s->cache), owner);
}

/* --- the log --- */

struct log_step {
	struct scan *scan;
	uint32_t looked;
	int64_t last;
	bool stopped;
};

static void look_at(struct scan *s, const struct event_row *er, int64_t seq)
{
	struct event *ev;

	if (!in_time(s, er->accepted_ms) || event_load(er->text, er->project, seq, er->accepted_ms, &ev))
		return;
	if (owns(s, ev) && endpoint_wants(s->endpoint, ev))
		found_add(s, seq, ev->order_hash);
	event_unref(&ev);
}

static bool take_log(void *ctx, const struct log_row *row)
{
	struct log_step *step = ctx;

	if (row->is_event && !row->damaged)
		look_at(step->scan, &row->u.event, row->seq);
	step->last = row->seq;
	step->looked++;
	step->stopped = step->scan->count >= step->scan->max || step->looked >= step->scan->look;
	return !step->stopped;
}

static int step_log(struct scan *s, struct store *reader, struct fault *fault)
{
	struct log_step step = { .scan = s };
	int err = store_log_walk(reader, s->cursor, s->upto, take_log, &step, fault);

	if (!err)
		s->cursor = step.stopped ? step.last : s->upto;
	return err;
}

/* --- dead letters --- */

static bool take_dead(void *ctx, const struct dead_row *row)
{
	struct scan *s = ctx;

	if (row->event_seq > s->upto)
		return false;
	found_add(s, row->event_seq, 0);
	return true;
}

struct dead_look {
	struct scan *scan;
	bool good;
	uint64_t order_hash;
};

static bool take_dead_event(void *ctx, const struct log_row *row)
{
	struct dead_look *look = ctx;
	const struct event_row *er = &row->u.event;
	struct event *ev;

	if (!row->is_event || row->damaged || !in_time(look->scan, er->accepted_ms) ||
	    event_load(er->text, er->project, row->seq, er->accepted_ms, &ev))
		return false;
	look->good = true;
	look->order_hash = ev->order_hash;
	event_unref(&ev);
	return false;
}

static int step_dead(struct scan *s, struct store *reader, struct fault *fault)
{
	uint32_t max = s->max < s->look ? (uint32_t)s->max : s->look;
	int err = store_dead(reader, s->endpoint->number, s->cursor, max, take_dead, s, fault);
	size_t kept = 0;

	if (err)
		return err;
	s->cursor = s->count >= max ? s->found[s->count - 1].seq : s->upto;
	for (size_t i = 0; i < s->count; i++) {
		struct dead_look look = { .scan = s };

		store_log_get(reader, s->found[i].seq, take_dead_event, &look, NULL);
		if (look.good)
			s->found[kept++] = (struct candidate){ s->found[i].seq, look.order_hash };
	}
	s->count = kept;
	return 0;
}

/* --- those that were chosen one by one --- */

struct chosen_look {
	struct scan *scan;
	int64_t seq;
};

/*
 * The owner's, and not for another endpoint alone. What it wants today does not matter: somebody asked for this event.
 */
static bool take_chosen(void *ctx, const struct log_row *row)
{
	struct chosen_look *look = ctx;
	const struct event_row *er = &row->u.event;
	struct event *ev;

	if (!row->is_event || row->damaged || event_load(er->text, er->project, row->seq, er->accepted_ms, &ev))
		return false;
	if (owns(look->scan, ev) && !ev->target)
		found_add(look->scan, look->seq, ev->order_hash);
	event_unref(&ev);
	return false;
}

static int step_chosen(struct scan *s, struct store *reader, struct fault *fault)
{
	const struct replay_query *q = &s->query;
	int err = 0;

	for (size_t i = 0; i < q->seq_count && s->count < s->max; i++) {
		struct chosen_look look = { s, q->seqs[i] };

		if (look.seq <= s->cursor)
			continue;
		if (look.seq > s->upto)
			break;
		err = store_log_get(reader, look.seq, take_chosen, &look, fault);
		if (err && err != ERR_NOT_FOUND)
			return err;
	}
	s->cursor = s->count < s->max ? s->upto : s->found[s->count - 1].seq;
	return 0;
}

int scan_step(struct scan *s, struct store *reader, struct fault *fault)
{
	s->count = 0;
	if (s->cursor >= s->upto)
		return 0;
	if (s->query.seqs)
		return step_chosen(s, reader, fault);
	return s->query.failed_only ? step_dead(s, reader, fault) : step_log(s, reader, fault);
}

/* --- finding the place of a time --- */

static bool take_time(void *ctx, const struct log_row *row)
{
	*(int64_t *)ctx = row->is_event ? row->u.event.accepted_ms : row->u.attempt.time_ms;
	return false;
}

void scan_seek(struct scan *s, struct store *reader, int64_t ms)
{
	int64_t low = s->cursor, high = s->upto;

	while (low < high) {
		int64_t middle = low + (high - low) / 2, time_ms = INT64_MAX;

		store_log_walk(reader, middle, s->upto, take_time, &time_ms, NULL);
		if (time_ms < ms - SEEK_MARGIN_MS)
			low = middle + 1;
		else
			high = middle;
	}
	s->cursor = low > s->cursor ? low - 1 : low;
}
