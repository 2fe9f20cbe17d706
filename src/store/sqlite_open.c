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

#define APPLICATION_ID 0x706f7374 /* "post": a database of another program is refused */
#define TEXT(x)	       #x
#define NUMBER_TEXT(x) TEXT(x)

/* Step i leads from schema version i to i + 1. What was released is never changed, only followed. */
static const char *const migrations[] = {
	"CREATE TABLE log (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);"
	"CREATE TABLE pending (endpoint INTEGER NOT NULL, id INTEGER NOT NULL, due INTEGER NOT NULL,"
	" replay INTEGER NOT NULL, attempts INTEGER NOT NULL, body BLOB NOT NULL,"
	" PRIMARY KEY (endpoint, id)) WITHOUT ROWID;"
	"CREATE INDEX pending_due ON pending (endpoint, due, id);"
	"CREATE INDEX pending_replay ON pending (endpoint, replay) WHERE replay <> 0;"
	"CREATE TABLE dead (endpoint INTEGER NOT NULL, event_seq INTEGER NOT NULL, attempt_seq INTEGER NOT NULL,"
	" time INTEGER NOT NULL, PRIMARY KEY (endpoint, event_seq)) WITHOUT ROWID;"
	"CREATE INDEX dead_time ON dead (time);"
	"CREATE TABLE doc (kind BLOB NOT NULL, id BLOB NOT NULL, text BLOB NOT NULL, sum INTEGER NOT NULL,"
	" PRIMARY KEY (kind, id)) WITHOUT ROWID;"
	"CREATE TABLE search (place INTEGER PRIMARY KEY, body BLOB NOT NULL);"
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;"
	"PRAGMA application_id = " NUMBER_TEXT(APPLICATION_ID) ";",

	"CREATE TABLE object (n INTEGER PRIMARY KEY, due INTEGER NOT NULL, body BLOB NOT NULL, project BLOB NOT NULL,"
	" kind INTEGER NOT NULL, id BLOB NOT NULL);"
	"CREATE INDEX object_due ON object (due) WHERE due > 0;"
	/* n without NOT NULL: with it SQLite keeps copies of pages, to take back an insertion of several rows alone */
	"CREATE TABLE entry (key BLOB PRIMARY KEY, n INTEGER) WITHOUT ROWID;",
};
#define SCHEMA_VERSION ((int64_t)(sizeof(migrations) / sizeof(migrations[0])))

/* --- folder and lock --- */

static int system_fault(struct fault *fault, const char *path, const char *call, const char *cure)
{
	fault_set(fault, "cannot_open", "", "%s: %s: %s; %s", path, call, strerror(errno), cure);
	return ERR_SYSTEM;
}

static int sync_folder(const char *path, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	return rc ? system_fault(fault, path, "fsync", "check the disk") : 0;
}

/* The folder's own name must survive a power cut too, and that is a matter of the folder above. */
static int make_folder(const char *dir, struct fault *fault)
{
	struct buf above;
	int err;

	if (mkdir(dir, 0700) != 0)
		return errno == EEXIST
			       ? 0
			       : system_fault(fault, dir, "mkdir", "make the folder above it, or give its rights");
	buf_init(&above, 8192);
	buf_addf(&above, "%s/..", dir);
	err = sync_folder(buf_str(&above), fault);
	buf_free(&above);
	return err;
}

static int lock_folder(struct sqlite_store *s, const char *dir, struct fault *fault)
{
	struct buf path;
	int err = 0;

	buf_init(&path, 8192);
	buf_addf(&path, "%s/lock", dir);
	s->lock_fd = open(buf_str(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0) {
		err = system_fault(fault, buf_str(&path), "open", "check that the folder belongs to postrider's user");
	} else if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		fault_set(fault, "busy", "",
			  "%s: another postrider uses this data folder; stop it, or name another folder", dir);
		err = ERR_BUSY;
	}
	buf_free(&path);
	return err;
}

/* --- connection --- */

static int64_t pragma_number(struct sqlite_store *s, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t value = -1;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

static int execute(struct sqlite_store *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL);
}

static int connect_file(struct sqlite_store *s, int flags)
{
	int rc = sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, s->vfs);

	if (rc != SQLITE_OK)
		return rc;
	/* The file may have been made by somebody else: its schema is data, not to be trusted with functions. */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* pages of 8 KB make an append a sixth cheaper than 4 KB; more gains little and costs the pending rows */
	return execute(s, "PRAGMA page_size = 8192; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;"
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
		rc = execute(s, unsafe_normal ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL");
	if (rc != SQLITE_OK)
		return sqlite_fault(s, rc, fault);
	if (wal && pragma_number(s, "PRAGMA synchronous") == (unsafe_normal ? 1 : 2))
		return 0;
	fault_set(fault, "storage_error", "",
		  "%s: SQLite did not take journal_mode=WAL and synchronous=FULL; "
		  "use a local disk and an SQLite that has both",
		  s->path);
	return ERR_SYSTEM;
}

static int foreign(struct sqlite_store *s, const char *what, struct fault *fault)
{
	fault_set(fault, "damaged", "", "%s: %s; name another data folder", s->path, what);
	return ERR_CORRUPT;
}

/* --- schema --- */

static int migrate_step(struct sqlite_store *s, void *ctx)
{
	const int64_t *version = ctx;
	struct buf pragma;
	int rc = execute(s, migrations[*version]);

	buf_init(&pragma, 64);
	buf_addf(&pragma, "PRAGMA user_version = %lld", (long long)*version + 1);
	if (rc == SQLITE_OK)
		rc = execute(s, buf_str(&pragma));
	buf_free(&pragma);
	return rc;
}

static int migrate(struct sqlite_store *s, struct fault *fault)
{
	int64_t version = pragma_number(s, "PRAGMA user_version");
	int err = 0;

	if (version < 0)
		return sqlite_fault(s, sqlite3_extended_errcode(s->db), fault);
	if (version == 0 && pragma_number(s, "SELECT count(*) FROM sqlite_schema") != 0)
		return foreign(s, "is a database of another program", fault);
	if (version > 0 && pragma_number(s, "PRAGMA application_id") != APPLICATION_ID)
		return foreign(s, "is a database of another program", fault);
	if (version > SCHEMA_VERSION) {
		fault_set(fault, "too_new", "",
			  "%s: written by a newer postrider (schema %lld, this one knows %lld); "
			  "install that version again",
			  s->path, (long long)version, (long long)SCHEMA_VERSION);
		return ERR_SYSTEM;
	}
	for (; !err && version < SCHEMA_VERSION; version++)
		err = sqlite_write(s, migrate_step, &version, fault);
	return err;
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
		rc = sqlite_meta_put(s, "floor", 0);
	return rc == SQLITE_OK ? sqlite_meta_put(s, "index_run", run) : rc;
}

static int load_numbers(struct sqlite_store *s)
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
	int rc = load_numbers(s), err;

	if (rc == SQLITE_NOTFOUND) { /* a fresh store, or one whose birth a crash cut short */
		err = sqlite_write(s, put_birth, options, fault);
		if (err)
			return err;
		rc = load_numbers(s);
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
	.pending = sqlite_pending, .pending_get = sqlite_pending_get, .pending_summary = sqlite_pending_summary,       \
	.dead = sqlite_dead, .docs = sqlite_docs, .bytes = sqlite_bytes, .object_get = sqlite_object_get,              \
	.object_walk = sqlite_object_walk, .objects_due = sqlite_objects_due,                                          \
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
	int rc = connect_file(s, SQLITE_OPEN_READONLY), err;

	if (rc == SQLITE_OK)
		rc = execute(s, "PRAGMA query_only = 1; PRAGMA wal_autocheckpoint = 0");
	if (rc == SQLITE_OK)
		rc = load_numbers(s);
	err = sqlite_fault(s, rc, fault);
	if (err)
		sqlite_close(&s->base);
	else
		*ret = &s->base;
	return err;
}

static int open_writer(struct sqlite_store *s, struct store_options *options, struct fault *fault)
{
	int rc, err = sqlite_settle(s->path, s->vfs, fault);

	if (err)
		return err;
	rc = connect_file(s, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	if (rc != SQLITE_OK)
		return sqlite_fault(s, rc, fault);
	sqlite_watch_wal(s);
	/*
	 * What a commit changes should fit, or SQLite writes a page to the WAL each time it needs the room: an index of
	 * a million objects is changed all over.
	 */
	rc = execute(s, "PRAGMA cache_size = -32768");
	if (rc != SQLITE_OK)
		return sqlite_fault(s, rc, fault);
	err = set_durable(s, options->unsafe_normal, fault);
	if (!err)
		err = migrate(s, fault);
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
	buf_free(&path);
	if (!options->vfs) { /* a VFS of its own has no folder of ours */
		err = make_folder(dir, fault);
		if (!err)
			err = lock_folder(s, dir, fault);
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
