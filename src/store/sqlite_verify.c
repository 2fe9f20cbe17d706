/*
 * Reading all of a store to find what is not as it was written: SQLite's check of pages, trees and indexes, and the
 * checksum that each row carries. The first finds what breaks the file, the second what a disk changed inside a row.
 * Damage of the first kind refuses the file; a damaged row is counted, for it costs nothing but itself and a copy that
 * has it is better than none.
 */
#include "store/sqlite_impl.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/checksum.h"
#include "store/sqlite_verify.h"

typedef bool sound_fn(struct sqlite_store *s, sqlite3_stmt *stmt);

static bool log_sound(struct sqlite_store *s, sqlite3_stmt *stmt)
{
	struct log_row row;

	sqlite_log_row(s, stmt, &row);
	return !row.damaged;
}

static bool pending_sound(struct sqlite_store *s, sqlite3_stmt *stmt)
{
	struct pending_row row = { .id = sqlite3_column_int64(stmt, 0),
				   .endpoint = (uint64_t)sqlite3_column_int64(stmt, 2),
				   .attempts = (uint32_t)sqlite3_column_int64(stmt, 3) };

	record_read_pending(sqlite_bytes_of(stmt, 1), &s->scratch, &row);
	return !row.damaged;
}

static bool doc_sound(struct sqlite_store *s, sqlite3_stmt *stmt)
{
	struct doc_row row = { sqlite_bytes_of(stmt, 2), sqlite_bytes_of(stmt, 0), sqlite_bytes_of(stmt, 1) };

	(void)s;
	return sqlite3_column_int64(stmt, 3) == sqlite_doc_sum(&row);
}

static bool meta_sound(struct sqlite_store *s, sqlite3_stmt *stmt)
{
	int64_t ignored;
	char name[64];

	slice_copy(name, sizeof(name), sqlite_bytes_of(stmt, 0));
	return sqlite_meta_get(s, name, &ignored) == SQLITE_OK;
}

static bool object_sound(struct sqlite_store *s, sqlite3_stmt *stmt)
{
	struct object_key keys[OBJECT_KEYS_MAX];
	struct object_row row = { .due_ms = sqlite3_column_int64(stmt, 2),
				  .project = sqlite_bytes_of(stmt, 3),
				  .kind = (uint16_t)sqlite3_column_int64(stmt, 4),
				  .id = sqlite_bytes_of(stmt, 5) };

	(void)s;
	record_read_object(sqlite_bytes_of(stmt, 1), sqlite3_column_int64(stmt, 0), keys, &row);
	return !row.damaged;
}

/* The first column names the row. The search index needs no look: what is wrong in it is read in the log instead. */
static const struct table {
	const char *name, *sql;
	sound_fn *sound;
	int64_t since; /* schema */
} tables[] = {
	{ "log row", "SELECT seq, body FROM log", log_sound, 1 },
	{ "waiting delivery", "SELECT id, body, endpoint, attempts FROM pending", pending_sound, 1 },
	{ "setting", "SELECT id, text, kind, sum FROM doc", doc_sound, 1 },
	{ "number", "SELECT name FROM meta", meta_sound, 1 },
	{ "object", "SELECT n, body, due, project, kind, id FROM object", object_sound, 2 },
};

static void note(struct backup_verdict *v, const struct table *t, sqlite3_stmt *stmt)
{
	struct slice name = sqlite_bytes_of(stmt, 0);

	if (v->damaged++ == 0)
		snprintf(v->first, sizeof(v->first), "%s %.*s", t->name, SLICE_HEAD(name, 80));
}

static int walk(struct sqlite_store *s, const struct table *t, struct backup_verdict *v)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->db, t->sql, -1, &stmt, NULL);
	int64_t rows = 0;

	while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		rows++;
		if (!t->sound(s, stmt))
			note(v, t, stmt);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	if (t->sound == log_sound)
		v->log_rows = rows;
	if (t->sound == object_sound)
		v->objects = rows;
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* What SQLite found, in its words, of several lines, on one. */
static int structure_fault(struct sqlite_store *s, struct slice said, struct fault *fault)
{
	char line[200];

	slice_copy(line, sizeof(line), said);
	for (char *p = line; *p; p++)
		if (*p == '\n')
			*p = ' ';
	fault_set(fault, "damaged", "", "%s: %s; check the disk, and restore a backup that is sound", s->path, line);
	return ERR_CORRUPT;
}

int sqlite_structure(struct sqlite_store *s, bool quick, struct fault *fault)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->db, quick ? "PRAGMA quick_check(1)" : "PRAGMA integrity_check(1)", -1, &stmt,
				    NULL);
	int err = 0;

	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct slice said = sqlite_bytes_of(stmt, 0);

		rc = SQLITE_OK;
		if (!slice_is(said, "ok"))
			err = structure_fault(s, said, fault);
	}
	sqlite3_finalize(stmt);
	return err ? err : sqlite_fault(s, rc, fault);
}

int sqlite_verify(struct sqlite_store *s, int64_t schema, struct backup_verdict *ret, struct fault *fault)
{
	int rc = SQLITE_OK, err = sqlite_structure(s, false, fault);

	*ret = (struct backup_verdict){ .bytes = sqlite_number(s, "PRAGMA page_count") *
						 sqlite_number(s, "PRAGMA page_size") };
	if (err)
		return err;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && rc == SQLITE_OK; i++)
		if (tables[i].since <= schema)
			rc = walk(s, &tables[i], ret);
	return sqlite_fault(s, rc, fault);
}
