/*
 * The schema and its versions. The table below is the whole history: row i leads from schema i to schema i + 1, so a
 * fresh file goes through all of them and an old one through what it lacks. Each step is one transaction together with
 * the version that it leads to: whatever kills it, a file is of the one schema or of the other, with all its rows, and
 * the next opening goes on (tests/store/migrate.c ends the process at every write).
 *
 * A new step is a new row at the end: SQL, and where rows have to be looked at, a function that runs after it in the
 * same transaction. What was released is never changed, only followed. A file of a schema that is not known here was
 * written by a newer postrider and is left alone: there is no way back but the backup made before.
 */
#include "store/sqlite_impl.h"

#define APPLICATION_ID 0x706f7374 /* "post": a database of another program is refused */
#define TEXT(x)	       #x
#define NUMBER_TEXT(x) TEXT(x)

struct schema_step {
	const char *sql;
	sqlite_work_fn *work; /* or NULL; with the ctx NULL */
};

static const struct schema_step steps[] = {
	{ "CREATE TABLE log (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);"
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
	  NULL },

	{ "CREATE TABLE object (n INTEGER PRIMARY KEY, due INTEGER NOT NULL, body BLOB NOT NULL, project BLOB NOT NULL,"
	  " kind INTEGER NOT NULL, id BLOB NOT NULL);"
	  "CREATE INDEX object_due ON object (due) WHERE due > 0;"
	  /* n without NOT NULL: with it SQLite keeps copies of pages, to take back an insertion of many rows alone */
	  "CREATE TABLE entry (key BLOB PRIMARY KEY, n INTEGER) WITHOUT ROWID;",
	  NULL },

	/* the search index has numbers; an older postrider would go on without them, unseen */
	{ "", sqlite_index_note_numbers },
};
#define SCHEMA_VERSION ((int64_t)(sizeof(steps) / sizeof(steps[0])))

int64_t sqlite_number(struct sqlite_store *s, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t value = -1;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

int sqlite_execute(struct sqlite_store *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL);
}

static int migrate_step(struct sqlite_store *s, void *ctx)
{
	const int64_t *version = ctx;
	const struct schema_step *step = &steps[*version];
	struct buf pragma;
	int rc = sqlite_execute(s, step->sql);

	if (rc == SQLITE_OK && step->work)
		rc = step->work(s, NULL);
	buf_init(&pragma, 64);
	buf_addf(&pragma, "PRAGMA user_version = %lld", (long long)*version + 1);
	if (rc == SQLITE_OK)
		rc = sqlite_execute(s, buf_str(&pragma));
	buf_free(&pragma);
	return rc;
}

static int foreign(struct sqlite_store *s, const char *what, struct fault *fault)
{
	fault_set(fault, "damaged", "", "%s: %s; name another data folder", s->path, what);
	return ERR_CORRUPT;
}

int sqlite_schema_check(struct sqlite_store *s, int64_t *ret_version, struct fault *fault)
{
	int64_t version = sqlite_number(s, "PRAGMA user_version");

	if (version < 0)
		return sqlite_fault(s, sqlite3_extended_errcode(s->db), fault);
	if (version == 0 && sqlite_number(s, "SELECT count(*) FROM sqlite_schema") != 0)
		return foreign(s, "is a database of another program", fault);
	if (version > 0 && sqlite_number(s, "PRAGMA application_id") != APPLICATION_ID)
		return foreign(s, "is a database of another program", fault);
	if (version > SCHEMA_VERSION) {
		fault_set(fault, "too_new", "",
			  "%s: written by a newer postrider (schema %lld, this one knows %lld); install that version "
			  "again, or restore the backup that was made before it",
			  s->path, (long long)version, (long long)SCHEMA_VERSION);
		return ERR_SYSTEM;
	}
	*ret_version = version;
	return 0;
}

int sqlite_schema(struct sqlite_store *s, const struct store_options *options, struct fault *fault)
{
	int64_t version = 0;
	int err = sqlite_schema_check(s, &version, fault);

	if (!err && version > 0 && version < SCHEMA_VERSION && options->migrates)
		options->migrates(options->ctx, version, SCHEMA_VERSION);
	for (; !err && version < SCHEMA_VERSION; version++)
		err = sqlite_write(s, migrate_step, &version, fault);
	return err;
}
