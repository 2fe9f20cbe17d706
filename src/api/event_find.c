/*
 * Ids and numbers lead through the search index. What failed is found by the dead letters, and what waits by the
 * pending rows and the end of the log that is not settled yet. Everything else is a walk down the log, a bounded number
 * of rows a page: a page may come back short or empty, and the client goes on from its marker.
 *
 * Rows that an earlier version indexed are not found by their numbers: down there it is that walk again.
 */
#include "api/event_find.h"

#include "api/answer.h"
#include "api/dead_read.h"
#include "base/mem.h"
#include "dialect/number.h"

#define OF_MESSAGE_MAX	10000 /* events of one message that a page looks through */
#define OF_NUMBER_MAX	10000 /* likewise of one number */
#define OF_NUMBER_STEP	500
#define NUMBER_ROWS_MAX ((uint32_t)5 * SCAN_ROWS_MAX) /* rows that a page looks at for a number: it only skims them */
#define PENDING_EACH	5000			      /* pending rows of one endpoint that are looked at */
#define PENDING_ALL	50000

/* --- filters --- */

static bool read_type(struct call *c, struct event_finding *f)
{
	struct slice word;
	struct buf text;

	if (!call_argument(c, "type", &word))
		return true;
	if (event_type_of(word) == EVENT_TYPES) {
		answer_error(c, 400, "invalid_param", "type",
			     "must be incoming_message, send_status, send_broadcast, contact_update, message_metadata, "
			     "or of an operator's own: endpoint_failing, endpoint_recovered, endpoint_disabled, "
			     "dead_letter");
		return false;
	}
	buf_init(&text, 64);
	buf_addf(&text, "{\"type\":\"%.*s\"", SLICE_ARG(word));
	f->type_front = arena_take_buf(&c->arena, &text);
	return true;
}

static bool read_state(struct call *c, struct event_finding *f)
{
	static const char *const words[] = { "pending", "delivered", "failed", "expired", NULL };

	if (!call_argument(c, "state", &f->state))
		return true;
	if (!slice_among(f->state, words)) {
		answer_error(c, 400, "invalid_param", "state", "must be pending, delivered, failed or expired");
		return false;
	}
	if (call_flag(c, "count")) {
		answer_error(c, 400, "invalid_param", "count", "does not go with state; leave one of them out");
		return false;
	}
	return true;
}

static struct slice number_of(struct call *c, struct slice text)
{
	char digits[NUMBER_DIGITS_MAX];

	return arena_slice(&c->arena, number_digits(text, digits));
}

static bool read_number(struct call *c, struct event_finding *f)
{
	struct slice text;

	if (!call_argument(c, "number", &text))
		return true;
	f->number = number_of(c, text);
	if (f->number.n >= NUMBER_DIGITS_LEAST)
		return true;
	answer_error(c, 400, "invalid_param", "number", "must be a number with at least %d digits",
		     NUMBER_DIGITS_LEAST);
	return false;
}

bool event_finding_read(struct event_finding *f, struct call *c)
{
	*f = (struct event_finding){ .call = c, .project = c->params[0] };
	f->organization = call_organization(c, f->project);
	return period_read(c, &f->period) && read_type(c, f) && read_state(c, f) && read_number(c, f);
}

void event_finding_end(struct event_finding *f)
{
	seqs_free(&f->found);
}

/* --- does a row fit? --- */

static bool fits(const struct event_finding *f, const struct log_row *row)
{
	const struct event_row *ev = &row->u.event;

	return row->is_event && !row->damaged && slice_eq(ev->project, f->project) &&
	       slice_starts(ev->text, f->type_front) && period_has(&f->period, ev->accepted_ms) &&
	       (f->number.n == 0 || number_is_named(ev->text, f->number));
}

/* --- down the log --- */

static bool scan_row(void *ctx, const struct log_row *row)
{
	struct event_finding *f = ctx;

	f->scanned++;
	if (!row->damaged && period_over(&f->period, log_row_ms(row))) {
		f->ended = true;
		return false;
	}
	if (fits(f, row)) {
		if (f->found.count == f->limit)
			return false;
		seqs_add(&f->found, row->seq);
	}
	f->last_seen = row->seq;
	return true;
}

static int scan(struct event_finding *f, struct store *reader, int64_t before, bool *ret_more, struct fault *fault)
{
	uint32_t most = f->number.n > 0 ? NUMBER_ROWS_MAX : SCAN_ROWS_MAX;
	int err;

	before = period_seek(&f->period, reader, before);
	err = store_log_back(reader, before, most, scan_row, f, fault);
	*ret_more = !err && !f->ended && (f->found.count == f->limit || f->scanned >= most);
	return err;
}

/* --- of candidates --- */

static bool check_row(void *ctx, const struct log_row *row)
{
	struct event_finding *f = ctx;

	if (fits(f, row))
		seqs_add(&f->found, row->seq);
	f->ended = !row->damaged && period_over(&f->period, log_row_ms(row));
	f->last_seen = row->seq;
	return false;
}

/* In descending order. *ret_more: some are left, or there were more of them than were collected. */
static int check_all(struct event_finding *f, struct store *reader, const struct seqs *candidates, bool *ret_more,
		     struct fault *fault)
{
	size_t i;
	int err = 0;

	for (i = 0; i < candidates->count && f->found.count < f->limit && !f->ended && !err; i++) {
		err = store_log_get(reader, candidates->all[i], check_row, f, fault);
		err = err == ERR_NOT_FOUND ? 0 : err;
	}
	*ret_more = !f->ended && (candidates->more || i < candidates->count);
	return err;
}

static int search(struct event_finding *f, struct store *reader, enum search_key what, struct slice key, int64_t before,
		  bool *ret_more, struct fault *fault)
{
	struct seqs candidates = { .most = what == SEARCH_NUMBER ? OF_NUMBER_STEP : OF_MESSAGE_MAX };
	int err = store_search(reader, what, f->project, key, before, seqs_collect, &candidates, fault);

	if (!err)
		err = check_all(f, reader, &candidates, ret_more, fault);
	seqs_free(&candidates);
	return err;
}

/* --- of a number --- */

/* Step by step: one's own number is in every event, and a page needs few of them. */
static int search_number(struct event_finding *f, struct store *reader, int64_t before, bool *ret_more,
			 struct fault *fault)
{
	int err = 0;

	*ret_more = true;
	for (int looked = 0; looked < OF_NUMBER_MAX && *ret_more && f->found.count < f->limit && !err;
	     looked += OF_NUMBER_STEP) {
		err = search(f, reader, SEARCH_NUMBER, f->number, before, ret_more, fault);
		before = f->last_seen;
	}
	return err;
}

static int by_number(struct event_finding *f, struct store *reader, int64_t before, bool *ret_more, struct fault *fault)
{
	int64_t after = store_numbers_after(reader);
	int err = 0;

	before = period_seek(&f->period, reader, before);
	if (after < before - 1) {
		err = search_number(f, reader, before, ret_more, fault);
		before = after + 1;
	}
	if (err || *ret_more || f->ended || after == 0)
		return err;
	return scan(f, reader, before, ret_more, fault);
}

/* --- what failed --- */

static int failed(struct event_finding *f, struct store *reader, int64_t before, bool *ret_more, struct fault *fault)
{
	struct dead_letters letters;
	struct seqs candidates = { 0 };
	uint64_t *endpoints;
	size_t count = dead_endpoints(f->call, f->project, f->organization, &endpoints);
	bool older = false;
	int err = dead_newest(reader, endpoints, count, before, f->limit, &letters, &older, fault);

	for (size_t i = 0; i < letters.count; i++)
		if (i == 0 || letters.all[i].event_seq != letters.all[i - 1].event_seq)
			seqs_add(&candidates, letters.all[i].event_seq);
	if (!err)
		err = check_all(f, reader, &candidates, ret_more, fault);
	*ret_more |= older;
	seqs_free(&candidates);
	dead_letters_free(&letters);
	mem_free(endpoints);
	return err;
}

/* --- what waits --- */

struct waiting {
	struct seqs seqs;
	const struct event_finding *finding;
	int64_t before, floor;
};

static bool take_pending(void *ctx, const struct pending_row *row)
{
	struct waiting *w = ctx;

	for (uint32_t i = 0; i < row->item_count; i++)
		if (row->items[i].event_seq < w->before)
			seqs_add(&w->seqs, row->items[i].event_seq);
	return !w->seqs.more;
}

/* Above the floor anything may still be on its way, without a row that says so. */
static bool take_unsettled(void *ctx, const struct log_row *row)
{
	struct waiting *w = ctx;

	if (row->seq <= w->floor)
		return false;
	if (fits(w->finding, row))
		seqs_add(&w->seqs, row->seq);
	return true;
}

static int pending(struct event_finding *f, struct store *reader, int64_t before, bool *ret_more, struct fault *fault)
{
	struct waiting w = { .seqs = { .most = PENDING_ALL }, .finding = f, .before = before };
	uint64_t *endpoints;
	size_t count = dead_endpoints(f->call, f->project, f->organization, &endpoints);
	bool cut;
	int err;

	w.floor = store_floor(reader);
	err = store_log_back(reader, before, SCAN_ROWS_MAX, take_unsettled, &w, fault);
	for (size_t i = 0; i < count && !err; i++) {
		struct pending_query q = { .endpoint = endpoints[i],
					   .due_from = INT64_MIN,
					   .due_upto = PENDING_HELD,
					   .max_rows = PENDING_EACH };

		err = store_pending(reader, &q, take_pending, &w, fault);
	}
	cut = w.seqs.more;
	seqs_order(&w.seqs, SIZE_MAX);
	w.seqs.more = false;
	if (!err)
		err = check_all(f, reader, &w.seqs, ret_more, fault);
	*ret_more |= cut && f->found.count > 0;
	seqs_free(&w.seqs);
	mem_free(endpoints);
	return err;
}

/* --- choosing --- */

static bool take_one(void *ctx, int64_t seq)
{
	(void)seq;
	*(bool *)ctx = true;
	return false;
}

static bool is_known(const struct event_finding *f, struct store *reader, enum search_key what, struct slice key)
{
	bool known = false;

	store_search(reader, what, f->project, key, INT64_MAX, take_one, &known, NULL);
	return known;
}

/* What somebody typed: an event's id, else a message's, else a number. What is none of them finds nothing. */
static int ask(struct event_finding *f, struct store *reader, struct slice q, int64_t before, bool *ret_more,
	       struct fault *fault)
{
	if (is_known(f, reader, SEARCH_EVENT_ID, q))
		return search(f, reader, SEARCH_EVENT_ID, q, before, ret_more, fault);
	if (is_known(f, reader, SEARCH_MESSAGE_ID, q))
		return search(f, reader, SEARCH_MESSAGE_ID, q, before, ret_more, fault);
	f->number = number_of(f->call, q);
	return f->number.n >= NUMBER_DIGITS_LEAST ? by_number(f, reader, before, ret_more, fault) : 0;
}

static int find(struct event_finding *f, struct store *reader, int64_t before, bool *ret_more, struct fault *fault)
{
	struct slice text;

	if (call_argument(f->call, "q", &text))
		return ask(f, reader, slice_trim(text), before, ret_more, fault);
	if (call_argument(f->call, "message_id", &text))
		return search(f, reader, SEARCH_MESSAGE_ID, text, before, ret_more, fault);
	if (slice_is(f->state, "failed") || slice_is(f->state, "expired"))
		return failed(f, reader, before, ret_more, fault);
	if (slice_is(f->state, "pending"))
		return pending(f, reader, before, ret_more, fault);
	if (f->number.n > 0)
		return by_number(f, reader, before, ret_more, fault);
	return scan(f, reader, before, ret_more, fault);
}

int event_find(struct event_finding *f, int64_t before, bool *ret_more, struct fault *fault)
{
	struct store *reader = node_reader_begin(f->call->node);
	int err;

	*ret_more = false;
	f->last_seen = before;
	err = find(f, reader, before, ret_more, fault);
	node_reader_end(f->call->node, reader);
	return err;
}
