/*
 * A record is the flat list of an object's members: names and raw JSON texts, slices of the text that was read or
 * of the arena. Nothing is decoded before it is asked for, so reading an object costs one pass of the JSON reader,
 * changing a member one new slice, and saving one copy. A removed member stays in the list with an empty text;
 * looking up is a walk over some forty names, of which nearly all differ in length or first letter.
 *
 * The id is kept in the row, not in the text; it is put in front as a member, so that whoever shows a record need not
 * think of it. Only a state's `id` is a member like others, the word that its service gave it. The due time is a member
 * of the text as well: a row that was read through an index does not carry it.
 */
#include "hub/record.h"

#include <inttypes.h>
#include <stdio.h>

#include "hub/hub_impl.h"
#include "hub/intake.h"
#include "hub/record_parts.h"

#define SPARE_MEMBERS 8
#define TEXT_MAX      (64u << 20)
#define DUE	      "_due_ms"

struct member {
	struct slice name; /* decoded */
	struct slice raw;  /* JSON text; empty: removed */
	bool odd;	   /* the name needs escapes when it is written */
};

struct record {
	struct arena *arena;
	enum kind kind;
	bool is_new;
	struct slice id;
	int64_t due_ms;
	struct member *members;
	uint32_t count, cap;
};

/* --- members --- */

static struct member *find(const struct record *r, struct slice name)
{
	for (struct member *m = r->members, *end = m + r->count; m < end; m++)
		if (m->name.n == name.n && memcmp(m->name.p, name.p, name.n) == 0)
			return m;
	return NULL;
}

/* Bytes that stand for themselves in a JSON string. */
static bool is_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];

		if (c < 0x20 || c == '"' || c == '\\' || c >= 0x80)
			return false;
	}
	return true;
}

/* s with quotes. */
static struct slice quoted(struct arena *a, struct slice s)
{
	struct buf b;
	char *p;

	if (!is_plain(s)) {
		buf_init(&b, TEXT_MAX);
		json_add_string(&b, s);
		return arena_take_buf(a, &b);
	}
	p = arena_alloc(a, s.n + 2);
	p[0] = '"';
	if (s.n > 0)
		memcpy(p + 1, s.p, s.n);
	p[s.n + 1] = '"';
	return slice_of(p, s.n + 2);
}

static void add(struct record *r, struct slice name, struct slice raw, bool odd)
{
	if (r->count == r->cap) {
		struct member *old = r->members;

		r->cap += r->cap + SPARE_MEMBERS;
		r->members = arena_alloc(r->arena, r->cap * sizeof(*r->members));
		if (r->count > 0)
			memcpy(r->members, old, r->count * sizeof(*old));
	}
	r->members[r->count++] = (struct member){ name, raw, odd };
}

/* raw lives as long as the record. */
static void put(struct record *r, const char *name, struct slice raw)
{
	struct member *m = find(r, slice_str(name));

	if (m)
		m->raw = raw;
	else if (raw.n > 0)
		add(r, arena_slice(r->arena, slice_str(name)), raw, !is_plain(slice_str(name)));
}

/* --- making, reading --- */

static struct record *record_make(struct deed *d, enum kind kind, struct slice id, uint32_t members)
{
	struct record *r = arena_alloc(d->arena, sizeof(*r));

	*r = (struct record){ .arena = d->arena, .kind = kind, .id = id, .cap = members + SPARE_MEMBERS };
	r->members = arena_alloc(d->arena, r->cap * sizeof(*r->members));
	if (kind != KIND_STATE)
		add(r, SLICE_LIT("id"), quoted(d->arena, id), false);
	return r;
}

struct record *record_new(struct deed *d, enum kind kind, const char *id)
{
	char made[HUB_ID_BYTES];
	struct record *r;

	if (!id) {
		kind_id(d->hub, kind, d->now_ms, made);
		id = made;
	}
	r = record_make(d, kind, arena_slice(d->arena, slice_str(id)), 2 * SPARE_MEMBERS);
	r->is_new = true;
	record_set_i64(r, "time_created", d->now_ms / 1000);
	return r;
}

static void read_members(struct record *r, const struct json_doc *doc)
{
	struct json_iter it = json_each(json_root(doc));

	while (json_next(&it)) {
		struct slice name = json_escaped_text(it.key);
		bool odd = doc->nodes[it.key.at].escaped;
		struct buf b;

		if (odd) {
			buf_init(&b, TEXT_MAX);
			json_text(it.key, &b);
			name = arena_take_buf(r->arena, &b);
		}
		if (slice_is(name, DUE))
			json_i64(it.value, &r->due_ms);
		else
			add(r, name, json_raw(it.value), odd);
	}
}

/* text is the record's from now on. */
static struct record *parse(struct deed *d, enum kind kind, struct slice id, struct slice text)
{
	struct record *r = NULL;
	struct json_doc doc;

	json_doc_init(&doc);
	if (!json_parse(&doc, text, &json_limits_default, NULL)) {
		r = record_make(d, kind, arena_slice(d->arena, id), doc.count / 2);
		read_members(r, &doc);
	}
	json_doc_free(&doc);
	return r;
}

struct record *record_read(struct deed *d, enum kind kind, struct slice id, struct slice text)
{
	return parse(d, kind, id, arena_slice(d->arena, text));
}

struct record *record_load(struct deed *d, enum kind kind, struct slice id)
{
	struct record *r = NULL;
	struct buf text;

	if (id.n == 0)
		return NULL;
	buf_init(&text, TEXT_MAX);
	if (book_get(d->book, d->project, (uint16_t)kind, id, &text))
		r = record_read(d, kind, id, buf_slice(&text));
	buf_free(&text);
	return r;
}

/* --- saving --- */

static char *append(char *p, struct slice s)
{
	memcpy(p, s.p, s.n);
	return p + s.n;
}

static bool is_stored(const struct record *r, const struct member *m)
{
	return m->raw.n > 0 && (m != r->members || r->kind == KIND_STATE);
}

static struct slice escaped_name(struct record *r, const struct member *m)
{
	struct buf b;

	if (!m->odd)
		return m->name;
	buf_init(&b, TEXT_MAX);
	json_add_escaped(&b, m->name);
	return arena_take_buf(r->arena, &b);
}

/* All members as one object; `last` ends it. */
static struct slice write_text(struct record *r, struct slice last)
{
	size_t size = 2 + last.n;
	char *text, *p;

	for (uint32_t i = 0; i < r->count; i++)
		size += 6 * r->members[i].name.n + r->members[i].raw.n + 4;
	text = p = arena_alloc(r->arena, size);
	*p++ = '{';
	for (uint32_t i = 0; i < r->count; i++) {
		if (!is_stored(r, &r->members[i]))
			continue;
		if (p > text + 1)
			*p++ = ',';
		*p++ = '"';
		p = append(p, escaped_name(r, &r->members[i]));
		*p++ = '"';
		*p++ = ':';
		p = append(p, r->members[i].raw);
	}
	if (last.n > 0 && p > text + 1)
		*p++ = ',';
	p = append(p, last);
	*p++ = '}';
	return slice_of(text, (size_t)(p - text));
}

void record_save(struct deed *d, struct record *r)
{
	struct object_key keys[OBJECT_KEYS_MAX];
	struct object_row row = {
		.project = d->project, .kind = (uint16_t)r->kind, .id = r->id, .due_ms = r->due_ms, .keys = keys
	};
	char due[48] = "";

	if (r->due_ms != OBJECT_NEVER_DUE)
		snprintf(due, sizeof(due), "\"" DUE "\":%" PRId64, r->due_ms);
	row.text = write_text(r, slice_str(due));
	row.key_count = keys_of(r, keys);
	book_put(d->book, &row);
	intake_note(d->hub, d->project);
	if (r->due_ms != OBJECT_NEVER_DUE)
		tick_poke(d->hub->tick, r->due_ms); /* here, so that nobody can forget it */
}

void record_delete(struct deed *d, struct record *r)
{
	book_delete(d->book, d->project, (uint16_t)r->kind, r->id);
}

/* --- asking --- */

enum kind record_kind(const struct record *r)
{
	return r->kind;
}

struct arena *record_arena(const struct record *r)
{
	return r->arena;
}

bool record_member(const struct record *r, size_t i, struct slice *ret_name, struct slice *ret_raw)
{
	if (i >= r->count)
		return false;
	*ret_name = r->members[i].name;
	*ret_raw = r->members[i].raw;
	return true;
}

struct slice record_id(const struct record *r)
{
	return r->id;
}

bool record_is_new(const struct record *r)
{
	return r->is_new;
}

struct slice record_raw(const struct record *r, const char *name)
{
	const struct member *m = find(r, slice_str(name));

	return m ? m->raw : SLICE_LIT("");
}

struct slice record_text(struct record *r, const char *name)
{
	return record_decode(r->arena, record_raw(r, name));
}

struct slice record_decode(struct arena *a, struct slice raw)
{
	struct json_doc doc;
	struct buf text;

	if (raw.n < 2 || raw.p[0] != '"')
		return slice_is(raw, "null") ? SLICE_LIT("") : raw;
	if (!memchr(raw.p, '\\', raw.n))
		return slice_of(raw.p + 1, raw.n - 2);
	json_doc_init(&doc);
	buf_init(&text, TEXT_MAX);
	if (!json_parse(&doc, raw, &json_limits_default, NULL))
		json_text(json_root(&doc), &text);
	json_doc_free(&doc);
	return arena_take_buf(a, &text);
}

int64_t record_i64(const struct record *r, const char *name, int64_t otherwise)
{
	struct slice raw = record_raw(r, name);
	long long v;

	return slice_to_i64(raw, &v) ? v : otherwise;
}

bool record_true(const struct record *r, const char *name)
{
	return slice_is(record_raw(r, name), "true");
}

/* --- changing --- */

void record_set(struct record *r, const char *name, struct slice json)
{
	if (slice_is(json, "null"))
		json.n = 0;
	put(r, name, json.n > 0 ? arena_slice(r->arena, json) : json);
}

void record_set_text(struct record *r, const char *name, struct slice text)
{
	put(r, name, quoted(r->arena, text));
}

void record_set_given(struct record *r, const char *name, struct slice text)
{
	if (text.n > 0)
		record_set_text(r, name, text);
}

void record_set_i64(struct record *r, const char *name, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, v);
	put(r, name, arena_slice(r->arena, slice_str(text)));
}

void record_set_bool(struct record *r, const char *name, bool v)
{
	put(r, name, v ? SLICE_LIT("true") : SLICE_LIT("false"));
}

void record_unset(struct record *r, const char *name)
{
	put(r, name, SLICE_LIT(""));
}

void record_set_due(struct record *r, int64_t due_ms)
{
	r->due_ms = due_ms;
}

int64_t record_due(const struct record *r)
{
	return r->due_ms;
}

/* --- showing --- */

void record_write(const struct deed *d, const struct record *r, struct json_writer *w)
{
	json_begin_object(w);
	for (uint32_t i = 0; i < r->count; i++) {
		const struct member *m = &r->members[i];

		if (m->raw.n == 0 || slice_starts(m->name, SLICE_LIT("_")))
			continue;
		json_key_slice(w, m->name);
		json_put_raw(w, m->raw);
	}
	json_member_string(w, "project_id", d->project);
	json_end_object(w);
}
