/*
 * By which members the objects of each kind are indexed, as a table: each row costs a write when an object is made and
 * two when the member changes, so there are rows only for what lists are sorted by or often filtered by, and for what
 * the hub itself looks up.
 *
 * Objects may come with ids that others made, so among the messages of one contact the order of ids is not that of
 * time: where a kind has a time, entries for equality carry it behind the value and a zero byte. What a list can be
 * sorted by has an entry in any case, an empty one when the member is absent, or objects would be missing from the
 * list.
 */
#include "base/text.h"
#include "hub/record_parts.h"

#define TIMED_TAIL 9 /* a zero byte and the time */
#define TEXT_CUT   (OBJECT_VALUE_MAX - TIMED_TAIL)

enum key_how { HOW_TEXT, HOW_TIME, HOW_NUMBER, HOW_IDS, HOW_TRUE };

struct key_row {
	const char *member; /* NULL ends a kind's rows */
	uint8_t field, how;
	bool complete; /* absent: an entry with the empty value */
	bool timed;
};

static const struct key_row message_keys[] = {
	{ "time_created", FIELD_TIME, HOW_TIME, true, false },
	{ "contact_id", FIELD_CONTACT, HOW_TEXT, false, true },
	{ "phone_id", FIELD_PHONE, HOW_TEXT, false, true },
	{ "service_id", FIELD_SERVICE, HOW_TEXT, false, true },
	{ "broadcast_id", FIELD_BROADCAST, HOW_TEXT, false, true },
	{ "status", FIELD_STATUS, HOW_TEXT, false, true },
	{ "external_id", FIELD_EXTERNAL, HOW_TEXT, false, true },
	{ "starred", FIELD_STARRED, HOW_TRUE, false, true },
	{ "label_ids", FIELD_LABEL, HOW_IDS, false, true },
	{ 0 },
};
static const struct key_row contact_keys[] = {
	{ "time_created", FIELD_TIME, HOW_TIME, true, false },
	{ "name", FIELD_NAME, HOW_TEXT, true, false },
	{ "phone_number", FIELD_NUMBER, HOW_TEXT, true, false },
	{ "last_message_time", FIELD_UPDATED, HOW_TIME, true, false },
	{ "group_ids", FIELD_GROUP, HOW_IDS, false, true },
	{ 0 },
};
static const struct key_row named_keys[] = {
	{ "name", FIELD_NAME, HOW_TEXT, true, false },
	{ 0 },
};
static const struct key_row phone_keys[] = {
	{ "name", FIELD_NAME, HOW_TEXT, true, false },
	{ "phone_number", FIELD_NUMBER, HOW_TEXT, true, false },
	{ 0 },
};
static const struct key_row service_keys[] = {
	{ "name", FIELD_NAME, HOW_TEXT, true, false },
	{ "priority", FIELD_PRIORITY, HOW_NUMBER, true, false },
	{ 0 },
};
static const struct key_row state_keys[] = {
	{ "service_id", FIELD_SERVICE, HOW_TEXT, false, false },
	{ "contact_id", FIELD_CONTACT, HOW_TEXT, false, false },
	{ 0 },
};
static const struct key_row broadcast_keys[] = {
	{ "time_created", FIELD_TIME, HOW_TIME, true, false },
	{ "last_message_time", FIELD_UPDATED, HOW_TIME, true, false },
	{ 0 },
};
static const struct key_row log_keys[] = {
	{ "time_created", FIELD_TIME, HOW_TIME, true, false },
	{ "service_id", FIELD_SERVICE, HOW_TEXT, false, true },
	{ "message_id", FIELD_MESSAGE, HOW_TEXT, false, true },
	{ "contact_id", FIELD_CONTACT, HOW_TEXT, false, true },
	{ 0 },
};
static const struct key_row no_keys[] = { { 0 } };

static const struct key_row *const rows_of[KINDS] = {
	[KIND_MESSAGE] = message_keys, [KIND_CONTACT] = contact_keys,
	[KIND_GROUP] = named_keys,     [KIND_LABEL] = named_keys,
	[KIND_PHONE] = phone_keys,     [KIND_SERVICE] = service_keys,
	[KIND_STATE] = state_keys,     [KIND_BROADCAST] = broadcast_keys,
	[KIND_SERVICE_LOG] = log_keys, [KIND_LINK] = no_keys,
	[KIND_MAIL] = no_keys,	       [KIND_PROJECT] = no_keys,
};

static const struct key_row *row_of(enum kind kind, enum field field)
{
	for (const struct key_row *row = rows_of[kind]; row->member; row++)
		if (row->field == field)
			return row;
	return NULL;
}

bool keys_are_timed(enum kind kind, enum field field)
{
	const struct key_row *row = row_of(kind, field);

	return row && row->timed;
}

bool keys_are_complete(enum kind kind, enum field field)
{
	const struct key_row *row = row_of(kind, field);

	return field == FIELD_ID || (row && row->complete);
}

/* --- values --- */

static struct slice big_endian(struct arena *a, uint64_t v)
{
	char *p = arena_alloc(a, 8);

	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (char)(v & 0xff);
	return slice_of(p, 8);
}

struct slice keys_number(struct arena *a, int64_t v)
{
	return big_endian(a, (uint64_t)v ^ (UINT64_C(1) << 63));
}

struct slice keys_time(struct arena *a, int64_t seconds)
{
	if (seconds < 0)
		seconds = 0;
	return big_endian(a, seconds > INT64_MAX / 1000 ? INT64_MAX : (uint64_t)seconds * 1000);
}

/* The small letter of a capital one, for the alphabets of Latin, Greek and Cyrillic. */
static uint32_t lower(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	/* Latin Extended-A alternates; in two runs the capital one is odd */
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c & 1 ? c + 1 : c;
	if (c >= 0x100 && c <= 0x177 && c != 0x130 && c != 0x138 && c != 0x149)
		return c & 1 ? c : c + 1;
	return c;
}

static struct slice lower_case(struct arena *a, struct slice s)
{
	char *p = arena_alloc(a, s.n + 1), *to = p; /* a small letter is never longer */

	while (s.n > 0) {
		uint32_t rune;
		size_t n = utf8_next(s, &rune);

		if (n > 0)
			to += utf8_write(to, lower(rune));
		else
			*to++ = s.p[0]; /* of a rune that was cut */
		s = slice_from(s, n > 0 ? n : 1);
	}
	return slice_of(p, (size_t)(to - p));
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The digits of a number; a text with a letter in it is no number and stays. */
static struct slice number_digits(struct arena *a, struct slice s)
{
	char *p = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if ((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') || (uint8_t)s.p[i] >= 0x80)
			return s;
		if (is_digit(s.p[i]))
			p[n++] = s.p[i];
	}
	return slice_of(p, n);
}

struct slice keys_text(struct arena *a, enum field field, struct slice text)
{
	if (text.n > TEXT_CUT)
		text.n = TEXT_CUT;
	if (field == FIELD_NAME)
		text = lower_case(a, text);
	else if (field == FIELD_NUMBER)
		text = number_digits(a, text);
	if (text.n > TEXT_CUT)
		text.n = TEXT_CUT;
	return text;
}

/* --- the keys of a record --- */

struct keys {
	struct object_key *out;
	uint32_t count;
	struct arena *arena;
	struct slice time;
};

static void add_key(struct keys *k, const struct key_row *row, struct slice value)
{
	if (k->count == OBJECT_KEYS_MAX)
		return; /* more labels or groups than an object can be found by (rest: 20) */
	if (row->timed) {
		char *p = arena_alloc(k->arena, value.n + TIMED_TAIL);

		memcpy(p, value.p, value.n);
		p[value.n] = '\0';
		memcpy(p + value.n + 1, k->time.p, k->time.n);
		value = slice_of(p, value.n + TIMED_TAIL);
	}
	k->out[k->count++] = (struct object_key){ row->field, value };
}

static void add_ids(struct keys *k, const struct key_row *row, struct record *r)
{
	struct slice id;

	if (record_raw(r, row->member).n <= 2) /* [] */
		return;
	for (size_t i = 0; record_list_at(r, row->member, i, &id); i++)
		add_key(k, row, keys_text(k->arena, row->field, id));
}

static void add_row(struct keys *k, const struct key_row *row, struct record *r)
{
	struct slice raw = record_raw(r, row->member);

	if (raw.n == 0) {
		if (row->complete)
			add_key(k, row, SLICE_LIT(""));
		return;
	}
	switch ((enum key_how)row->how) {
	case HOW_TEXT:
		add_key(k, row, keys_text(k->arena, row->field, record_text(r, row->member)));
		break;
	case HOW_TIME:
		add_key(k, row, keys_time(k->arena, record_i64(r, row->member, 0)));
		break;
	case HOW_NUMBER:
		add_key(k, row, keys_number(k->arena, record_i64(r, row->member, 0)));
		break;
	case HOW_IDS:
		add_ids(k, row, r);
		break;
	case HOW_TRUE:
		if (record_true(r, row->member))
			add_key(k, row, SLICE_LIT("1"));
		break;
	}
}

uint32_t keys_of(struct record *r, struct object_key keys[OBJECT_KEYS_MAX])
{
	struct keys k = { .out = keys, .arena = record_arena(r) };

	k.time = keys_time(k.arena, record_i64(r, "time_created", 0));
	for (const struct key_row *row = rows_of[record_kind(r)]; row->member; row++)
		add_row(&k, row, r);
	return k.count;
}

/* --- walking --- */

static struct slice with_byte(struct arena *a, struct slice s, char last)
{
	char *p = arena_alloc(a, s.n + 1);

	memcpy(p, s.p, s.n);
	p[s.n] = last;
	return slice_of(p, s.n + 1);
}

struct object_query record_query(struct deed *d, enum kind kind, enum field field, struct slice value)
{
	bool timed = keys_are_timed(kind, field);

	value = arena_slice(d->arena, keys_text(d->arena, field, value));
	return (struct object_query){ .project = d->project,
				      .kind = (uint16_t)kind,
				      .field = (uint16_t)field,
				      .from = timed ? with_byte(d->arena, value, '\0') : value,
				      .upto = with_byte(d->arena, value, timed ? '\1' : '\0'),
				      .has_upto = true };
}

struct first {
	struct deed *d;
	struct slice id;
};

static bool take_first(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct first *first = ctx;

	(void)value;
	(void)text;
	first->id = arena_slice(first->d->arena, id);
	return false;
}

struct record *record_first(struct deed *d, enum kind kind, enum field field, struct slice value)
{
	struct object_query q = record_query(d, kind, field, value);
	struct first first = { .d = d };

	book_walk(d->book, &q, false, take_first, &first);
	return record_load(d, kind, first.id);
}
