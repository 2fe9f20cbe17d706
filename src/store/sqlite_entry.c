/*
 * The index of the objects: one b-tree for all projects, kinds and fields, whose only key is a string of bytes, because
 * SQLite compares one string faster than five columns, and a walk is then a range of it.
 *
 *	project's hash (8)  kind (2)  field (2)  value, escaped  00 00  id
 *
 * Numbers stand with their high byte first. In a value 00 is written as 00 ff: so a value sorts before every longer one
 * that begins with it, whatever ids follow. The name of an object is the entry of field 0, which has neither value nor
 * 00 00. The hash is keyed and of 64 bits: two of 10,000 projects share one with a chance of 1 in 10^11.
 */
#include "store/sqlite_impl.h"

#define PREFIX_BYTES 12

/* --- writing --- */

static void put_number(char *p, uint64_t v, int bytes)
{
	while (bytes-- > 0) {
		p[bytes] = (char)v;
		v >>= 8;
	}
}

/* One project has many objects, so the next one is likely of the same. */
static uint64_t project_hash(struct sqlite_store *s, struct slice project)
{
	if (s->project.n == 0 || !slice_eq(buf_slice(&s->project), project)) {
		buf_reset(&s->project);
		buf_add_slice(&s->project, project);
		s->project_hash = hash_bytes(&s->index_key, project);
	}
	return s->project_hash;
}

static void add_prefix(struct sqlite_store *s, struct buf *b, struct slice project, unsigned kind, unsigned field)
{
	char prefix[PREFIX_BYTES];

	put_number(prefix, project_hash(s, project), 8);
	put_number(prefix + 8, kind, 2);
	put_number(prefix + 10, field, 2);
	buf_add(b, prefix, sizeof(prefix));
}

static void add_value(struct buf *b, struct slice value)
{
	size_t n;

	while ((n = slice_find(value, '\0')) < value.n) {
		buf_add(b, value.p, n);
		buf_add(b, "\0\xff", 2);
		value = slice_from(value, n + 1);
	}
	buf_add_slice(b, value);
}

void sqlite_entry(struct sqlite_store *s, struct buf *b, struct slice project, uint16_t kind,
		  const struct object_key *key, struct slice id)
{
	add_prefix(s, b, project, kind, key ? key->field : 0);
	if (key) {
		add_value(b, key->value);
		buf_add(b, "\0\0", 2);
	}
	buf_add_slice(b, id);
}

void sqlite_entry_bounds(struct sqlite_store *s, struct slice project, struct buf *low, struct buf *high)
{
	add_prefix(s, low, project, 0, 0);
	add_prefix(s, high, project, UINT16_MAX, UINT16_MAX);
}

/* --- reading --- */

/* The bytes before the id; values with 00 in them are put together in `plain`. */
static bool read_value(struct slice *s, struct buf *plain, struct slice *ret)
{
	size_t n = slice_find(*s, '\0');

	buf_reset(plain);
	for (;;) {
		if (s->n < n + 2)
			return false;
		if (s->p[n + 1] == '\0')
			break;
		buf_add(plain, s->p, n + 1);
		*s = slice_from(*s, n + 2);
		n = slice_find(*s, '\0');
	}
	*ret = slice_of(s->p, n);
	if (plain->n > 0) {
		buf_add(plain, s->p, n);
		*ret = buf_slice(plain);
	}
	*s = slice_from(*s, n + 2);
	return true;
}

static bool read_entry(struct slice s, uint16_t field, struct buf *plain, struct slice *ret_value, struct slice *ret_id)
{
	if (s.n < PREFIX_BYTES)
		return false;
	s = slice_from(s, PREFIX_BYTES);
	if (field > 0 && !read_value(&s, plain, ret_value))
		return false;
	*ret_id = s;
	if (field == 0)
		*ret_value = s;
	return true;
}

/* --- walking --- */

struct walk {
	struct sqlite_store *s;
	const struct object_query *q;
	struct buf low, high; /* entries at or after low and before high */
	struct buf plain;
};

static int slice_order(struct slice a, struct slice b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

static void add_bound(const struct walk *w, struct buf *b, struct slice value)
{
	add_prefix(w->s, b, w->q->project, w->q->kind, w->q->field);
	if (w->q->field > 0)
		add_value(b, value);
	else
		buf_add_slice(b, value);
}

/* Moves one of the bounds to where the walk was left. */
static void go_on_after(struct walk *w)
{
	const struct object_query *q = w->q;
	struct object_key key = { q->field, q->after_value };
	struct buf *bound = q->descending ? &w->high : &w->low, after;
	int order;

	buf_init(&after, SIZE_MAX / 4);
	sqlite_entry(w->s, &after, q->project, q->kind, q->field > 0 ? &key : NULL, q->after_id);
	if (!q->descending)
		buf_add_char(&after, '\0'); /* the first thing behind it that there can be */
	order = slice_order(buf_slice(&after), buf_slice(bound));
	if (q->descending ? order < 0 : order > 0) {
		buf_reset(bound);
		buf_add_slice(bound, buf_slice(&after));
	}
	buf_free(&after);
}

static void walk_init(struct walk *w)
{
	buf_init(&w->low, SIZE_MAX / 4);
	buf_init(&w->high, SIZE_MAX / 4);
	buf_init(&w->plain, SIZE_MAX / 4);
	add_bound(w, &w->low, w->q->from);
	if (w->q->has_upto)
		add_bound(w, &w->high, w->q->upto);
	else
		add_prefix(w->s, &w->high, w->q->project, w->q->kind, w->q->field + 1U);
	if (w->q->has_after)
		go_on_after(w);
}

static void walk_free(struct walk *w)
{
	buf_free(&w->low);
	buf_free(&w->high);
	buf_free(&w->plain);
}

/* False when the walk is to end. What is damaged is passed over: store_object_get says so. */
static bool tell(struct walk *w, sqlite3_stmt *stmt, bool with_text, store_object_fn *fn, void *ctx)
{
	struct object_row row = { .project = w->q->project, .kind = w->q->kind };
	struct object_key keys[OBJECT_KEYS_MAX];
	struct slice value;

	if (!read_entry(sqlite_bytes_of(stmt, 0), w->q->field, &w->plain, &value, &row.id))
		return true;
	if (!with_text)
		return fn(ctx, value, row.id, SLICE_LIT(""));
	row.due_ms = sqlite3_column_int64(stmt, 2);
	record_read_object(sqlite_bytes_of(stmt, 3), sqlite3_column_int64(stmt, 1), keys, &row);
	return row.damaged || fn(ctx, value, row.id, row.text);
}

static enum sqlite_statement statement_of(const struct object_query *q, bool with_text)
{
	if (with_text)
		return q->descending ? SQL_OBJECT_BACK : SQL_OBJECT_WALK;
	return q->descending ? SQL_ENTRY_BACK : SQL_ENTRY_WALK;
}

int sqlite_object_walk(struct store *base, const struct object_query *q, bool with_text, store_object_fn *fn, void *ctx,
		       struct fault *fault)
{
	struct walk w = { .s = sqlite_of(base), .q = q };
	sqlite3_stmt *stmt = sqlite_statement(w.s, statement_of(q, with_text));
	int rc = w.s->step_rc;

	walk_init(&w);
	sqlite_bind(stmt, 1, buf_slice(&w.low));
	sqlite_bind(stmt, 2, buf_slice(&w.high));
	while (rc == SQLITE_OK && (rc = sqlite_step(w.s, stmt)) == SQLITE_ROW)
		rc = tell(&w, stmt, with_text, fn, ctx) ? SQLITE_OK : SQLITE_DONE;
	rc = sqlite_done(stmt, rc);
	walk_free(&w);
	return sqlite_object_result(w.s, rc, fault);
}
