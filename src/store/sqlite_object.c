/*
 * Objects: rows that are appended to one table and stay at their place there, each with a number; where an object is
 * found by name or key says the index (sqlite_entry.c). So new objects, the most of them, fill pages one after the
 * other, and what changes dirties the page it is on and those of the keys that are others than before: the keys stand
 * beside the text, to be compared with.
 *
 * All writing happens inside a step. The first error there is kept in step_rc, and nothing is done after it, reading
 * included: where the disk was full SQLite may have ended the transaction, and each statement would be one of its own.
 */
#include "store/sqlite_impl.h"

#include <assert.h>

/* An object as it is stored. Slices point into the statement it was read with. */
struct found {
	int64_t n; /* its number; 0: there is none */
	struct object_row row;
	struct object_key keys[OBJECT_KEYS_MAX];
};

int sqlite_object_result(struct sqlite_store *s, int rc, struct fault *fault)
{
	if (s->commit && s->step_rc == SQLITE_OK)
		s->step_rc = rc;
	return sqlite_fault(s, rc, fault);
}

static struct slice name_of(struct sqlite_store *s, struct slice project, uint16_t kind, struct slice id)
{
	buf_reset(&s->entries);
	sqlite_entry(s, &s->entries, project, kind, NULL, id);
	return buf_slice(&s->entries);
}

/* --- reading --- */

int sqlite_object_last(struct sqlite_store *s, int64_t *ret)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_OBJECT_LAST);
	int rc = sqlite_step(s, stmt);

	*ret = sqlite3_column_int64(stmt, 0); /* NULL, read as 0, when there is none */
	return sqlite_done(stmt, rc);
}

/* What stmt stands at; project, kind and id are set. */
static void read_found(sqlite3_stmt *stmt, struct found *f)
{
	f->n = sqlite3_column_int64(stmt, 0);
	f->row.due_ms = sqlite3_column_int64(stmt, 1);
	record_read_object(sqlite_bytes_of(stmt, 2), f->n, f->keys, &f->row);
}

static void read_named(sqlite3_stmt *stmt, struct found *f)
{
	f->row.project = sqlite_bytes_of(stmt, 3);
	f->row.kind = (uint16_t)sqlite3_column_int(stmt, 4);
	f->row.id = sqlite_bytes_of(stmt, 5);
	read_found(stmt, f);
}

static bool find_near(struct sqlite_store *s, struct slice name, struct found *f)
{
	struct sqlite_near near;

	if (!s->commit || !sqlite_near_find(s, name, &near))
		return false;
	f->n = near.n;
	f->row.due_ms = near.due_ms;
	record_read_object(near.body, f->n, f->keys, &f->row);
	return true;
}

/* Inside a step it will be asked for again. */
static void keep_near(struct sqlite_store *s, int64_t n, const struct object_row *row, struct slice body)
{
	struct sqlite_near near = { n, row->due_ms, body };

	if (s->commit && !row->damaged)
		sqlite_near_put(s, name_of(s, row->project, row->kind, row->id), &near);
}

/* The caller ends it with sqlite_done(*ret_stmt, rc), when it needs what was found no more. */
static int find(struct sqlite_store *s, struct slice project, uint16_t kind, struct slice id, struct found *f,
		sqlite3_stmt **ret_stmt)
{
	struct slice name = name_of(s, project, kind, id);
	sqlite3_stmt *stmt = *ret_stmt = NULL;
	int rc;

	f->n = 0;
	f->row = (struct object_row){ .project = project, .kind = kind, .id = id };
	if (find_near(s, name, f))
		return SQLITE_ROW;
	stmt = *ret_stmt = sqlite_statement(s, SQL_OBJECT_GET);
	sqlite_bind(stmt, 1, name);
	rc = sqlite_step(s, stmt);
	if (rc == SQLITE_ROW) {
		read_found(stmt, f);
		keep_near(s, f->n, &f->row, sqlite_bytes_of(stmt, 2));
	}
	return rc;
}

int sqlite_object_get(struct store *base, struct slice project, uint16_t kind, struct slice id, struct buf *ret,
		      struct fault *fault)
{
	struct sqlite_store *s = sqlite_of(base);
	sqlite3_stmt *stmt;
	struct found f;
	int rc;

	if (s->step_rc != SQLITE_OK)
		return sqlite_fault(s, s->step_rc, fault);
	rc = find(s, project, kind, id, &f, &stmt);
	if (f.n > 0 && !f.row.damaged && ret)
		buf_add_slice(ret, f.row.text);
	rc = sqlite_done(stmt, rc);
	if (rc != SQLITE_OK)
		return sqlite_object_result(s, rc, fault);
	if (f.n > 0 && f.row.damaged)
		return sqlite_damaged(s, "the object", id, fault);
	return f.n > 0 ? 0 : ERR_NOT_FOUND;
}

int sqlite_objects_due(struct store *base, int64_t upto_ms, uint32_t max, store_due_fn *fn, void *ctx,
		       struct fault *fault)
{
	struct sqlite_store *s = sqlite_of(base);
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_OBJECT_DUE);
	struct found f;
	int rc = s->step_rc;

	sqlite3_bind_int64(stmt, 1, upto_ms);
	sqlite3_bind_int64(stmt, 2, max);
	while (rc == SQLITE_OK && (rc = sqlite_step(s, stmt)) == SQLITE_ROW) {
		read_named(stmt, &f);
		rc = fn(ctx, &f.row) ? SQLITE_OK : SQLITE_DONE;
	}
	return sqlite_object_result(s, sqlite_done(stmt, rc), fault);
}

int sqlite_objects_next_due(struct store *base, int64_t *ret, struct fault *fault)
{
	struct sqlite_store *s = sqlite_of(base);
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_OBJECT_NEXT_DUE);
	int64_t due;
	int rc;

	if (s->step_rc != SQLITE_OK)
		return sqlite_fault(s, s->step_rc, fault);
	rc = sqlite_step(s, stmt);
	due = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : INT64_MAX;
	rc = sqlite_done(stmt, rc);
	if (rc == SQLITE_OK)
		*ret = due;
	return sqlite_object_result(s, rc, fault);
}

/* --- entries --- */

static int cut_entry(struct sqlite_store *s, struct slice entry)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_ENTRY_CUT);

	sqlite_bind(stmt, 1, entry);
	return sqlite_run(s, stmt);
}

/* Entries that wait in s->entries to be written together. */
struct waiting {
	size_t ends[ENTRY_MANY]; /* where each ends there */
	int count;
};

static int add_entries(struct sqlite_store *s, int64_t n, struct waiting *w)
{
	sqlite3_stmt *stmt;
	size_t start = 0;

	if (w->count == 0)
		return SQLITE_OK;
	stmt = sqlite_statement(s, SQL_ENTRY_ADD + (unsigned)w->count - 1);
	sqlite3_bind_int64(stmt, 1, n);
	for (int i = 0; i < w->count; i++) {
		sqlite_bind(stmt, i + 2, slice_of(s->entries.p + start, w->ends[i] - start));
		start = w->ends[i];
	}
	w->count = 0;
	return sqlite_run(s, stmt);
}

static bool has_key(const struct object_row *row, const struct object_key *key)
{
	for (uint32_t i = 0; i < row->key_count; i++)
		if (row->keys[i].field == key->field && slice_eq(row->keys[i].value, key->value))
			return true;
	return false;
}

/* The entries of the keys of a row that `but` does not have. */
static int add_keys(struct sqlite_store *s, int64_t n, const struct object_row *row, const struct object_row *but)
{
	struct waiting w = { .count = 0 };
	int rc = SQLITE_OK;

	buf_reset(&s->entries);
	for (uint32_t i = 0; i < row->key_count && rc == SQLITE_OK; i++) {
		if (has_key(but, &row->keys[i]))
			continue;
		sqlite_entry(s, &s->entries, row->project, row->kind, &row->keys[i], row->id);
		w.ends[w.count++] = s->entries.n;
		if (w.count < ENTRY_MANY)
			continue;
		rc = add_entries(s, n, &w);
		buf_reset(&s->entries);
	}
	return rc == SQLITE_OK ? add_entries(s, n, &w) : rc;
}

static int cut_keys(struct sqlite_store *s, const struct object_row *row, const struct object_row *but)
{
	int rc = SQLITE_OK;

	for (uint32_t i = 0; i < row->key_count && rc == SQLITE_OK; i++) {
		if (has_key(but, &row->keys[i]))
			continue;
		buf_reset(&s->entries);
		sqlite_entry(s, &s->entries, row->project, row->kind, &row->keys[i], row->id);
		rc = cut_entry(s, buf_slice(&s->entries));
	}
	return rc;
}

/*
 * Takes a name for object n, if nobody has it: most objects that are put are new, and this way their name is looked up
 * once. *ret_taken: it was free.
 */
static int take_name(struct sqlite_store *s, int64_t n, const struct object_row *row, bool *ret_taken)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_ENTRY_TAKE);
	int rc;

	sqlite3_bind_int64(stmt, 1, n);
	sqlite_bind(stmt, 2, name_of(s, row->project, row->kind, row->id));
	rc = sqlite_run(s, stmt);
	*ret_taken = rc == SQLITE_OK && sqlite3_changes64(s->db) == 1;
	return rc;
}

static int run_numbered(struct sqlite_store *s, enum sqlite_statement which, int64_t n)
{
	sqlite3_stmt *stmt = sqlite_statement(s, which);

	sqlite3_bind_int64(stmt, 1, n);
	return sqlite_run(s, stmt);
}

/* --- writing --- */

static int write_row(struct sqlite_store *s, enum sqlite_statement which, int64_t n, const struct object_row *row)
{
	sqlite3_stmt *stmt = sqlite_statement(s, which);
	int rc;

	buf_reset(&s->body);
	record_object(&s->body, n, row);
	sqlite3_bind_int64(stmt, 1, n);
	if (which != SQL_OBJECT_SET)
		sqlite3_bind_int64(stmt, 2, row->due_ms);
	sqlite_bind(stmt, 3, buf_slice(&s->body));
	if (which == SQL_OBJECT_ADD) {
		sqlite_bind(stmt, 4, row->project);
		sqlite3_bind_int(stmt, 5, row->kind);
		sqlite_bind(stmt, 6, row->id);
	}
	rc = sqlite_run(s, stmt);
	if (rc == SQLITE_OK)
		keep_near(s, n, row, buf_slice(&s->body));
	return rc;
}

/* Its name is in the index already. */
static int add_object(struct sqlite_store *s, int64_t n, const struct object_row *row)
{
	static const struct object_row nothing;
	int rc = write_row(s, SQL_OBJECT_ADD, n, row);

	return rc == SQLITE_OK ? add_keys(s, n, row, &nothing) : rc;
}

/*
 * Takes all of it away. The keys of a damaged row nobody knows, and its name may be another's: all entries are looked
 * through for its number, which takes long and hardly ever happens.
 */
static int cut_object(struct sqlite_store *s, const struct found *f)
{
	static const struct object_row nothing;
	int rc;

	if (f->row.damaged) {
		rc = run_numbered(s, SQL_ENTRY_CUT_ALL, f->n);
	} else {
		rc = cut_entry(s, name_of(s, f->row.project, f->row.kind, f->row.id));
		if (rc == SQLITE_OK)
			rc = cut_keys(s, &f->row, &nothing);
	}
	if (rc == SQLITE_OK)
		rc = run_numbered(s, SQL_OBJECT_CUT, f->n);
	sqlite_near_drop(s, name_of(s, f->row.project, f->row.kind, f->row.id));
	return rc;
}

static int put_over(struct sqlite_store *s, const struct object_row *row);

static bool is_near(struct sqlite_store *s, const struct object_row *row)
{
	struct sqlite_near near;

	return sqlite_near_find(s, name_of(s, row->project, row->kind, row->id), &near);
}

static int put_object(struct sqlite_store *s, const struct object_row *row)
{
	bool is_new = false;
	int rc = is_near(s, row) ? SQLITE_OK : take_name(s, s->last_object + 1, row, &is_new);

	if (rc != SQLITE_OK)
		return rc;
	return is_new ? add_object(s, ++s->last_object, row) : put_over(s, row);
}

static int replace_object(struct sqlite_store *s, const struct found *f, const struct object_row *row)
{
	int rc = cut_keys(s, &f->row, row);

	if (rc == SQLITE_OK)
		rc = add_keys(s, f->n, row, &f->row);
	if (rc == SQLITE_OK)
		rc = write_row(s, f->row.due_ms == row->due_ms ? SQL_OBJECT_SET : SQL_OBJECT_SET_DUE, f->n, row);
	return rc;
}

/* The name is taken: replaces what has it, or what is left of that where it is damaged. */
static int put_over(struct sqlite_store *s, const struct object_row *row)
{
	bool sound = false;
	sqlite3_stmt *stmt;
	struct found f;
	int rc = find(s, row->project, row->kind, row->id, &f, &stmt), end;

	if (rc == SQLITE_ROW && !f.row.damaged) {
		sound = true;
		rc = replace_object(s, &f, row);
	} else if (rc == SQLITE_ROW) {
		rc = cut_object(s, &f);
	} else if (rc == SQLITE_DONE) { /* an entry without its object */
		rc = cut_entry(s, name_of(s, row->project, row->kind, row->id));
	}
	end = sqlite_done(stmt, rc);
	return rc != SQLITE_OK || sound ? end : put_object(s, row);
}

void sqlite_object_put(struct store *base, const struct object_row *row)
{
	struct sqlite_store *s = sqlite_of(base);

	if (s->step_rc == SQLITE_OK)
		s->step_rc = put_object(s, row);
}

void sqlite_object_delete(struct store *base, struct slice project, uint16_t kind, struct slice id)
{
	struct sqlite_store *s = sqlite_of(base);
	sqlite3_stmt *stmt;
	struct found f;
	int rc, end;

	if (s->step_rc != SQLITE_OK)
		return;
	rc = find(s, project, kind, id, &f, &stmt);
	if (rc == SQLITE_ROW)
		s->step_rc = cut_object(s, &f);
	end = sqlite_done(stmt, rc);
	if (s->step_rc == SQLITE_OK)
		s->step_rc = end;
}

/* The number of the object that the first entry of a project belongs to; 0 when it has none. */
static int first_object(struct sqlite_store *s, const struct buf *low, const struct buf *high, int64_t *ret_n)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_ENTRY_FIRST);
	int rc;

	sqlite_bind(stmt, 1, buf_slice(low));
	sqlite_bind(stmt, 2, buf_slice(high));
	rc = sqlite_step(s, stmt);
	*ret_n = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 1) : 0;
	return sqlite_done(stmt, rc);
}

/* Where an entry was left behind without its object, all of that number go. */
static int drop_object(struct sqlite_store *s, int64_t n)
{
	sqlite3_stmt *stmt = sqlite_statement(s, SQL_OBJECT_NAMED);
	struct found f;
	int rc, end;

	sqlite3_bind_int64(stmt, 1, n);
	rc = sqlite_step(s, stmt);
	if (rc == SQLITE_ROW) {
		read_named(stmt, &f);
		rc = cut_object(s, &f);
	} else if (rc == SQLITE_DONE) {
		rc = run_numbered(s, SQL_ENTRY_CUT_ALL, n);
	}
	end = sqlite_done(stmt, rc);
	return rc == SQLITE_OK ? end : rc;
}

uint32_t sqlite_objects_drop(struct store *base, struct slice project, uint32_t max)
{
	struct sqlite_store *s = sqlite_of(base);
	struct buf low, high;
	uint32_t count = 0;
	int64_t n = 1;

	buf_init(&low, SIZE_MAX / 4);
	buf_init(&high, SIZE_MAX / 4);
	sqlite_entry_bounds(s, project, &low, &high);
	while (s->step_rc == SQLITE_OK && count < max && n > 0) {
		s->step_rc = first_object(s, &low, &high, &n);
		if (s->step_rc != SQLITE_OK || n == 0)
			break;
		s->step_rc = drop_object(s, n);
		count++;
	}
	buf_free(&low);
	buf_free(&high);
	return count;
}
