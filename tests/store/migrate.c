/*
 * What an earlier version wrote, brought up to this one's schema, and ended at every point of that: the process killed
 * at each of its writes in turn, the power cut at each step of the disk, the disk full at each write. Each time the
 * file is of the old schema or of the new one with all its rows, and the next opening ends what was begun.
 *
 * The image is a file of schema 1 with rows of every table it had, made by the DDL of then from rows of today: their
 * bytes have not changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cutvfs.h"
#include "folder.h"
#include "old_schema.h"
#include "ops.h"

#define OPS	    120
#define POINTS_MAX  2000 /* there are about fifty */
#define POWER_SEEDS 4
#define KILLED	    77

struct image {
	char *folder;
	struct buf bytes;   /* of the old file */
	struct buf content; /* of a store opened on it, as text */
};

static const struct store_options options = { .recent_ids = OP_RECENT_IDS,
					      .index_run = OP_INDEX_RUN,
					      .numbers = op_numbers };

/* --- the image --- */

static void run_sql(const char *path, const char *sql)
{
	char *why = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	sqlite3_close(db);
}

static int64_t ask(const char *path, const char *vfs, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t value = -1;
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, vfs), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return value;
}

static const char *in_folder(const struct image *im, const char *name)
{
	static char path[2][400];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", im->folder, name);
	return path[turn];
}

static void make_rows(struct image *im)
{
	struct store *s = NULL, *model = store_memory_new(&options);
	struct fault fault;
	struct rand rand;
	struct op op;
	bool more;

	rand_seed(&rand, 5);
	assert_int_equal(store_sqlite_open(im->folder, &options, &s, &fault), 0);
	for (int i = 0; i < OPS; i++) {
		op_make(&op, &rand, model);
		assert_int_equal(op_run(&op, s, &more, &fault), 0);
		op_run(&op, model, &more, &fault);
		op_free(&op);
	}
	store_close(&s);
	store_close(&model);
}

static void read_bytes(const char *path, struct buf *ret)
{
	int fd = open(path, O_RDONLY);
	char *room;
	ssize_t n;

	assert_true(fd >= 0);
	do {
		room = buf_extend(ret, 65536);
		n = read(fd, room, 65536);
		assert_true(n >= 0);
		buf_truncate(ret, ret->n - 65536 + (size_t)n);
	} while (n > 0);
	close(fd);
}

static void dump(struct store *s, struct buf *ret)
{
	buf_init(ret, 1 << 26);
	dump_store(s, ret);
}

/* Every row of the old tables is in the new file: asked of SQLite, past all code of ours. */
static void compare_tables(const struct image *im)
{
	static const char *const tables[] = { "log", "pending", "dead", "doc", "search", "meta" };
	char attach[500], sql[300];
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(in_folder(im, "store.db"), &db), SQLITE_OK);
	snprintf(attach, sizeof(attach), "ATTACH '%s' AS kept", in_folder(im, "kept.db"));
	assert_int_equal(sqlite3_exec(db, attach, NULL, NULL, NULL), SQLITE_OK);
	/* what a step adds is left out; closing takes that back */
	assert_int_equal(
		sqlite3_exec(db, "BEGIN; DELETE FROM main.meta WHERE name = 'numbers_after'", NULL, NULL, NULL),
		SQLITE_OK);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		snprintf(sql, sizeof(sql),
			 "SELECT (SELECT count(*) FROM (SELECT * FROM kept.%s EXCEPT SELECT * FROM main.%s)),"
			 " (SELECT count(*) FROM kept.%s), (SELECT count(*) FROM main.%s)",
			 tables[i], tables[i], tables[i], tables[i]);
		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
		assert_int_equal(sqlite3_column_int64(stmt, 0), 0);
		assert_int_equal(sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2));
		assert_true(sqlite3_column_int64(stmt, 1) > 0);
		sqlite3_finalize(stmt);
	}
	sqlite3_close(db);
}

static int image_begin(void **state)
{
	static struct image im;
	struct store *s = NULL;
	struct fault fault;
	char sql[1000];

	im.folder = folder_new();
	make_rows(&im);
	assert_int_equal(rename(in_folder(&im, "store.db"), in_folder(&im, "kept.db")), 0);
	run_sql(in_folder(&im, "store.db"), old_schema_1);
	snprintf(sql, sizeof(sql),
		 "ATTACH '%s' AS kept; INSERT INTO log SELECT * FROM kept.log; INSERT INTO pending SELECT * FROM "
		 "kept.pending; INSERT INTO dead SELECT * FROM kept.dead; INSERT INTO doc SELECT * FROM kept.doc; "
		 "INSERT INTO search SELECT * FROM kept.search; INSERT INTO meta SELECT * FROM kept.meta; "
		 "DELETE FROM meta WHERE name = 'numbers_after'; DELETE FROM kept.meta WHERE name = 'numbers_after'",
		 in_folder(&im, "kept.db"));
	run_sql(in_folder(&im, "store.db"), sql);
	buf_init(&im.bytes, 1 << 26);
	read_bytes(in_folder(&im, "store.db"), &im.bytes);
	assert_int_equal(store_sqlite_open(im.folder, &options, &s, &fault), 0);
	dump(s, &im.content);
	store_close(&s);
	compare_tables(&im);
	*state = &im;
	return 0;
}

static int image_end(void **state)
{
	struct image *im = *state;

	folder_free(&im->folder);
	buf_free(&im->bytes);
	buf_free(&im->content);
	return 0;
}

static void expect_content(const struct image *im, struct store *s)
{
	struct buf now;

	dump(s, &now);
	assert_true(slice_eq(buf_slice(&now), buf_slice(&im->content)));
	buf_free(&now);
}

/* --- the process is killed --- */

static struct {
	long left; /* writes until the end */
	sqlite3_syscall_ptr pwrite64, ftruncate, unlink, open;
} killer;

static void count_down(void)
{
	if (--killer.left == 0)
		_exit(KILLED);
}

static ssize_t kill_pwrite64(int fd, const void *p, size_t n, off_t at)
{
	count_down();
	return ((ssize_t(*)(int, const void *, size_t, off_t))killer.pwrite64)(fd, p, n, at);
}

static int kill_ftruncate(int fd, off_t n)
{
	count_down();
	return ((int (*)(int, off_t))killer.ftruncate)(fd, n);
}

static int kill_unlink(const char *path)
{
	count_down();
	return ((int (*)(const char *))killer.unlink)(path);
}

static int kill_open(const char *path, int flags, int mode)
{
	if (flags & O_CREAT)
		count_down();
	return ((int (*)(const char *, int, int))killer.open)(path, flags, mode);
}

static void child(const struct image *im, long point)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	struct store *s = NULL;
	struct fault fault;

	killer.left = point;
	killer.pwrite64 = vfs->xGetSystemCall(vfs, "pwrite64");
	killer.ftruncate = vfs->xGetSystemCall(vfs, "ftruncate");
	killer.unlink = vfs->xGetSystemCall(vfs, "unlink");
	killer.open = vfs->xGetSystemCall(vfs, "open");
	vfs->xSetSystemCall(vfs, killer.pwrite64 ? "pwrite64" : "pwrite", (sqlite3_syscall_ptr)kill_pwrite64);
	vfs->xSetSystemCall(vfs, "ftruncate", (sqlite3_syscall_ptr)kill_ftruncate);
	vfs->xSetSystemCall(vfs, "unlink", (sqlite3_syscall_ptr)kill_unlink);
	vfs->xSetSystemCall(vfs, "open", (sqlite3_syscall_ptr)kill_open);
	_exit(store_sqlite_open(im->folder, &options, &s, &fault) == 0 ? 0 : 1);
}

static void put_image(const struct image *im)
{
	int fd = open(in_folder(im, "store.db"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	unlink(in_folder(im, "store.db-wal"));
	unlink(in_folder(im, "store.db-shm"));
	assert_int_equal(write(fd, im->bytes.p, im->bytes.n), im->bytes.n);
	close(fd);
}

/* True when the child came to its end alive. */
static bool killed_at(const struct image *im, long point)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		child(im, point);
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == KILLED || WEXITSTATUS(status) == 0);
	return WEXITSTATUS(status) == 0;
}

static void test_killed_at_every_write(void **state)
{
	const struct image *im = *state;
	struct fault fault;
	long point = 0;
	int old = 0, new = 0;
	bool through = false;

	while (!through && ++point < POINTS_MAX) {
		struct store *s = NULL;
		int64_t version;

		put_image(im);
		through = killed_at(im, point);
		version = ask(in_folder(im, "store.db"), NULL, "PRAGMA user_version");
		assert_true(version >= 1 && version <= 3);
		old += version == 1;
		new += version == 3;
		assert_int_equal(store_sqlite_open(im->folder, &options, &s, &fault), 0);
		expect_content(im, s);
		store_close(&s);
		assert_int_equal(ask(in_folder(im, "store.db"), NULL, "PRAGMA user_version"), 3);
		compare_tables(im);
	}
	assert_true(through);
	assert_true(old > 0 && new > 1); /* both were met */
	print_message("killed at %ld writes, %d times still of the old schema\n", point - 1, old);
}

/* --- the power goes, the disk is full --- */

static void disk_put_image(const struct image *im, struct disk *d)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(disk_name(d));
	sqlite3_file *file = sqlite3_malloc(vfs->szOsFile);
	/* as a WAL, whose first sync makes its name durable too */
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL;

	assert_int_equal(vfs->xOpen(vfs, "folder/store.db", file, flags, &flags), SQLITE_OK);
	for (size_t at = 0; at < im->bytes.n; at += 4096) {
		int n = im->bytes.n - at < 4096 ? (int)(im->bytes.n - at) : 4096;

		assert_int_equal(file->pMethods->xWrite(file, im->bytes.p + at, n, (sqlite3_int64)at), SQLITE_OK);
	}
	assert_int_equal(file->pMethods->xSync(file, SQLITE_SYNC_FULL), SQLITE_OK);
	file->pMethods->xClose(file);
	sqlite3_free(file);
}

static int open_on(struct disk *d, struct store **ret)
{
	struct store_options on_disk = options;
	struct fault fault;

	on_disk.vfs = disk_name(d);
	*ret = NULL;
	return store_sqlite_open("folder", &on_disk, ret, &fault);
}

static void expect_whole(const struct image *im, struct disk *d)
{
	struct store *s;
	int64_t version = ask("folder/store.db", disk_name(d), "PRAGMA user_version");

	assert_true(version >= 1 && version <= 3);
	assert_int_equal(open_on(d, &s), 0);
	expect_content(im, s);
	store_close(&s);
	assert_int_equal(ask("folder/store.db", disk_name(d), "PRAGMA user_version"), 3);
}

/* True when the store was open before the power went. */
static bool cut_at(const struct image *im, uint64_t seed, uint64_t point)
{
	struct disk *d = disk_new(seed);
	struct store *s;
	bool through;

	disk_put_image(im, d);
	disk_cut_after(d, point);
	through = open_on(d, &s) == 0 && !disk_is_off(d);
	disk_cut_after(d, 0);
	disk_cut(d);
	store_close(&s);
	disk_power_on(d);
	expect_whole(im, d);
	disk_free(&d);
	return through;
}

static void test_power_cut_at_every_step(void **state)
{
	uint64_t point = 0;

	for (uint64_t seed = 1; seed <= POWER_SEEDS; seed++)
		for (point = 1; point < POINTS_MAX && !cut_at(*state, seed, point);)
			point++;
	assert_in_range(point, 10, POINTS_MAX - 1);
	print_message("power cut at %d steps\n", (int)point - 1);
}

static void test_disk_full_at_every_write(void **state)
{
	bool full = true;
	int refused = 0;

	for (uint64_t write = 1; full && write < POINTS_MAX; write++) {
		struct disk *d = disk_new(write);
		struct store *s;

		disk_put_image(*state, d);
		disk_fill(d, write);
		if (open_on(d, &s) != 0)
			refused++;
		store_close(&s);
		full = disk_is_full(d);
		disk_free_space(d);
		expect_whole(*state, d);
		disk_free(&d);
	}
	assert_false(full);
	assert_in_range(refused, 3, POINTS_MAX);
}

/* --- what is told, what is refused --- */

static void note_migration(void *ctx, int64_t from, int64_t to)
{
	*(int64_t *)ctx = from * 100 + to;
}

static void test_it_is_told(void **state)
{
	const struct image *im = *state;
	struct store_options told = options;
	int64_t versions = 0;
	struct store *s = NULL;
	struct fault fault;

	told.migrates = note_migration;
	told.ctx = &versions;
	put_image(im);
	assert_int_equal(store_sqlite_open(im->folder, &told, &s, &fault), 0);
	store_close(&s);
	assert_int_equal(versions, 103);
	versions = 0;
	assert_int_equal(store_sqlite_open(im->folder, &told, &s, &fault), 0);
	store_close(&s);
	assert_int_equal(versions, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed_at_every_write),
		cmocka_unit_test(test_power_cut_at_every_step),
		cmocka_unit_test(test_disk_full_at_every_write),
		cmocka_unit_test(test_it_is_told),
	};

	return cmocka_run_group_tests_name("store/migrate", tests, image_begin, image_end);
}
