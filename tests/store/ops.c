/*
 * The work is what the engine gives a store, in an unlikely mixture: groups of transactions, now and then large ones,
 * with events (some of them duplicates), attempts, pending rows that come, wait and end, dead letters, docs, floors,
 * steps that read and write objects; and between them pruning, index steps and checkpoints. Keys are few, so that the
 * same rows are hit again and again.
 */
#include "ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops_objects.h"

#define ENDPOINTS 4
#define PROJECTS  2

/* --- making --- */

static int64_t some_seq(struct rand *r, int64_t last)
{
	int64_t back = (int64_t)rand_below(r, 60);

	return last > back ? last - back : 1;
}

static uint64_t some_endpoint(struct rand *r)
{
	return 1 + rand_below(r, ENDPOINTS);
}

static struct slice some_text(struct rand *r, char *p, size_t max)
{
	size_t n = rand_chance(r, 0.02) ? max : rand_below(r, 100);

	for (size_t i = 0; i < n; i++)
		p[i] = (char)('a' + (i * 7 + n) % 26);
	return slice_of(p, n);
}

void op_numbers(struct slice text, store_number_fn *fn, void *ctx)
{
	size_t n;

	for (; text.n > 0 && text.p[0] >= '0' && text.p[0] <= '9'; text = slice_from(text, n < text.n ? n + 1 : n)) {
		for (n = 0; n < text.n && text.p[n] >= '0' && text.p[n] <= '9';)
			n++;
		fn(ctx, slice_of(text.p, n));
	}
}

/* Some with numbers in front, of a few, now and then the same one twice. */
static struct slice event_text(struct rand *r, char *p, size_t max)
{
	size_t n = 0;

	while (n < 40 && rand_chance(r, 0.5))
		n += (size_t)snprintf(p + n, max - n, "%d ", 460 + (int)rand_below(r, 12));
	return slice_of(p, n + some_text(r, p + n, max - n).n);
}

static void make_event(struct tx *tx, struct rand *r, int64_t last)
{
	static const char *const projects[PROJECTS] = { "p", "second" };
	char id[32], message[32], text[9000];
	struct event_row row = { .accepted_ms = last, .text = event_text(r, text, sizeof(text)) };

	/*
	 * ids of the near past and future: some are duplicates, inside a commit, over commits, and of what is forgotten
	 */
	snprintf(id, sizeof(id), "e%" PRId64, last + (int64_t)rand_below(r, 100) - 50);
	snprintf(message, sizeof(message), "m%d", (int)rand_below(r, 12));
	row.project = slice_str(projects[rand_below(r, PROJECTS)]);
	row.id = slice_str(id);
	row.message_id = slice_str(rand_chance(r, 0.2) ? "" : message);
	tx_event(tx, &row);
}

static void make_attempt(struct tx *tx, struct rand *r, int64_t last)
{
	struct attempt_item items[5];
	char detail[200];
	struct attempt_row row = { .endpoint = some_endpoint(r),
				   .revision = (uint32_t)rand_below(r, 9),
				   .attempt = (uint32_t)rand_below(r, 4),
				   .time_ms = last - (int64_t)rand_below(r, 3),
				   .outcome = (uint8_t)rand_below(r, 3),
				   .code = (int16_t)(rand_chance(r, 0.5) ? 200 : -3),
				   .delivery_id = SLICE_LIT("0123456789abcdef"),
				   .items = items,
				   .item_count = (uint32_t)rand_below(r, 6) };

	row.detail = some_text(r, detail, sizeof(detail));
	for (uint32_t i = 0; i < row.item_count; i++)
		items[i] = (struct attempt_item){ some_seq(r, last), (uint32_t)rand_below(r, 3),
						  (uint8_t)rand_below(r, 4) };
	tx_attempt(tx, &row);
}

static void make_pending(struct tx *tx, struct rand *r, int64_t last)
{
	struct pending_item items[3];
	struct pending_row row = { .endpoint = some_endpoint(r),
				   .id = some_seq(r, last),
				   .revision = (uint32_t)rand_below(r, 3),
				   .attempts = (uint32_t)rand_below(r, 2),
				   .replay = rand_below(r, 3),
				   .items = items,
				   .item_count = 1 + (uint32_t)rand_below(r, 3) };

	switch (rand_below(r, 3)) {
	case 0:
		row.due_ms = PENDING_READY;
		break;
	case 1:
		row.due_ms = PENDING_HELD;
		break;
	default:
		row.due_ms = 1 + (int64_t)rand_below(r, 1000);
	}
	for (uint32_t i = 0; i < row.item_count; i++)
		items[i] = (struct pending_item){ row.id + i, rand_chance(r, 0.5) ? rand_u64(r) : 0, row.attempts };
	tx_pending_put(tx, &row);
}

static void make_doc(struct tx *tx, struct rand *r)
{
	char id[16], text[300];

	snprintf(id, sizeof(id), "%s%d", rand_chance(r, 0.5) ? "a/" : "b/", (int)rand_below(r, 5));
	if (rand_chance(r, 0.3))
		tx_doc_delete(tx, SLICE_LIT("endpoint"), slice_str(id));
	else
		tx_doc_put(tx, rand_chance(r, 0.8) ? SLICE_LIT("endpoint") : SLICE_LIT("key"), slice_str(id),
			   some_text(r, text, sizeof(text)));
}

static void make_dead(struct tx *tx, struct rand *r, int64_t last)
{
	struct dead_row row = { some_endpoint(r), some_seq(r, last), rand_chance(r, 0.3) ? last : 0, last };

	tx_dead(tx, &row);
}

static void make_change(struct tx *tx, struct rand *r, int64_t last)
{
	uint64_t dice = rand_below(r, 100);

	if (dice < 28)
		make_event(tx, r, last);
	else if (dice < 40)
		make_step(tx, r, last);
	else if (dice < 60)
		make_attempt(tx, r, last);
	else if (dice < 72)
		make_pending(tx, r, last);
	else if (dice < 82)
		tx_pending_end(tx, some_endpoint(r), some_seq(r, last));
	else if (dice < 88)
		tx_pending_cancel(tx, some_endpoint(r), 1 + rand_below(r, 2));
	else if (dice < 89)
		tx_pending_drop(tx, some_endpoint(r));
	else if (dice < 92)
		make_dead(tx, r, last);
	else if (dice < 94)
		tx_dead_end(tx, some_endpoint(r), some_seq(r, last));
	else if (dice < 97 && last > 0)
		tx_floor(tx, last - (int64_t)rand_below(r, (uint64_t)(last < 20 ? last : 20)));
	else
		make_doc(tx, r);
}

static void make_commit(struct op *op, struct rand *r, int64_t last)
{
	op->count = 1 + rand_below(r, 3);
	for (size_t i = 0; i < op->count; i++) {
		op->txs[i] = tx_new();
		for (uint64_t n = rand_below(r, rand_chance(r, 0.01) ? 60 : 6); n > 0; n--)
			make_change(op->txs[i], r, last);
	}
}

void op_make(struct op *op, struct rand *r, struct store *model)
{
	int64_t last = store_last_seq(model);
	uint64_t dice = rand_below(r, 100);

	*op = (struct op){ .kind = OP_COMMIT, .max_rows = 1 + (uint32_t)rand_below(r, 60) };
	if (dice < 84) {
		make_commit(op, r, last);
	} else if (dice < 90) {
		op->kind = OP_PRUNE;
		op->before_ms = last - (int64_t)rand_below(r, 150);
		op->dead_before_ms = last - (int64_t)rand_below(r, 60);
		op->keep_from = rand_chance(r, 0.3) ? some_seq(r, last) : 0;
	} else {
		op->kind = dice < 96 ? OP_INDEX : OP_CHECKPOINT;
	}
}

void op_free(struct op *op)
{
	for (size_t i = 0; i < op->count; i++)
		tx_free(&op->txs[i]);
}

int op_run(struct op *op, struct store *s, bool *ret_more, struct fault *fault)
{
	*ret_more = false;
	switch (op->kind) {
	case OP_COMMIT:
		return store_commit(s, op->txs, op->count, fault);
	case OP_PRUNE:
		return store_prune(s, op->before_ms, op->dead_before_ms, op->keep_from, op->max_rows, ret_more, fault);
	case OP_INDEX:
		return store_index_step(s, ret_more, fault);
	case OP_CHECKPOINT:
		return store_checkpoint(s, fault);
	}
	return ERR_INVALID;
}

/* --- telling --- */

static void must(int err, const struct fault *fault)
{
	if (err == 0)
		return;
	fprintf(stderr, "a read failed: %s: %s\n", err_text(err), fault->message);
	abort();
}

static bool dump_log(void *ctx, const struct log_row *row)
{
	struct buf *out = ctx;
	const struct event_row *e = &row->u.event;
	const struct attempt_row *a = &row->u.attempt;

	if (row->damaged) {
		buf_addf(out, "%" PRId64 " damaged\n", row->seq);
	} else if (row->is_event) {
		buf_addf(out, "%" PRId64 " event %.*s %.*s %.*s %" PRId64 " ", e->seq, SLICE_ARG(e->project),
			 SLICE_ARG(e->id), SLICE_ARG(e->message_id), e->accepted_ms);
		buf_add_slice(out, e->text);
	} else {
		buf_addf(out, "%" PRId64 " attempt %" PRIu64 " %u %u %" PRId64 " %u %d %.*s ", a->seq, a->endpoint,
			 a->revision, a->attempt, a->time_ms, a->outcome, a->code, SLICE_ARG(a->delivery_id));
		buf_add_slice(out, a->detail);
		for (uint32_t i = 0; i < a->item_count; i++)
			buf_addf(out, " [%" PRId64 " %u %u]", a->items[i].event_seq, a->items[i].attempts,
				 a->items[i].fate);
	}
	buf_add_char(out, '\n');
	return true;
}

static bool dump_pending(void *ctx, const struct pending_row *row)
{
	struct buf *out = ctx;

	buf_addf(out, "pending %" PRIu64 " %" PRId64 " due %" PRId64 " replay %" PRIu64 " rev %u att %u%s",
		 row->endpoint, row->id, row->due_ms, row->replay, row->revision, row->attempts,
		 row->damaged ? " damaged" : "");
	for (uint32_t i = 0; i < row->item_count; i++)
		buf_addf(out, " [%" PRId64 " %" PRIx64 " %u]", row->items[i].event_seq, row->items[i].order_hash,
			 row->items[i].attempts);
	buf_add_char(out, '\n');
	return true;
}

static bool dump_summary(void *ctx, const struct pending_summary *sum)
{
	buf_addf(ctx,
		 "summary %" PRIu64 " ready %" PRId64 " waiting %" PRId64 " held %" PRId64 " first %" PRId64
		 " next %" PRId64 " oldest %" PRId64 "\n",
		 sum->endpoint, sum->ready, sum->waiting, sum->held, sum->first_ready_id, sum->next_due_ms,
		 sum->oldest_seq);
	return true;
}

static bool dump_dead(void *ctx, const struct dead_row *row)
{
	buf_addf(ctx, "dead %" PRIu64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", row->endpoint, row->event_seq,
		 row->attempt_seq, row->time_ms);
	return true;
}

static bool dump_doc(void *ctx, const struct doc_row *row)
{
	buf_addf(ctx, "doc %.*s %.*s ", SLICE_ARG(row->kind), SLICE_ARG(row->id));
	buf_add_slice(ctx, row->text);
	buf_add_char(ctx, '\n');
	return true;
}

void dump_store(struct store *s, struct buf *out)
{
	struct fault fault;

	buf_addf(out, "last %" PRId64 " floor %" PRId64 "\n", store_last_seq(s), store_floor(s));
	must(store_log_walk(s, 0, INT64_MAX, dump_log, out, &fault), &fault);
	must(store_pending_summary(s, dump_summary, out, &fault), &fault);
	for (uint64_t endpoint = 1; endpoint <= ENDPOINTS; endpoint++) {
		struct pending_query all = { endpoint, -1, 0, PENDING_HELD, UINT32_MAX };

		must(store_pending(s, &all, dump_pending, out, &fault), &fault);
		must(store_dead(s, endpoint, 0, UINT32_MAX, dump_dead, out, &fault), &fault);
	}
	must(store_docs(s, SLICE_LIT("endpoint"), SLICE_LIT(""), dump_doc, out, &fault), &fault);
	must(store_docs(s, SLICE_LIT("key"), SLICE_LIT(""), dump_doc, out, &fault), &fault);
	dump_objects(s, out);
	if (buf_failed(out))
		abort();
}

static bool dump_seq(void *ctx, int64_t seq)
{
	buf_addf(ctx, " %" PRId64, seq);
	return true;
}

void dump_searches(struct store *s, struct rand *r, struct buf *out)
{
	int64_t last = store_last_seq(s);
	struct fault fault;
	char key[32];

	for (int i = 0; i < 8; i++) {
		enum search_key what = (enum search_key)(i % 4);
		struct slice project = what == SEARCH_EVENT_SEQ ? SLICE_LIT("") : SLICE_LIT("p");
		int64_t before = rand_chance(r, 0.5) ? INT64_MAX : some_seq(r, last);

		if (what == SEARCH_MESSAGE_ID)
			snprintf(key, sizeof(key), "m%d", (int)rand_below(r, 12));
		else if (what == SEARCH_NUMBER)
			snprintf(key, sizeof(key), "%d", 460 + (int)rand_below(r, 12));
		else
			snprintf(key, sizeof(key), what == SEARCH_EVENT_ID ? "e%" PRId64 : "%" PRId64,
				 some_seq(r, last));
		buf_addf(out, "search %d %s before %" PRId64 ":", (int)what, key, before);
		must(store_search(s, what, project, slice_str(key), before, dump_seq, out, &fault), &fault);
		buf_add_char(out, '\n');
	}
	dump_walks(s, r, out);
}
