/*
 * The search index, written behind the log. An index with random keys on the way in would cost five times the append
 * itself, and filling one later in sorted batches still touches leaves all over a b-tree. So the index is made of runs,
 * each written once and for good: when all rows of a run are in the log, a step reads them and appends the run to table
 * `search`; the cursor ("indexed") moves in the same commit.
 *
 * A run is 64 rows, one for each value of a key hash's first six bits. A row holds six bytes for each key in it, 32
 * more bits of the hash and the place of the log row in the run, in the order of the log: nothing is sorted, nor has to
 * be, since scanning a few hundred such entries from the end takes less time than finding the row. A key in a table of
 * its own (run, key, seq) would be an insertion for each; this is 64 insertions for 16,384 log rows.
 *
 * A search reads the tail that is in no run yet, and then one row of each run, from the newest down, which is also the
 * order of the answer. A search for a number ends where the runs of an earlier version begin, which had none
 * ("numbers_after"). A hash proves nothing, so each seq found is verified against its log row. And a run is only a
 * short cut: where a row of it is missing or damaged, the log itself is read instead.
 */
#include "store/sqlite_impl.h"

#define BUCKET_BITS   6
#define BUCKETS	      (1 << BUCKET_BITS)
#define ENTRY_BYTES   6
#define NUMBERS_APART 4 /* numbers of one event that are told apart */

/* --- keys --- */

static uint64_t key_hash(const struct sqlite_store *s, enum search_key what, uint64_t project_hash, struct slice key)
{
	struct hash_key k = { s->index_key.k0 ^ project_hash, s->index_key.k1 + what };

	return hash_bytes(&k, key);
}

static uint64_t search_hash(const struct sqlite_store *s, enum search_key what, struct slice project, struct slice key)
{
	return key_hash(s, what, hash_bytes(&s->index_key, project), key);
}

static uint64_t event_seq_hash(const struct sqlite_store *s, int64_t seq)
{
	return hash_u64((uint64_t)seq ^ s->index_key.k0);
}

/* The row of table search that holds the keys of this hash in a run. */
static int64_t place_of(int64_t run, uint64_t hash)
{
	return run * BUCKETS + (int64_t)(hash >> (64 - BUCKET_BITS));
}

/* --- writing a run --- */

struct run {
	int64_t number;
	int64_t before; /* the seq before its first one */
	struct buf buckets[BUCKETS];
};

static void add_key(struct run *run, uint64_t hash, int64_t seq)
{
	uint32_t key = (uint32_t)hash, at = (uint32_t)(seq - run->before - 1);

	buf_add(&run->buckets[hash >> (64 - BUCKET_BITS)],
		(const char[]){ (char)key, (char)(key >> 8), (char)(key >> 16), (char)(key >> 24), (char)at,
				(char)(at >> 8) },
		ENTRY_BYTES);
}

/* The keys of one event's numbers. Most events name a number twice, once as the contact's: one key is enough. */
struct number_keys {
	const struct sqlite_store *s;
	struct run *run;
	int64_t seq;
	uint64_t project, hashes[NUMBERS_APART];
	size_t count;
};

static void add_number(void *ctx, struct slice number)
{
	struct number_keys *k = ctx;
	uint64_t hash = key_hash(k->s, SEARCH_NUMBER, k->project, number);

	for (size_t i = 0; i < k->count; i++)
		if (k->hashes[i] == hash)
			return;
	if (k->count < NUMBERS_APART)
		k->hashes[k->count++] = hash;
	add_key(k->run, hash, k->seq);
}

static void add_event(const struct sqlite_store *s, struct run *run, const struct event_row *e)
{
	struct number_keys numbers = { .s = s, .run = run, .seq = e->seq };

	numbers.project = hash_bytes(&s->index_key, e->project);
	add_key(run, key_hash(s, SEARCH_EVENT_ID, numbers.project, e->id), e->seq);
	if (e->message_id.n > 0)
		add_key(run, key_hash(s, SEARCH_MESSAGE_ID, numbers.project, e->message_id), e->seq);
	if (s->base.numbers)
		s->base.numbers(e->text, add_number, &numbers);
}

static void add_row(const struct sqlite_store *s, struct run *run, const struct log_row *row)
{
	if (row->damaged)
		return;
	if (row->is_event) {
		add_event(s, run, &row->u.event);
		return;
	}
	for (uint32_t i = 0; i < row->u.attempt.item_count; i++)
		add_key(run, event_seq_hash(s, row->u.attempt.items[i].event_seq), row->seq);
}

static int read_run(struct sqlite_store *s, struct run *run)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_LOG_WALK);
	struct log_row row;
	int rc;

	sqlite3_bind_int64(stmt, 1, run->before);
	sqlite3_bind_int64(stmt, 2, run->before + s->index_run);
	sqlite3_bind_int64(stmt, 3, -1);
	while ((rc = sqlite_step(s, stmt)) == SQLITE_ROW) {
		sqlite_log_row(s, stmt, &row);
		add_row(s, run, &row);
	}
	return sqlite_done(stmt, rc);
}

/* Empty ones too: a row that is not there is taken for a lost one. */
static int write_run(struct sqlite_store *s, struct run *run)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_SEARCH_PUT);
	int rc = SQLITE_OK;

	for (int i = 0; i < BUCKETS && rc == SQLITE_OK; i++) {
		int64_t place = run->number * BUCKETS + i;

		record_seal(&run->buckets[i], 0, (uint64_t)place);
		sqlite3_bind_int64(stmt, 1, place);
		sqlite_bind(stmt, 2, buf_slice(&run->buckets[i]));
		rc = sqlite_run(s, stmt);
	}
	return rc;
}

static int index_run(struct sqlite_store *s, void *ctx)
{
	struct run *run = ctx;
	int rc = read_run(s, run);

	if (rc == SQLITE_OK)
		rc = write_run(s, run);
	return rc == SQLITE_OK ? sqlite_meta_put(s, "indexed", run->before + s->index_run) : rc;
}

static bool run_is_there(const struct sqlite_store *s)
{
	return s->last_seq - s->indexed >= s->index_run;
}

int sqlite_index_step(struct store *base, bool *ret_more, struct fault *fault)
{
	struct sqlite_store *s = sqlite_of(base);
	struct run run = { .number = s->indexed / s->index_run, .before = s->indexed };
	int err = 0;

	if (run_is_there(s)) {
		for (int i = 0; i < BUCKETS; i++)
			buf_init(&run.buckets[i], SIZE_MAX / 4);
		err = sqlite_write(s, index_run, &run, fault);
		for (int i = 0; i < BUCKETS; i++)
			buf_free(&run.buckets[i]);
		if (!err)
			s->indexed += s->index_run;
	}
	if (!err)
		*ret_more = run_is_there(s);
	return err;
}

/* --- searching --- */

struct search {
	enum search_key what;
	struct slice project, key;
	uint64_t hash;
	int64_t before; /* what is left to search lies below this seq */
	store_seq_fn *fn;
	void *ctx;
	bool stopped;
};

static void search_row(const struct sqlite_store *s, struct search *q, const struct log_row *row)
{
	if (store_row_matches(&s->base, row, q->what, q->project, q->key) && !q->fn(q->ctx, row->seq))
		q->stopped = true;
}

/* Row by row, from q->before down to, and without, `after`. */
static int search_log(struct sqlite_store *s, struct search *q, int64_t after)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_LOG_BACK);
	struct log_row row;
	int rc = SQLITE_DONE;

	sqlite3_bind_int64(stmt, 1, q->before);
	sqlite3_bind_int64(stmt, 2, after);
	sqlite3_bind_int64(stmt, 3, -1);
	while (!q->stopped && (rc = sqlite_step(s, stmt)) == SQLITE_ROW) {
		sqlite_log_row(s, stmt, &row);
		search_row(s, q, &row);
	}
	return sqlite_done(stmt, rc);
}

static int search_seq(struct sqlite_store *s, struct search *q, int64_t seq)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_LOG_GET);
	struct log_row row;
	int rc;

	sqlite3_bind_int64(stmt, 1, seq);
	rc = sqlite_step(s, stmt);
	if (rc == SQLITE_ROW) {
		sqlite_log_row(s, stmt, &row);
		search_row(s, q, &row);
	}
	return sqlite_done(stmt, rc);
}

static bool entry_has(const uint8_t *entry, uint64_t hash)
{
	return ((uint32_t)entry[0] | (uint32_t)entry[1] << 8 | (uint32_t)entry[2] << 16 | (uint32_t)entry[3] << 24) ==
	       (uint32_t)hash;
}

/*
 * From the last entry to the first. An attempt may name an event
 * twice, so q->before moves with each seq that was looked at.
 */
static int search_entries(struct sqlite_store *s, struct search *q, int64_t run_before, struct slice entries)
{
	const uint8_t *first = (const uint8_t *)entries.p, *entry = first + entries.n;
	int rc = SQLITE_OK;

	while (entry > first && !q->stopped && rc == SQLITE_OK) {
		int64_t seq;

		entry -= ENTRY_BYTES;
		if (!entry_has(entry, q->hash))
			continue;
		seq = run_before + 1 + (entry[4] | entry[5] << 8);
		if (seq >= q->before)
			continue;
		q->before = seq;
		rc = search_seq(s, q, seq);
	}
	return rc;
}

static int search_run(struct sqlite_store *s, struct search *q, int64_t run)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_SEARCH_GET);
	int64_t place = place_of(run, q->hash), before = run * s->index_run;
	struct slice entries;
	int rc, end;

	sqlite3_bind_int64(stmt, 1, place);
	rc = sqlite_step(s, stmt);
	entries = sqlite_bytes_of(stmt, 0);
	if (rc == SQLITE_ROW && record_unseal(&entries, (uint64_t)place) && entries.n % ENTRY_BYTES == 0)
		end = search_entries(s, q, before, entries);
	else
		end = search_log(s, q, before);
	rc = sqlite_done(stmt, rc);
	q->before = before + 1;
	return rc == SQLITE_OK ? end : rc;
}

/* Where the search ends: the first seq there is, or the first that has what it looks for; 0 for an empty log. */
static int search_end(struct sqlite_store *s, const struct search *q, int64_t *ret)
{
	int64_t after;
	int rc = sqlite_read_first_seq(s, ret);

	if (rc != SQLITE_OK || *ret == 0 || q->what != SEARCH_NUMBER)
		return rc;
	rc = sqlite_meta_get(s, "numbers_after", &after);
	if (rc == SQLITE_OK && *ret <= after)
		*ret = after + 1;
	return rc;
}

static int search_all(struct sqlite_store *s, struct search *q)
{
	int64_t indexed, first;
	int rc = sqlite_meta_get(s, "indexed", &indexed);

	if (rc == SQLITE_OK)
		rc = search_end(s, q, &first);
	if (rc == SQLITE_OK && q->before > indexed + 1) {
		rc = search_log(s, q, indexed);
		q->before = indexed + 1;
	}
	while (rc == SQLITE_OK && !q->stopped && first > 0 && q->before > first)
		rc = search_run(s, q, (q->before - 2) / s->index_run);
	return rc;
}

int sqlite_search(struct store *base, enum search_key what, struct slice project, struct slice key, int64_t before,
		  store_seq_fn *fn, void *ctx, struct fault *fault)
{
	struct sqlite_store *s = sqlite_of(base);
	struct search q = { .what = what, .project = project, .key = key, .before = before, .fn = fn, .ctx = ctx };
	long long seq;
	int rc;

	if (key.n == 0 || (what == SEARCH_EVENT_SEQ && !slice_to_i64(key, &seq)))
		return 0; /* matches nothing */
	q.hash = what == SEARCH_EVENT_SEQ ? event_seq_hash(s, seq) : search_hash(s, what, project, key);
	rc = sqlite_read_begin(s); /* cursor, tail and runs of one moment */
	if (rc == SQLITE_OK)
		rc = sqlite_read_end(s, search_all(s, &q));
	return sqlite_fault(s, rc, fault);
}

/* --- numbers in old stores --- */

int sqlite_index_note_numbers(struct sqlite_store *s, void *ctx)
{
	int64_t indexed;
	int rc = sqlite_meta_get(s, "indexed", &indexed);

	(void)ctx;
	if (rc == SQLITE_NOTFOUND) /* it is being born */
		return SQLITE_OK;
	return rc == SQLITE_OK ? sqlite_meta_put(s, "numbers_after", indexed) : rc;
}

int64_t sqlite_numbers_after(struct store *base)
{
	int64_t seq;

	return sqlite_meta_get(sqlite_of(base), "numbers_after", &seq) == SQLITE_OK ? seq : INT64_MAX;
}

/* --- dropping --- */

int sqlite_index_cut(struct sqlite_store *s, int64_t upto)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_SEARCH_CUT);

	sqlite3_bind_int64(stmt, 1, upto / s->index_run * BUCKETS);
	return sqlite_run(s, stmt);
}
