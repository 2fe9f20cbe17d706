/*
 * Copying a store that is in use. One read transaction holds its moment still, and inside it SQLite's backup copies
 * page after page: because the transaction is ours, commits meanwhile neither change what is copied nor make the copy
 * begin anew, which without it they would do for ever under load. The price is that the WAL cannot begin anew until the
 * copy is done, so it grows by what is committed meanwhile; checkpoints before that moment go on.
 *
 * What lost: VACUUM INTO, which holds the WAL just the same, for longer, because it builds every tree anew; going
 * slowly, which was measured: the copy takes nothing from acceptance as fast as it goes, and the longer it takes the
 * more has to be checkpointed at once after it; copying the files, which is wrong unless the daemon stands still.
 *
 * The copy is a plain database without a WAL, and a table `backup` in it says what it is of. It is written beside its
 * name, read back whole, synced, and renamed. It is synced on the way too: half a disk of unwritten pages would make
 * the daemon's next fsync wait for all of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/sqlite_verify.h"

#define STEP_PAGES 256			       /* 2 MB */
#define SYNC_BYTES (INT64_C(32) * 1024 * 1024) /* at most so much waits to be written */

struct copy {
	struct sqlite_store *from, *to;
	char *part;
	int fd; /* of the copy, to sync it by */
	int64_t page_bytes;
};

/* --- the mark --- */

static int mark_row(struct sqlite_store *s, const char *name, const char *value)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->db, "INSERT INTO backup (name, value) VALUES (?1, ?2)", -1, &stmt, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
		sqlite3_bind_text(stmt, 2, value, -1, SQLITE_STATIC);
		rc = sqlite3_step(stmt) == SQLITE_DONE ? SQLITE_OK : sqlite3_extended_errcode(s->db);
	}
	sqlite3_finalize(stmt);
	return rc;
}

static const struct mark_number {
	const char *name;
	size_t offset;
} mark_numbers[] = {
	{ "made_ms", offsetof(struct backup_mark, made_ms) },
	{ "schema", offsetof(struct backup_mark, schema) },
	{ "last_seq", offsetof(struct backup_mark, last_seq) },
	{ "floor", offsetof(struct backup_mark, floor) },
	{ "open_events", offsetof(struct backup_mark, open_events) },
	{ "waiting", offsetof(struct backup_mark, waiting) },
};
#define MARK_NUMBERS (sizeof(mark_numbers) / sizeof(mark_numbers[0]))

static int mark_write(struct sqlite_store *s, const struct backup_mark *mark)
{
	int rc = sqlite_execute(s, "BEGIN; CREATE TABLE backup (name TEXT PRIMARY KEY, value TEXT NOT NULL)"
				   " WITHOUT ROWID");

	if (rc == SQLITE_OK)
		rc = mark_row(s, "version", mark->version);
	for (size_t i = 0; i < MARK_NUMBERS && rc == SQLITE_OK; i++) {
		char text[24];

		snprintf(text, sizeof(text), "%" PRId64,
			 *(const int64_t *)(const void *)((const char *)mark + mark_numbers[i].offset));
		rc = mark_row(s, mark_numbers[i].name, text);
	}
	return rc == SQLITE_OK ? sqlite_execute(s, "COMMIT") : rc;
}

static void mark_take(struct backup_mark *mark, struct slice name, struct slice value)
{
	long long n = 0;

	if (slice_is(name, "version"))
		slice_copy(mark->version, sizeof(mark->version), value);
	for (size_t i = 0; i < MARK_NUMBERS; i++)
		if (slice_is(name, mark_numbers[i].name) && slice_to_i64(value, &n))
			*(int64_t *)(void *)((char *)mark + mark_numbers[i].offset) = n;
}

int sqlite_mark_read(struct sqlite_store *s, struct backup_mark *ret, struct fault *fault)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->db, "SELECT name, value FROM backup", -1, &stmt, NULL);

	*ret = (struct backup_mark){ .made_ms = 0 };
	if (rc == SQLITE_ERROR) /* there is no such table */
		return fault_set(fault, "no_backup", "",
				 "%s: is no backup; give a file that `postrider backup` has written", s->path);
	while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		mark_take(ret, sqlite_bytes_of(stmt, 0), sqlite_bytes_of(stmt, 1));
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return sqlite_fault(s, rc == SQLITE_DONE ? SQLITE_OK : rc, fault);
}

/* --- reading the store --- */

static int count_open(struct sqlite_store *s, int64_t floor, int64_t *ret)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_LOG_WALK);
	struct slice project, id;
	int rc;

	sqlite3_bind_int64(stmt, 1, floor);
	sqlite3_bind_int64(stmt, 2, INT64_MAX);
	sqlite3_bind_int64(stmt, 3, -1);
	*ret = 0;
	while ((rc = sqlite_step(s, stmt)) == SQLITE_ROW)
		*ret += record_peek_event(sqlite_bytes_of(stmt, 1), &project, &id);
	return sqlite_done(stmt, rc);
}

/* Opens a database for reading alone; it never checkpoints, not even as the last one to close it. */
static int open_reading(const char *path, struct sqlite_store **ret, int64_t *ret_schema, struct fault *fault)
{
	struct sqlite_store *s;
	int err;

	if (access(path, F_OK) != 0 && errno == ENOENT) {
		fault_set(fault, "not_found", "", "%s: there is no such file; name the folder or file that is meant",
			  path);
		return ERR_NOT_FOUND;
	}
	s = sqlite_reading(path, NULL);
	err = sqlite_fault(s, sqlite_connect(s, SQLITE_OPEN_READONLY), fault);
	if (!err)
		err = sqlite_fault(s, sqlite_execute(s, "PRAGMA query_only = 1; PRAGMA wal_autocheckpoint = 0"), fault);
	if (!err)
		err = sqlite_schema_check(s, ret_schema, fault);
	if (err)
		sqlite_close_any(&s);
	else
		*ret = s;
	return err;
}

static int store_path(const char *dir, struct buf *path, struct fault *fault)
{
	buf_init(path, 8192);
	buf_addf(path, "%s/store.db", dir);
	return buf_failed(path) ? fault_set(fault, "cannot_open", "", "the data folder's name is too long") : 0;
}

static int read_mark(struct sqlite_store *s, struct backup_mark *mark)
{
	int rc = sqlite_read_last_seq(s, &mark->last_seq);

	if (rc == SQLITE_OK)
		rc = sqlite_meta_get(s, "floor", &mark->floor);
	if (rc == SQLITE_OK)
		rc = count_open(s, mark->floor, &mark->open_events);
	mark->waiting = sqlite_number(s, "SELECT count(*) FROM pending");
	return rc == SQLITE_NOTFOUND ? SQLITE_CORRUPT : rc;
}

/* --- copying --- */

static int copy_fault(struct copy *c, int rc, struct fault *fault)
{
	if ((rc & 0xff) != SQLITE_FULL)
		return sqlite_fault(c->to, rc, fault);
	fault_set(fault, "disk_full", "", "%s: no room for the copy; free space there, or name a file on another disk",
		  c->part);
	return ERR_FULL;
}

static int copy_pages(struct copy *c)
{
	sqlite3_backup *b = sqlite3_backup_init(c->to->db, "main", c->from->db, "main");
	int64_t bytes = 0, synced = 0;
	int rc = b ? SQLITE_OK : sqlite3_extended_errcode(c->to->db), end;

	while (rc == SQLITE_OK) {
		rc = sqlite3_backup_step(b, STEP_PAGES);
		bytes += STEP_PAGES * c->page_bytes;
		if (bytes - synced >= SYNC_BYTES) {
			synced = bytes;
			if (fdatasync(c->fd) != 0)
				rc = SQLITE_IOERR_FSYNC;
		}
	}
	end = sqlite3_backup_finish(b);
	return rc == SQLITE_DONE ? end : rc;
}

static int open_copy(struct copy *c, struct fault *fault)
{
	unlink(c->part); /* what an earlier one left */
	c->fd = open(c->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (c->fd < 0) {
		fault_set(fault, "cannot_open", "", "%s: %s; name a file in a folder that can be written", c->part,
			  strerror(errno));
		return ERR_SYSTEM;
	}
	c->to = sqlite_reading(c->part, NULL);
	return sqlite_fault(c->to, sqlite_connect(c->to, SQLITE_OPEN_READWRITE), fault);
}

/* A plain database from now on: nobody who looks at it makes files beside it. */
static int leave_wal(struct sqlite_store *s)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->db, "PRAGMA journal_mode = DELETE", -1, &stmt, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		rc = slice_is(sqlite_bytes_of(stmt, 0), "delete") ? SQLITE_OK : SQLITE_ERROR;
	sqlite3_finalize(stmt);
	return rc;
}

static int copy_store(struct copy *c, struct backup_mark *mark, struct fault *fault)
{
	int rc = sqlite_read_begin(c->from);

	if (rc == SQLITE_OK)
		rc = read_mark(c->from, mark);
	if (rc != SQLITE_OK)
		return sqlite_fault(c->from, rc, fault);
	c->page_bytes = sqlite_number(c->from, "PRAGMA page_size");
	/* what is half written after a crash is thrown away: no journal, and syncs by us alone */
	rc = sqlite_execute(c->to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
	if (rc == SQLITE_OK)
		rc = copy_pages(c);
	sqlite_read_end(c->from, SQLITE_OK);
	if (rc == SQLITE_OK)
		rc = leave_wal(c->to);
	if (rc == SQLITE_OK)
		rc = mark_write(c->to, mark);
	return copy_fault(c, rc, fault);
}

/* Reads it back before it takes its name: a copy that cannot be read must not take the place of one that can. */
static int keep_copy(struct copy *c, const char *file, struct backup_verdict *verdict, struct fault *fault)
{
	struct backup_mark mark;
	char *name;
	int err;

	sqlite_close_any(&c->to);
	err = fsync(c->fd) == 0 ? backup_check(c->part, &mark, verdict, fault) : ERR_IO;
	if (err == ERR_IO)
		fault_set(fault, "disk_failure", "", "%s: cannot be written: %s; name a file on another disk", c->part,
			  strerror(errno));
	if (err)
		return err;
	if (rename(c->part, file) != 0) {
		fault_set(fault, "cannot_open", "", "%s: %s; name another file", file, strerror(errno));
		return ERR_SYSTEM;
	}
	name = mem_strdup(file);
	err = sqlite_sync_folder(dirname(name), fault);
	mem_free(name);
	return err;
}

static void copy_end(struct copy *c, int err)
{
	sqlite_close_any(&c->from);
	sqlite_close_any(&c->to);
	if (c->fd >= 0)
		close(c->fd);
	if (err && c->fd >= 0)
		unlink(c->part);
	mem_free(c->part);
}

int backup_make(const char *dir, const char *file, const struct backup_options *options, struct backup_mark *ret_mark,
		struct backup_verdict *ret_verdict, struct fault *fault)
{
	struct copy c = { .fd = -1 };
	struct buf text;
	int err;

	if (!options->replace && access(file, F_OK) == 0) {
		fault_set(fault, "exists", "", "%s: is there already; name another file, or give --force", file);
		return ERR_EXISTS;
	}
	*ret_mark = (struct backup_mark){ .made_ms = options->now_ms };
	slice_copy(ret_mark->version, sizeof(ret_mark->version), slice_str(options->version));
	buf_init(&text, 8192);
	buf_addf(&text, "%s.part", file);
	c.part = mem_strdup(buf_str(&text));
	buf_free(&text);
	err = store_path(dir, &text, fault);
	if (!err)
		err = open_reading(buf_str(&text), &c.from, &ret_mark->schema, fault);
	buf_free(&text);
	if (!err)
		err = open_copy(&c, fault);
	if (!err)
		err = copy_store(&c, ret_mark, fault);
	if (!err)
		err = keep_copy(&c, file, ret_verdict, fault);
	copy_end(&c, err);
	return err;
}

/* --- looking --- */

int backup_check(const char *file, struct backup_mark *ret_mark, struct backup_verdict *ret_verdict,
		 struct fault *fault)
{
	struct sqlite_store *s = NULL;
	int64_t schema = 0;
	int err = open_reading(file, &s, &schema, fault);

	if (!err)
		err = sqlite_mark_read(s, ret_mark, fault);
	if (!err)
		err = sqlite_verify(s, schema, ret_verdict, fault);
	sqlite_close_any(&s);
	return err;
}

static bool take_time(void *ctx, const struct log_row *row)
{
	*(int64_t *)ctx = record_time(row);
	return false;
}

static int64_t file_bytes(const char *path, const char *more)
{
	struct stat st;
	struct buf name;
	int64_t bytes;

	buf_init(&name, 8192);
	buf_addf(&name, "%s%s", path, more);
	bytes = stat(buf_str(&name), &st) == 0 ? st.st_size : 0;
	buf_free(&name);
	return bytes;
}

static int look(struct sqlite_store *s, bool quick, struct store_look *ret, struct fault *fault)
{
	struct backup_mark mark = { .made_ms = 0 };
	int err = sqlite_fault(s, read_mark(s, &mark), fault);

	ret->last_seq = mark.last_seq;
	ret->floor = mark.floor;
	ret->waiting = mark.waiting;
	ret->dead = sqlite_number(s, "SELECT count(*) FROM dead");
	ret->bytes = file_bytes(s->path, "");
	ret->wal_bytes = file_bytes(s->path, "-wal");
	if (!err)
		err = sqlite_log_back(&s->base, INT64_MAX, 1, take_time, &ret->last_ms, fault);
	return err || !quick ? err : sqlite_structure(s, true, fault);
}

int store_peek(const char *dir, bool quick, struct store_look *ret, struct fault *fault)
{
	struct sqlite_store *s = NULL;
	struct buf path;
	int err = store_path(dir, &path, fault);

	*ret = (struct store_look){ .schema = 0 };
	if (!err)
		err = open_reading(buf_str(&path), &s, &ret->schema, fault);
	buf_free(&path);
	if (!err && ret->schema > 0)
		err = look(s, quick, ret, fault);
	sqlite_close_any(&s);
	return err;
}
