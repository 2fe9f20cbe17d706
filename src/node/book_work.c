/*
 * Work on the book, into the commit and out of it: a transaction of one step, refused and counted as submissions are,
 * and answered as they are, when the shards have the events that came of it.
 */
#include "base/latch.h"
#include "base/mem.h"
#include "node/book_impl.h"
#include "node/fresh.h"
#include "node/parts.h"

struct book_work {
	struct work work;
	struct fresh_answer answer;
	struct node *node;
	size_t bytes;
	book_fn *fn;
	void (*done)(void *ctx, int err);
	void *ctx;
};

static void run_step(void *ctx, struct store *store)
{
	struct book_work *bw = ctx;
	struct book b;

	book_open(&b, bw->node, store, true);
	bw->fn(bw->ctx, &b);
}

static void finish(struct book_work *bw, int err)
{
	tx_free(&bw->work.tx);
	bw->done(bw->ctx, err);
	mem_free(bw);
}

static void answer_run(struct fresh_answer *a)
{
	finish(CONTAINER_OF(a, struct book_work, answer), 0);
}

static void work_done(struct work *w, struct store *store, int err)
{
	struct book_work *bw = CONTAINER_OF(w, struct book_work, work);

	(void)store;
	atomic_fetch_sub_explicit(&bw->node->queue_bytes, (int64_t)bw->bytes, memory_order_relaxed);
	if (err)
		finish(bw, err);
	else
		fresh_answer(bw->node->fresh, &bw->answer);
}

void node_book(struct node *n, size_t bytes, book_fn *fn, void (*done)(void *ctx, int err), void *ctx)
{
	int err = node_may_submit(n, bytes);
	struct book_work *bw;

	if (err) {
		done(ctx, err);
		return;
	}
	bw = mem_zalloc(sizeof(*bw));
	*bw = (struct book_work){ .node = n, .bytes = bytes, .fn = fn, .done = done, .ctx = ctx };
	bw->work = (struct work){ .kind = WORK_EVENTS, .tx = tx_new(), .done = work_done };
	bw->answer.run = answer_run;
	bw->work.tx->bytes = bytes;
	tx_step(bw->work.tx, run_step, bw);
	atomic_fetch_add_explicit(&n->queue_bytes, (int64_t)bytes, memory_order_relaxed);
	committer_add(n->committer, &bw->work);
}

struct waiting {
	book_fn *fn;
	void *ctx;
	struct latch latch;
	int err;
};

static void waiting_run(void *ctx, struct book *b)
{
	struct waiting *w = ctx;

	w->fn(w->ctx, b);
}

static void waiting_done(void *ctx, int err)
{
	struct waiting *w = ctx;

	w->err = err;
	latch_set(&w->latch);
}

int node_book_wait(struct node *n, book_fn *fn, void *ctx)
{
	struct waiting w = { .fn = fn, .ctx = ctx };

	latch_init(&w.latch);
	node_book(n, 0, waiting_run, waiting_done, &w);
	latch_wait(&w.latch);
	latch_free(&w.latch);
	return w.err;
}

void node_book_read(struct node *n, book_fn *fn, void *ctx)
{
	struct store *reader = node_reader_begin(n);
	struct book b;

	book_open(&b, n, reader, false);
	fn(ctx, &b);
	node_reader_end(n, reader);
}
