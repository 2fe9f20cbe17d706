/*
 * Power cuts. A store on the power-cut disk is given seeded work; at a random write, sync, truncate, create or delete
 * the power goes. Then it is opened with the real store_sqlite_open (in one of three cases the power goes again during
 * that), and judged against the reference, which was given what was acknowledged: all of it is there and whole, and of
 * the commit that was running when the power went either all or nothing.
 *
 * Three more runs: the same with synchronous=NORMAL must show a loss (so that the harness is known to see one); an
 * fsync that fails and drops its data; a disk that is full at each write in turn.
 *
 * CUTS=n power cuts in all, SEED=k begins with life k: the seed of a failure is printed and repeats it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cutvfs.h"
#include "ops.h"
#include "store/object.h"

#define CUTS_PER_LIFE	10
#define OPS_PER_CUT	14
#define STEPS_PER_CUT	50 /* the power goes at one of so many disk steps: about as many as OPS_PER_CUT make */
#define INTEGRITY_EVERY 8
#define SYNC_LIVES	400
#define FULL_WRITES	260

struct life {
	uint64_t seed;
	struct rand rand;
	struct disk *disk;
	struct store_options options;
	struct store *model, *store;
	uint64_t cuts, compounds;
	bool lost; /* the judge said no */
	char why[200];
};

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

/* --- a life --- */

static void life_begin(struct life *l, uint64_t seed, bool unsafe_normal)
{
	/* SQLite draws from one generator for the process; a life must not depend on those before it */
	sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, (int)(seed % 1000000007) + 1, NULL);
	*l = (struct life){ .seed = seed };
	rand_seed(&l->rand, seed);
	l->disk = disk_new(seed + 1);
	l->options = (struct store_options){ .recent_ids = OP_RECENT_IDS,
					     .index_run = OP_INDEX_RUN,
					     .numbers = op_numbers,
					     .vfs = disk_name(l->disk),
					     .unsafe_normal = unsafe_normal };
	l->model = store_memory_new(&l->options);
}

static void life_end(struct life *l)
{
	store_close(&l->store);
	store_close(&l->model);
	disk_free(&l->disk);
}

static void condemn(struct life *l, const char *why, const char *more)
{
	if (!l->lost)
		snprintf(l->why, sizeof(l->why), "%s: %.150s", why, more);
	l->lost = true;
}

static bool open_store(struct life *l, struct fault *fault)
{
	return store_sqlite_open("folder", &l->options, &l->store, fault) == 0;
}

static void power_cycle(struct life *l)
{
	disk_cut(l->disk);
	store_close(&l->store);
	disk_power_on(l->disk);
	l->cuts++;
}

/* Opens after a cut; a third of the time the power goes again while it recovers. */
static void reopen(struct life *l)
{
	struct fault fault = { 0 };

	while (!l->lost) {
		if (rand_chance(&l->rand, 0.33))
			disk_cut_after(l->disk, 1 + rand_below(&l->rand, 12));
		if (open_store(l, &fault) && !disk_is_off(l->disk)) {
			disk_cut_after(l->disk, 0);
			return;
		}
		if (!disk_is_off(l->disk)) {
			condemn(l, "does not open", fault.message);
			return;
		}
		power_cycle(l);
		l->compounds++;
	}
}

/* --- the judge --- */

static bool same_content(struct life *l)
{
	struct buf a, b;
	bool same;

	buf_init(&a, 1 << 26);
	buf_init(&b, 1 << 26);
	dump_store(l->model, &a);
	dump_store(l->store, &b);
	same = slice_eq(buf_slice(&a), buf_slice(&b));
	buf_free(&a);
	buf_free(&b);
	return same;
}

static bool same_searches(struct life *l)
{
	uint64_t seed = rand_u64(&l->rand);
	struct buf a, b;
	struct rand r;
	bool same;

	buf_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	rand_seed(&r, seed);
	dump_searches(l->model, &r, &a);
	rand_seed(&r, seed);
	dump_searches(l->store, &r, &b);
	same = slice_eq(buf_slice(&a), buf_slice(&b));
	buf_free(&a);
	buf_free(&b);
	return same;
}

static void check_integrity(struct life *l)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db;
	const char *said;

	assert_int_equal(sqlite3_open_v2("folder/store.db", &db, SQLITE_OPEN_READONLY, disk_name(l->disk)), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL);
	if (sqlite3_step(stmt) != SQLITE_ROW)
		condemn(l, "integrity_check", sqlite3_errmsg(db));
	else if ((said = (const char *)sqlite3_column_text(stmt, 0)) && strcmp(said, "ok") != 0)
		condemn(l, "integrity_check", said);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

/*
 * running: what was being done when the outcome became unknown,
 * NULL when nothing was. The reference follows what is found.
 */
static void judge(struct life *l, struct op *running)
{
	struct fault fault;
	bool more;

	if (l->lost)
		return;
	if (!same_content(l)) {
		if (running)
			op_run(running, l->model, &more, &fault);
		if (!running || !same_content(l)) {
			condemn(l, "what was acknowledged is not there, or a commit is there by half", "");
			return;
		}
	}
	if (!same_searches(l))
		condemn(l, "the search index does not fit the log", "");
	if (rand_below(&l->rand, INTEGRITY_EVERY) == 0)
		check_integrity(l);
}

/* --- work --- */

/*
 * One op on store and reference. Returns what the store said; when that
 * is an error the reference is as before, and *op is kept for the judge.
 */
static int work(struct life *l, struct op *op)
{
	struct fault fault = { 0 };
	bool more;
	int err;

	op_make(op, &l->rand, l->model);
	err = op_run(op, l->store, &more, &fault);
	if (err)
		return err;
	op_run(op, l->model, &more, &fault);
	op_free(op);
	return 0;
}

/* --- power cuts --- */

static void live_until_cut(struct life *l)
{
	struct op op = { 0 };
	int err = 0;

	disk_cut_after(l->disk, 1 + rand_below(&l->rand, STEPS_PER_CUT));
	for (int i = 0; i < OPS_PER_CUT && !err; i++)
		err = work(l, &op);
	if (err && !disk_is_off(l->disk))
		condemn(l, "an op failed without reason", err_text(err));
	power_cycle(l);
	reopen(l);
	judge(l, err ? &op : NULL);
	op_free(&op);
}

static void live(struct life *l, uint64_t seed, bool unsafe_normal)
{
	life_begin(l, seed, unsafe_normal);
	reopen(l);
	for (int i = 0; i < CUTS_PER_LIFE && !l->lost; i++) {
		live_until_cut(l);
		if (rand_chance(&l->rand, 0.1) && !l->lost) { /* a clean stop between */
			store_close(&l->store);
			reopen(l);
			judge(l, NULL);
		}
	}
	life_end(l);
}

static void test_power_cuts(void **state)
{
	uint64_t wanted = setting("CUTS", 20000), cuts = 0, compounds = 0, seed = setting("SEED", 1);
	struct life l;

	(void)state;
	for (; cuts < wanted; seed++) {
		live(&l, seed, false);
		cuts += l.cuts;
		compounds += l.compounds;
		if (l.lost)
			fail_msg("SEED=%llu CUTS=1 repeats this: %s", (unsigned long long)seed, l.why);
	}
	print_message("%llu power cuts, %llu of them during recovery: nothing lost\n", (unsigned long long)cuts,
		      (unsigned long long)compounds);
}

static void test_normal_loses(void **state)
{
	struct life l = { 0 };
	uint64_t cuts = 0;

	(void)state;
	for (uint64_t seed = setting("SEED", 1); cuts < 2000 && !l.lost; seed++) {
		live(&l, seed, true);
		cuts += l.cuts;
	}
	if (!l.lost)
		fail_msg("%llu power cuts with synchronous=NORMAL and nothing lost: the harness sees nothing",
			 (unsigned long long)cuts);
	print_message("lost after %llu cuts: %s\n", (unsigned long long)cuts, l.why);
}

/* --- fsync fails --- */

/* After the failure nothing may be committed on this handle. */
static void expect_refusal(struct life *l)
{
	struct fault fault;
	struct tx *tx = tx_new();

	tx_doc_put(tx, SLICE_LIT("key"), SLICE_LIT("refused"), SLICE_LIT(""));
	if (store_commit(l->store, &tx, 1, &fault) != ERR_IO)
		condemn(l, "a commit after ERR_IO was not refused", "");
	tx_free(&tx);
}

static void live_through_sync_failure(struct life *l, uint64_t seed)
{
	struct op op = { 0 };
	int err = 0;

	life_begin(l, seed, false);
	reopen(l);
	for (int i = 0; i < 10 && !l->lost; i++)
		work(l, &op);
	disk_fail_sync(l->disk, 1 + rand_below(&l->rand, 30));
	for (int i = 0; i < 60 && !err; i++)
		err = work(l, &op);
	if (disk_sync_failed(l->disk) && err != ERR_IO)
		condemn(l, "fsync failed and the store went on", err_text(err));
	if (err)
		expect_refusal(l);
	if (rand_chance(&l->rand, 0.7)) { /* the process starts again, and only later the power goes */
		store_close(&l->store);
		disk_fail_sync(l->disk, 0);
		if (!open_store(l, &(struct fault){ 0 }))
			condemn(l, "does not open after a failed fsync", "");
		judge(l, err ? &op : NULL);
		op_free(&op);
		err = 0;
		for (uint64_t n = rand_below(&l->rand, 8); n > 0 && !l->lost; n--)
			work(l, &op);
	}
	power_cycle(l);
	reopen(l);
	judge(l, err ? &op : NULL);
	op_free(&op);
	life_end(l);
}

static void test_failed_fsync(void **state)
{
	uint64_t first = setting("SEED", 1);
	struct life l;

	(void)state;
	for (uint64_t seed = first; seed < first + setting("LIVES", SYNC_LIVES); seed++) {
		live_through_sync_failure(&l, seed);
		if (l.lost)
			fail_msg("SEED=%llu LIVES=1 repeats this: %s", (unsigned long long)seed, l.why);
	}
}

/* --- the disk is full --- */

/* What the full disk refused is done all the same, with the transactions that were refused. */
static void again(struct life *l, struct op *op)
{
	struct fault fault;
	bool more;

	if (op_run(op, l->store, &more, &fault) != 0)
		condemn(l, "what a full disk refused is refused again", "");
	else
		op_run(op, l->model, &more, &fault);
	op_free(op);
	judge(l, NULL);
}

static void live_on_full_disk(struct life *l, uint64_t seed, uint64_t write)
{
	struct op op = { 0 }, refused = { 0 };
	int err = 0;

	life_begin(l, seed, false);
	reopen(l);
	disk_fill(l->disk, write);
	for (int i = 0; i < 60 && err != ERR_IO; i++) {
		err = work(l, &op);
		if (err == ERR_FULL) {
			op_free(&refused);
			refused = op;
		} else if (err && err != ERR_IO) {
			condemn(l, "a full disk gave", err_text(err));
		}
	}
	if (err == ERR_IO) { /* allowed, but then it starts again */
		store_close(&l->store);
		disk_free_space(l->disk);
		reopen(l);
		judge(l, &op);
		op_free(&op);
	}
	disk_free_space(l->disk);
	judge(l, NULL);
	if (!l->lost)
		again(l, &refused);
	for (int i = 0; i < 10 && !l->lost; i++)
		if (work(l, &op) != 0)
			condemn(l, "there is room again, and it does not work", "");
	power_cycle(l);
	reopen(l);
	judge(l, NULL);
	life_end(l);
}

static void test_full_disk(void **state)
{
	struct life l;

	(void)state;
	for (uint64_t write = 1; write <= FULL_WRITES; write++) {
		live_on_full_disk(&l, setting("SEED", 1), write);
		if (l.lost)
			fail_msg("full at write %llu: %s", (unsigned long long)write, l.why);
	}
}

/*
 * A step that writes more than SQLite keeps in memory, so that the disk is found full in its middle: that may end the
 * transaction there and then, and what the step does next must not be done outside of any.
 */
#define LARGE_OBJECTS 5000 /* of 8,000 bytes */

struct large_step {
	struct event_row before, after;
	bool refused; /* a reading function said so, inside the step */
};

static void put_large(struct store *s, int i)
{
	static char text[8000];
	struct object_row row = { .project = SLICE_LIT("p"), .kind = 1 };
	char id[16];

	snprintf(id, sizeof(id), "large%d", i);
	memset(text, 'a' + i % 26, sizeof(text));
	row.id = slice_str(id);
	row.text = slice_of(text, sizeof(text));
	step_object_put(s, &row);
}

static void run_large_step(void *ctx, struct store *s)
{
	struct large_step *step = ctx;

	step->before = (struct event_row){ .project = SLICE_LIT("p"), .id = SLICE_LIT("large before") };
	step->after = (struct event_row){ .project = SLICE_LIT("p"), .id = SLICE_LIT("large after") };
	step_event(s, &step->before);
	for (int i = 0; i < LARGE_OBJECTS; i++)
		put_large(s, i);
	step->refused = store_object_get(s, SLICE_LIT("p"), 1, SLICE_LIT("large0"), NULL, NULL) == ERR_FULL;
	step_object_delete(s, SLICE_LIT("p"), 1, SLICE_LIT("large0"));
	step_event(s, &step->after);
}

static bool live_through_large_step(struct life *l, uint64_t seed, uint64_t write)
{
	struct large_step step;
	struct op op = { .kind = OP_COMMIT, .count = 1 };
	struct fault fault;
	bool more, refused;

	life_begin(l, seed, false);
	reopen(l);
	for (int i = 0; i < 20 && !l->lost; i++)
		work(l, &(struct op){ 0 });
	op.txs[0] = tx_new();
	tx_step(op.txs[0], run_large_step, &step);
	disk_fill(l->disk, write);
	if (op_run(&op, l->store, &more, &fault) != ERR_FULL)
		condemn(l, "a full disk was not noticed", "");
	refused = step.refused;
	disk_free_space(l->disk);
	judge(l, NULL);
	again(l, &op);
	assert_true(step.before.seq > 0 && step.after.seq == step.before.seq + 1);
	power_cycle(l);
	reopen(l);
	judge(l, NULL);
	life_end(l);
	return refused;
}

static void test_full_inside_step(void **state)
{
	struct life l;
	int refused = 0;

	(void)state;
	for (uint64_t write = 1; write <= 4000; write += 1500) {
		refused += live_through_large_step(&l, setting("SEED", 1), write);
		if (l.lost)
			fail_msg("full at write %llu: %s", (unsigned long long)write, l.why);
	}
	assert_true(refused > 0); /* or the step is not large enough to see it */
}

int main(int argc, char **argv)
{
	const struct CMUnitTest safe[] = { cmocka_unit_test(test_power_cuts) };
	const struct CMUnitTest unsafe[] = { cmocka_unit_test(test_normal_loses) };
	const struct CMUnitTest failures[] = { cmocka_unit_test(test_failed_fsync), cmocka_unit_test(test_full_disk),
					       cmocka_unit_test(test_full_inside_step) };

	if (argc > 1 && strcmp(argv[1], "normal") == 0)
		return cmocka_run_group_tests_name("store/crash-normal", unsafe, NULL, NULL);
	if (argc > 1 && strcmp(argv[1], "failures") == 0)
		return cmocka_run_group_tests_name("store/disk-failures", failures, NULL, NULL);
	return cmocka_run_group_tests_name("store/crash", safe, NULL, NULL);
}
