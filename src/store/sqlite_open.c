/*
 * Opening the SQLite store, in one visible order: folder, lock, settle, database,
 * pragmas, migration, what is kept in memory. And its readers and its end.
 *
 * One connection writes and checkpoints; readers open the same file read-only and never checkpoint, not even when they
 * close. That is a rule of safety, not of taste: Debian 12's SQLite 3.40.1 can lose a WAL reset when two connections
 * checkpoint. The lock file keeps other processes away for the same reason.
 *
 * synchronous=FULL is set and read back: a store that silently
 * ran without it would acknowledge what a power cut takes away.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/sqlite_impl.h"

/* --- folder and lock --- */

static int system_fault(struct fault *fault, const char *path, const char *call, const char *cure)
{
	fault_set(fault, "cannot_open", "", "%s: %s: %s; %s", path, call, strerror(errno), cure);
	return ERR_SYSTEM;
}

int sqlite_sync_folder(const char *path, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	return rc ? system_fault(fault, path, "fsync", "check the disk") : 0;
}

/* The folder's own name must survive a power cut too, and that is a matter of the folder above. */
int sqlite_make_folder(const char *dir, struct fault *fault)
{
	struct buf above;
	int err;

	if (mkdir(dir, 0700) != 0)
		return errno == EEXIST
			       ? 0
			       : system_fault(fault, dir, "mkdir", "make the folder above it, or give its rights");
	buf_init(&above, 8192);
	buf_addf(&above, "%s/..", dir);
	err = sqlite_sync_folder(buf_str(&above), fault);
	buf_free(&above);
	return err;
}

int sqlite_lock_folder(const char *dir, int *ret_fd, struct fault *fault)
{
	struct buf path;
	int err = 0, fd;

	buf_init(&path, 8192);
	buf_addf(&path, "%s/lock", dir);
	fd = open(buf_str(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		err = system_fault(fault, buf_str(&path), "open", "check that the folder belongs to postrider's user");
	} else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		fault_set(fault, "busy", "",
			  "%s: another postrider uses this data folder; stop it, or name another folder", dir);
		err = ERR_BUSY;
		close(fd);
	} else {
		*ret_fd = fd;
	}
	buf_free(&path);
	return err;
}

/*
 * Between the old database and the one to be restored there may be a moment without any (sqlite_restore.c). Whoever
 * opened the folder then would begin an empty one.
 */
static int check_restored(const char *dir, struct fault *fault)
{
	struct buf path;
	bool half;

	buf_init(&path, 8192);
	buf_addf(&path, "%s/" RESTORED_NAME, dir);
	half = access(buf_str(&path), F_OK) == 0;
	buf_free(&path);
	if (!half)
		return 0;
	fault_set(fault, "half_restored", "",
		  "%s: a restore of this folder was ended in its midst; run `postrider restore` with --force again",
		  dir);
	return ERR_SYSTEM;
}

/* --- connection --- */

int sqlite_connect(struct sqlite_store *s, int flags)
{
	int rc = sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, s->vfs);

	if (rc != SQLITE_OK)
		return rc;
	/* The file may have been made by somebody else: its schema is data, not to be trusted with functions. */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* pages of 8 KB make an append a sixth cheaper than 4 KB; more gains little and costs the pending rows */
	return sqlite_execute(s, "PRAGMA page_size = 8192; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;"
				 " PRAGMA cache_size = -8192");
}

/* Sets and reads back what a promise rests on. */
static int set_durable(struct sqlite_store *s, bool unsafe_normal, struct fault *fault)
{
	sqlite3_stmt *stmt = NULL;
	bool wal = false;
	int rc = sqlite3_prepare_v2(s->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		wal = slice_eq(sqlite_bytes_of(stmt, 0), SLICE_LIT("wal"));
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	if (rc == SQLITE_OK)
		rc = sqlite_execute(s, unsafe_normal ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL");
	if (rc != SQLITE_OK)
		return sqlite_fault(s, rc, fault);
	if (wal && sqlite_number(s, "PRAGMA synchronous") == (unsafe_normal ? 1 : 2))
		return 0;
	fault_set(fault, "storage_error", "",
		  "%s: SQLite did not take journal_mode=WAL and synchronous=FULL; "
		  "use a local disk and an SQLite that has both",
		  s->path);
	return ERR_SYSTEM;
}

/* What is settled once for the life of a store. */
static int put_birth(struct sqlite_store *s, void *ctx)
{
	const struct store_options *options = ctx;
	int64_t run = options->index_run > 0 ? options->index_run : STORE_INDEX_RUN, keys[2];
	int rc;

	assert(run <= 65536);			/* a place in it takes two bytes */
	sqlite3_randomness(sizeof(keys), keys); /* SQLite's own, so that a simulated disk can repeat its run */
	rc = sqlite_meta_put(s, "index_key0", keys[0]);
	if (rc == SQLITE_OK)
		rc = sqlite_meta_put(s, "index_key1", keys[1]);
	if (rc == SQLITE_OK)
		rc = sqlite_meta_put(s, "indexed", 0);
	if (rc == SQLITE_OK)
		rc = sqlite_meta_put(s, "numbers_after", 0);
	if (rc == SQLITE_OK)
		rc = sqlite_meta_put(s, "floor", 0);
	return rc == SQLITE_OK ? sqlite_meta_put(s, "index_run", run) : rc;
}

int sqlite_load_numbers(struct sqlite_store *s)
{
	int64_t k0, k1;
	int rc = sqlite_meta_get(s, "index_run", &s->index_run);

	if (rc == SQLITE_OK)
		rc = sqlite_meta_get(s, "index_key0", &k0);
	if (rc == SQLITE_OK)
		rc = sqlite_meta_get(s, "index_key1", &k1);
	if (rc == SQLITE_OK)
		s->index_key = (struct hash_key){ (uint64_t)k0, (uint64_t)k1 };
	if (rc == SQLITE_OK)
		rc = sqlite_meta_get(s, "indexed", &s->indexed);
	if (rc == SQLITE_OK)
		rc = sqlite_meta_get(s, "floor", &s->floor);
	if (rc == SQLITE_OK)
		rc = sqlite_object_last(s, &s->last_object);
	return rc == SQLITE_OK ? sqlite_read_last_seq(s, &s->last_seq) : rc;
}

static int load_state(struct sqlite_store *s, struct store_options *options, struct fault *fault)
{
	int rc = sqlite_load_numbers(s), err;

	if (rc == SQLITE_NOTFOUND) { /* a fresh store, or one whose birth a crash cut short */
		err = sqlite_write(s, put_birth, options, fault);
		if (err)
			return err;
		rc = sqlite_load_numbers(s);
	}
	if (rc == SQLITE_OK)
		rc = sqlite_recent_fill(s, options->recent_ids);
	return sqlite_fault(s, rc == SQLITE_NOTFOUND ? SQLITE_CORRUPT : rc, fault);
}

/* --- the handles --- */

static void sqlite_free(struct sqlite_store *s)
{
	for (int i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(s->statements[i]);
	if (s->db)
		sqlite3_close(s->db);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	recent_free(&s->recent);
	record_scratch_free(&s->scratch);
	buf_free(&s->body);
	buf_free(&s->log_rows);
	buf_free(&s->entries);
	sqlite_near_clear(s);
	buf_free(&s->project);
	mem_free(s->path);
	mem_free(s->vfs);
	mem_free(s);
}

/* The last connection to close checkpoints and deletes the WAL: only a sound writer may. */
static void sqlite_close(struct store *base)
{
	struct sqlite_store *s = sqlite_of(base);

	if (s->db && (s->broken || !s->base.ops->commit))
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite_free(s);
}

static int sqlite_reader(struct store *base, struct store **ret, struct fault *fault);

static int checkpoint_now(struct store *s, struct fault *fault)
{
	return sqlite_checkpoint(sqlite_of(s), fault);
}

#define SQLITE_READS                                                                                                   \
	.close = sqlite_close, .reader = sqlite_reader, .last_seq = sqlite_last_seq, .floor = sqlite_floor,            \
	.log_walk = sqlite_log_walk, .log_back = sqlite_log_back, .log_get = sqlite_log_get, .search = sqlite_search,  \
	.numbers_after = sqlite_numbers_after, .pending = sqlite_pending, .pending_get = sqlite_pending_get,           \
	.pending_summary = sqlite_pending_summary, .dead = sqlite_dead, .docs = sqlite_docs, .bytes = sqlite_bytes,    \
	.object_get = sqlite_object_get, .object_walk = sqlite_object_walk, .objects_due = sqlite_objects_due,         \
	.objects_next_due = sqlite_objects_next_due

static const struct store_ops sqlite_writer_ops = {
	SQLITE_READS,
	.commit = sqlite_commit,
	.index_step = sqlite_index_step,
	.prune = sqlite_prune,
	.checkpoint = checkpoint_now,
	.step_event = sqlite_step_event,
	.object_put = sqlite_object_put,
	.object_delete = sqlite_object_delete,
	.objects_drop = sqlite_objects_drop,

	.step_doc = sqlite_step_doc,
};

static const struct store_ops sqlite_reader_ops = { SQLITE_READS };

static struct sqlite_store *sqlite_handle(const struct store_ops *ops, const char *path, const char *vfs)
{
	struct sqlite_store *s = mem_zalloc(sizeof(*s));

	s->base.ops = ops;
	s->path = mem_strdup(path);
	s->vfs = mem_strdup(vfs);
	s->lock_fd = -1;
	buf_init(&s->body, SIZE_MAX / 4);
	buf_init(&s->log_rows, SIZE_MAX / 4);
	buf_init(&s->entries, SIZE_MAX / 4);
	map_init(&s->near_young);
	map_init(&s->near_old);
	buf_init(&s->project, SIZE_MAX / 4);
	return s;
}

static int sqlite_reader(struct store *base, struct store **ret, struct fault *fault)
{
	const struct sqlite_store *parent = sqlite_of(base);
	struct sqlite_store *s = sqlite_handle(&sqlite_reader_ops, parent->path, parent->vfs);
	int rc = sqlite_connect(s, SQLITE_OPEN_READONLY), err;

	s->base.numbers = parent->base.numbers;
	if (rc == SQLITE_OK)
		rc = sqlite_execute(s, "PRAGMA query_only = 1; PRAGMA wal_autocheckpoint = 0");
	if (rc == SQLITE_OK)
		rc = sqlite_load_numbers(s);
	err = sqlite_fault(s, rc, fault);
	if (err)
		sqlite_close(&s->base);
	else
		*ret = &s->base;
	return err;
}

struct sqlite_store *sqlite_reading(const char *path, const char *vfs)
{
	return sqlite_handle(&sqlite_reader_ops, path, vfs);
}

void sqlite_close_any(struct sqlite_store **s)
{
	if (*s)
		sqlite_close(&(*s)->base);
	*s = NULL;
}

static int open_writer(struct sqlite_store *s, struct store_options *options, struct fault *fault)
{
	int rc, err = sqlite_settle(s->path, s->vfs, fault);

	if (err)
		return err;
	rc = sqlite_connect(s, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	if (rc != SQLITE_OK)
		return sqlite_fault(s, rc, fault);
	sqlite_watch_wal(s);
	/*
	 * What a commit changes should fit, or SQLite writes a page to the WAL each time it needs the room: an index of
	 * a million objects is changed all over.
	 */
	rc = sqlite_execute(s, "PRAGMA cache_size = -32768");
	if (rc != SQLITE_OK)
		return sqlite_fault(s, rc, fault);
	err = set_durable(s, options->unsafe_normal, fault);
	if (!err)
		err = sqlite_schema(s, options, fault);
	if (!err)
		err = load_state(s, options, fault);
	return err ? err : sqlite_sync_names(s, fault);
}

int store_sqlite_open(const char *dir, const struct store_options *options, struct store **ret, struct fault *fault)
{
	struct store_options settled = *options;
	struct sqlite_store *s;
	struct buf path;
	int err = 0;

	buf_init(&path, 8192);
	buf_addf(&path, "%s/store.db", dir);
	if (buf_failed(&path)) {
		buf_free(&path);
		fault_set(fault, "cannot_open", "", "the data folder's name is too long; choose a shorter one");
		return ERR_SYSTEM;
	}
	s = sqlite_handle(&sqlite_writer_ops, buf_str(&path), options->vfs);
	s->base.numbers = options->numbers;
	buf_free(&path);
	if (!options->vfs) { /* a VFS of its own has no folder of ours */
		err = sqlite_make_folder(dir, fault);
		if (!err)
			err = sqlite_lock_folder(dir, &s->lock_fd, fault);
		if (!err)
			err = check_restored(dir, fault);
	}
	if (!err)
		err = open_writer(s, &settled, fault);
	if (err) {
		s->broken = true; /* whatever state it is in, closing shall not checkpoint it */
		sqlite_close(&s->base);
		return err;
	}
	*ret = &s->base;
	return 0;
}
