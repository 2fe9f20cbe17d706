/*
 * Replays as the API sees them: started, shown, cancelled, and kept over restarts as documents. What moves them on is
 * in replay_step.c. A task's contents change only on the store thread, after the commit that carries the change, so a
 * copy taken under the lock is always a state that was on disk.
 */
#include "node/replay.h"

#include <inttypes.h>

#include "base/list.h"
#include "base/mem.h"
#include "node/document.h"
#include "node/replay_parts.h"
#include "node/scan.h"

#define COUNT_STEP	   1000
#define COUNT_LOOK	   20000
#define DOCUMENT_BYTES_MAX ((size_t)64 * 1024)
#define KIND_REPLAY	   SLICE_LIT("replay")

static int by_id(const void *item, const void *key)
{
	return strcmp(((const struct replay *)item)->id, key);
}

struct replays *replays_new(struct node *n)
{
	struct replays *rs = mem_zalloc(sizeof(*rs));

	rs->node = n;
	pthread_mutex_init(&rs->lock, NULL);
	return rs;
}

static void replay_free(struct replay *r)
{
	mem_free((int64_t *)(uintptr_t)r->query.seqs);
	mem_free(r);
}

void replays_free(struct replays **rsp)
{
	struct replays *rs = *rsp;

	if (!rs)
		return;
	for (size_t i = 0; i < rs->by_id.count; i++)
		replay_free(rs->by_id.items[i]);
	sorted_free(&rs->by_id);
	pthread_mutex_destroy(&rs->lock);
	mem_free(rs);
	*rsp = NULL;
}

/* Every copy of a task borrows the seqs of the one in the list. */
static void add(struct replays *rs, const struct replay *r)
{
	struct replay *own = mem_dup(r, sizeof(*r));

	if (r->query.seqs)
		own->query.seqs = mem_dup(r->query.seqs, r->query.seq_count * sizeof(int64_t));
	pthread_mutex_lock(&rs->lock);
	sorted_insert(&rs->by_id, sorted_place(&rs->by_id, by_id, r->id, NULL), own);
	pthread_mutex_unlock(&rs->lock);
}

/* --- documents --- */

static const char *state_word(enum replay_state state)
{
	static const char *const words[] = { "running", "done", "cancelled" };

	return words[state];
}

static void write_seqs(struct json_writer *w, const struct replay_query *q)
{
	if (!q->seqs)
		return;
	json_key(w, "seqs");
	json_begin_array(w);
	for (size_t i = 0; i < q->seq_count; i++)
		json_put_i64(w, q->seqs[i]);
	json_end_array(w);
}

void replay_put(struct tx *tx, const struct replay *r)
{
	struct json_writer w;
	struct buf text;

	buf_init(&text, DOCUMENT_BYTES_MAX);
	json_writer_init(&w, &text);
	json_begin_object(&w);
	json_member_i64(&w, "number", (int64_t)r->number);
	json_member_i64(&w, "endpoint", (int64_t)r->endpoint);
	json_member_i64(&w, "since_ms", r->query.since_ms);
	json_member_i64(&w, "until_ms", r->query.until_ms);
	json_member_bool(&w, "failed_only", r->query.failed_only);
	write_seqs(&w, &r->query);
	json_member_i64(&w, "state", r->state);
	json_member_i64(&w, "cursor", r->cursor);
	json_member_i64(&w, "last_seq", r->last_seq);
	json_member_i64(&w, "total", r->total);
	json_member_i64(&w, "queued", r->queued);
	json_member_i64(&w, "created_ms", r->created_ms);
	json_member_i64(&w, "ended_ms", r->ended_ms);
	json_end_object(&w);
	tx_doc_put(tx, KIND_REPLAY, slice_str(r->id), buf_slice(&text));
	buf_free(&text);
}

/* At most as many as there is room for; NULL: it has none. */
static const int64_t *read_seqs(struct json list, int64_t seqs[REPLAY_CHOSEN_MAX], size_t *ret_count)
{
	struct json_iter it = json_each(list);
	long long seq;

	*ret_count = 0;
	while (json_next(&it) && *ret_count < REPLAY_CHOSEN_MAX)
		if (slice_to_i64(json_raw(it.value), &seq))
			seqs[(*ret_count)++] = seq;
	return *ret_count > 0 ? seqs : NULL;
}

static bool load_document(void *ctx, const struct doc_row *row)
{
	struct replays *rs = ctx;
	int64_t seqs[REPLAY_CHOSEN_MAX];
	struct json_doc doc;
	struct json root;
	struct replay r = { 0 };
	int64_t state;

	json_doc_init(&doc);
	if (json_parse(&doc, row->text, &json_limits_default, NULL) == 0) {
		root = json_root(&doc);
		slice_copy(r.id, sizeof(r.id), row->id);
		r.number = (uint64_t)document_i64(root, "number");
		r.endpoint = (uint64_t)document_i64(root, "endpoint");
		r.query.since_ms = document_i64(root, "since_ms");
		r.query.until_ms = document_i64(root, "until_ms");
		r.query.failed_only = json_type(json_get(root, "failed_only")) == JSON_TRUE;
		r.query.seqs = read_seqs(json_get(root, "seqs"), seqs, &r.query.seq_count);
		state = document_i64(root, "state");
		r.state = state == REPLAY_RUNNING ? REPLAY_RUNNING
			  : state == REPLAY_DONE  ? REPLAY_DONE
						  : REPLAY_CANCELLED;
		r.cursor = document_i64(root, "cursor");
		r.last_seq = document_i64(root, "last_seq");
		r.total = document_i64(root, "total");
		r.queued = document_i64(root, "queued");
		r.created_ms = document_i64(root, "created_ms");
		r.ended_ms = document_i64(root, "ended_ms");
		add(rs, &r);
	}
	json_doc_free(&doc);
	return true;
}

int replays_load(struct replays *rs, struct store *store, struct fault *fault)
{
	return store_docs(store, KIND_REPLAY, SLICE_LIT(""), load_document, rs, fault);
}

int64_t replays_keep_from(struct replays *rs)
{
	int64_t lowest = 0;

	pthread_mutex_lock(&rs->lock);
	for (size_t i = 0; i < rs->by_id.count; i++) {
		const struct replay *r = rs->by_id.items[i];

		if (r->state == REPLAY_RUNNING && (lowest == 0 || r->cursor + 1 < lowest))
			lowest = r->cursor + 1;
	}
	pthread_mutex_unlock(&rs->lock);
	return lowest;
}

/* --- changes --- */

/* A message to the shard: rows have come or gone. */
struct rows_message {
	struct message message;
	uint64_t endpoint;
	int64_t count, lowest;
	bool removed;
};

static void rows_run(struct message *m, struct shard *sh)
{
	struct rows_message *rm = CONTAINER_OF(m, struct rows_message, message);

	if (rm->removed)
		engine_rows_removed(shard_engine(sh), rm->endpoint, rm->count);
	else
		engine_rows_added(shard_engine(sh), rm->endpoint, rm->count, rm->lowest);
	mem_free(rm);
}

void replay_tell(struct node *n, uint64_t endpoint, int64_t count, int64_t lowest, bool removed)
{
	struct rows_message *rm;

	if (count == 0)
		return;
	rm = mem_alloc(sizeof(*rm));
	*rm = (struct rows_message){ { NULL, rows_run }, endpoint, count, lowest, removed };
	shard_post(node_shard(n, endpoint), &rm->message);
}

void replay_becomes(struct replays *rs, struct replay *r, const struct replay *as)
{
	pthread_mutex_lock(&rs->lock);
	*r = *as;
	pthread_mutex_unlock(&rs->lock);
}

/* --- forgetting --- */

struct forgetting {
	struct replays *replays;
	int64_t before_ms;
};

static bool is_old(const struct replay *r, int64_t before_ms)
{
	return r->state != REPLAY_RUNNING && r->ended_ms < before_ms;
}

static void forget_job(void *ctx, struct store *store)
{
	const struct forgetting *f = ctx;
	struct replays *rs = f->replays;
	struct tx *tx;

	if (!store)
		return;
	tx = tx_new();
	pthread_mutex_lock(&rs->lock);
	for (size_t i = 0; i < rs->by_id.count; i++) {
		const struct replay *r = rs->by_id.items[i];

		if (is_old(r, f->before_ms))
			tx_doc_delete(tx, KIND_REPLAY, slice_str(r->id));
	}
	pthread_mutex_unlock(&rs->lock);
	if (tx->count > 0)
		committer_now(rs->node->committer, tx, NULL);
	tx_free(&tx);
}

void replays_forget(struct replays *rs, int64_t before_ms)
{
	struct forgetting f = { rs, before_ms };

	committer_run(rs->node->committer, forget_job, &f);
	pthread_mutex_lock(&rs->lock);
	for (size_t i = rs->by_id.count; i-- > 0;) {
		struct replay *r = rs->by_id.items[i];

		if (is_old(r, before_ms)) {
			sorted_remove(&rs->by_id, i);
			replay_free(r);
		}
	}
	pthread_mutex_unlock(&rs->lock);
}

/* --- the API's side --- */

static int find_endpoint(struct node *n, struct owner owner, struct slice id, struct endpoint_view *ret,
			 struct fault *fault)
{
	if (node_endpoint_get(n, owner, id, ret) == 0) {
		if (!ret->endpoint->internal)
			return 0;
		node_endpoint_view_free(ret); /* the hub alone says what is sent to its own */
	}
	fault_set(fault, "not_found", "", "there is no endpoint \"%.*s\"", SLICE_ARG(id));
	return ERR_NOT_FOUND;
}

/* Counts from a cursor on; *ret_begin is the cursor that a replay may begin with. */
static int count(struct node *n, struct endpoint *ep, const struct replay_query *q, int64_t *ret, int64_t *ret_begin,
		 struct fault *fault)
{
	struct scan scan = {
		.directory = n->directory, .endpoint = ep, .query = *q, .max = COUNT_STEP, .look = COUNT_LOOK
	};
	struct store *reader = node_reader_begin(n);
	int64_t found = 0;
	int err = 0;

	scan.upto = store_last_seq(reader);
	if (q->since_ms > 0)
		scan_seek(&scan, reader, q->since_ms);
	*ret_begin = scan.cursor;
	while (!err && scan.cursor < scan.upto) {
		err = scan_step(&scan, reader, fault);
		found += (int64_t)scan.count;
	}
	node_reader_end(n, reader);
	scan_free(&scan);
	*ret = found;
	return err ? node_store_fault(err, fault) : 0;
}

int node_replay_count(struct node *n, struct owner owner, struct slice endpoint, const struct replay_query *q,
		      int64_t *ret, struct fault *fault)
{
	struct endpoint_view view;
	int64_t begin;
	int err = find_endpoint(n, owner, endpoint, &view, fault);

	if (err)
		return err;
	*ret = (int64_t)q->seq_count;
	if (!q->seqs)
		err = count(n, view.endpoint, q, ret, &begin, fault);
	node_endpoint_view_free(&view);
	return err;
}

/* Those in question are known: none before the first, none after the last. */
static void choose(struct replay *r)
{
	const struct replay_query *q = &r->query;

	r->total = (int64_t)q->seq_count;
	r->cursor = q->seqs[0] - 1;
	if (q->seqs[q->seq_count - 1] < r->last_seq)
		r->last_seq = q->seqs[q->seq_count - 1];
}

struct start {
	struct node *node;
	struct replay replay;
	int err;
};

static void start_job(void *ctx, struct store *store)
{
	struct start *st = ctx;
	struct tx *tx;

	if (!store) {
		st->err = ERR_IO;
		return;
	}
	tx = tx_new();
	replay_put(tx, &st->replay);
	document_settle_numbers(tx, st->node->directory);
	st->err = committer_now(st->node->committer, tx, NULL);
	tx_free(&tx);
	if (!st->err)
		add(st->node->replays, &st->replay);
}

static int start(struct node *n, struct start *st, char ret_id[ID_BYTES], struct fault *fault)
{
	int err = node_may_change(n, fault);

	if (err)
		return err;
	pthread_mutex_lock(&n->change_lock);
	st->replay.number = ++n->directory->last_replay;
	committer_run(n->committer, start_job, st);
	pthread_mutex_unlock(&n->change_lock);
	if (st->err)
		return node_store_fault(st->err, fault);
	memcpy(ret_id, st->replay.id, ID_BYTES);
	clerk_wake(n->clerk);
	return 0;
}

int node_replay_start(struct node *n, struct owner owner, struct slice endpoint, const struct replay_query *q,
		      char ret_id[ID_BYTES], struct fault *fault)
{
	struct start st = { .node = n, .replay = { .query = *q, .created_ms = clock_ms(&n->clock) } };
	struct endpoint_view view;
	int err = find_endpoint(n, owner, endpoint, &view, fault);

	if (err)
		return err;
	id_make(st.replay.id, "rp");
	st.replay.endpoint = view.endpoint->number;
	st.replay.last_seq = atomic_load(&n->last_event_seq);
	if (q->seqs)
		choose(&st.replay);
	else
		err = count(n, view.endpoint, q, &st.replay.total, &st.replay.cursor, fault);
	node_endpoint_view_free(&view);
	return err ? err : start(n, &st, ret_id, fault);
}

/* A copy of the replay as it is now; false when this endpoint has none of that id. */
static bool find(struct node *n, struct owner owner, struct slice endpoint, struct slice id, struct replay *ret)
{
	struct replays *rs = n->replays;
	struct endpoint_view view;
	const struct replay *r;
	char name[ID_BYTES];
	bool found;

	if (id.n >= ID_BYTES || node_endpoint_get(n, owner, endpoint, &view))
		return false;
	slice_copy(name, sizeof(name), id);
	pthread_mutex_lock(&rs->lock);
	r = sorted_find(&rs->by_id, by_id, name);
	found = r && r->endpoint == view.endpoint->number;
	if (found)
		*ret = *r;
	pthread_mutex_unlock(&rs->lock);
	node_endpoint_view_free(&view);
	return found;
}

int node_replay_write(struct node *n, struct owner owner, struct slice endpoint, struct slice id, struct json_writer *w)
{
	struct replay r;

	if (!find(n, owner, endpoint, id, &r))
		return ERR_NOT_FOUND;
	json_begin_object(w);
	json_member_str(w, "id", r.id);
	json_member_str(w, "state", state_word(r.state));
	json_member_str(w, "outcome", r.query.seqs ? "chosen" : r.query.failed_only ? "failed" : "all");
	json_member_i64(w, "total", r.total);
	json_member_i64(w, "queued", r.queued);
	json_member_i64(w, "time_created", r.created_ms / 1000);
	if (r.ended_ms)
		json_member_i64(w, "time_ended", r.ended_ms / 1000);
	json_end_object(w);
	return 0;
}

/* --- cancelling --- */

struct cancel {
	struct node *node;
	char id[ID_BYTES];
	int err;
};

struct ready_count {
	uint64_t endpoint;
	int64_t ready;
};

static bool take_ready(void *ctx, const struct pending_summary *sum)
{
	struct ready_count *rc = ctx;

	if (sum->endpoint != rc->endpoint)
		return true;
	rc->ready = sum->ready;
	return false;
}

static int64_t ready_rows(struct store *store, uint64_t endpoint)
{
	struct ready_count rc = { .endpoint = endpoint };

	store_pending_summary(store, take_ready, &rc, NULL);
	return rc.ready;
}

static void cancel_job(void *ctx, struct store *store)
{
	struct cancel *c = ctx;
	struct node *n = c->node;
	struct replay *r, as;
	struct tx *tx;
	int64_t before;

	if (!store) {
		c->err = ERR_IO;
		return;
	}
	pthread_mutex_lock(&n->replays->lock);
	r = sorted_find(&n->replays->by_id, by_id, c->id);
	if (r)
		as = *r;
	pthread_mutex_unlock(&n->replays->lock);
	if (!r || as.state == REPLAY_CANCELLED)
		return;
	as.state = REPLAY_CANCELLED;
	as.ended_ms = clock_ms(&n->clock);
	before = ready_rows(store, as.endpoint);
	tx = tx_new();
	tx_pending_cancel(tx, as.endpoint, as.number);
	replay_put(tx, &as);
	c->err = committer_now(n->committer, tx, NULL);
	tx_free(&tx);
	if (c->err)
		return;
	replay_becomes(n->replays, r, &as);
	replay_tell(n, as.endpoint, before - ready_rows(store, as.endpoint), 0, true);
}

int node_replay_cancel(struct node *n, struct owner owner, struct slice endpoint, struct slice id, struct fault *fault)
{
	struct cancel c = { .node = n };
	struct replay r;
	int err = node_may_change(n, fault);

	if (err)
		return err;
	if (!find(n, owner, endpoint, id, &r)) {
		fault_set(fault, "not_found", "", "there is no replay \"%.*s\" of this endpoint", SLICE_ARG(id));
		return ERR_NOT_FOUND;
	}
	memcpy(c.id, r.id, sizeof(c.id));
	committer_run(n->committer, cancel_job, &c);
	return c.err ? node_store_fault(c.err, fault) : 0;
}
