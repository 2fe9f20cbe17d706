/*
 * The row format: a tag byte (kind and version of the format in one), fields as varints, byte strings with their length
 * before them, at the end four bytes of checksum. A row is at most some MB, its parts were checked before they came
 * here, so writing cannot fail; reading trusts nothing, since it may look at what a dying disk made of it.
 */
#include "store/record.h"

#include <assert.h>

#include "base/map.h"
#include "base/mem.h"
#include "store/checksum.h"

enum { TAG_EVENT = 1, TAG_ATTEMPT = 2, TAG_PENDING = 3, TAG_OBJECT = 4 };

#define SUM_BYTES 4

void record_scratch_free(struct record_scratch *scratch)
{
	mem_free(scratch->items);
	*scratch = (struct record_scratch){ 0 };
}

static void *scratch_items(struct record_scratch *scratch, size_t size, uint32_t count)
{
	if (scratch->cap < size * count) {
		scratch->cap = size * count * 2;
		mem_free(scratch->items);
		scratch->items = mem_alloc(scratch->cap);
	}
	return scratch->items;
}

/* --- writing --- */

static void add_signed(struct buf *b, int64_t v)
{
	buf_add_varint(b, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
}

static void add_text(struct buf *b, struct slice s)
{
	buf_add_varint(b, s.n);
	buf_add_slice(b, s);
}

void record_seal(struct buf *b, size_t start, uint64_t name)
{
	uint32_t sum = (uint32_t)checksum(slice_from(buf_slice(b), start), name);

	buf_add(b, (const char[]){ (char)sum, (char)(sum >> 8), (char)(sum >> 16), (char)(sum >> 24) }, SUM_BYTES);
	assert(!buf_failed(b));
}

void record_event(struct buf *b, int64_t seq, const struct event_row *row)
{
	size_t start = b->n;

	buf_add_char(b, TAG_EVENT);
	add_signed(b, row->accepted_ms);
	add_text(b, row->project);
	add_text(b, row->id);
	add_text(b, row->message_id);
	add_text(b, row->text);
	record_seal(b, start, (uint64_t)seq);
}

void record_attempt(struct buf *b, int64_t seq, const struct attempt_row *row)
{
	size_t start = b->n;
	int64_t before = 0;

	buf_add_char(b, TAG_ATTEMPT);
	buf_add_varint(b, row->endpoint);
	buf_add_varint(b, row->revision);
	buf_add_varint(b, row->attempt);
	add_signed(b, row->time_ms);
	buf_add_varint(b, row->outcome);
	add_signed(b, row->code);
	add_text(b, row->delivery_id);
	add_text(b, row->detail);
	buf_add_varint(b, row->item_count);
	for (uint32_t i = 0; i < row->item_count; i++) {
		add_signed(b, row->items[i].event_seq - before);
		buf_add_varint(b, row->items[i].attempts);
		buf_add_varint(b, row->items[i].fate);
		before = row->items[i].event_seq;
	}
	record_seal(b, start, (uint64_t)seq);
}

static uint64_t pending_name(const struct pending_row *row)
{
	return hash_u64(row->endpoint) + hash_u64((uint64_t)row->id) * 3 + row->attempts;
}

void record_pending(struct buf *b, const struct pending_row *row)
{
	size_t start = b->n;
	int64_t before = row->id;

	buf_add_char(b, TAG_PENDING);
	buf_add_varint(b, row->revision);
	buf_add_varint(b, row->item_count);
	for (uint32_t i = 0; i < row->item_count; i++) {
		add_signed(b, row->items[i].event_seq - before);
		buf_add_varint(b, row->items[i].order_hash);
		buf_add_varint(b, row->items[i].attempts);
		before = row->items[i].event_seq;
	}
	record_seal(b, start, pending_name(row));
}

/* Its name is all that stands in columns of its own. */
static uint64_t object_name(int64_t n, const struct object_row *row)
{
	uint64_t seed = hash_u64((uint64_t)n) + hash_u64((uint64_t)row->due_ms) * 3 + row->kind;

	return checksum(row->id, checksum(row->project, seed));
}

void record_object(struct buf *b, int64_t n, const struct object_row *row)
{
	size_t start = b->n;

	buf_add_char(b, TAG_OBJECT);
	add_text(b, row->text);
	buf_add_varint(b, row->key_count);
	for (uint32_t i = 0; i < row->key_count; i++) {
		buf_add_varint(b, row->keys[i].field);
		add_text(b, row->keys[i].value);
	}
	record_seal(b, start, object_name(n, row));
}

/* --- reading --- */

static bool read_signed(struct slice *s, int64_t *ret)
{
	uint64_t v;

	if (!varint_read(s, &v))
		return false;
	*ret = (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
	return true;
}

/* A number of at most max. */
static bool read_number(struct slice *s, uint64_t max, uint64_t *ret)
{
	return varint_read(s, ret) && *ret <= max;
}

static bool read_text(struct slice *s, struct slice *ret)
{
	uint64_t n;

	if (!read_number(s, UINT64_MAX, &n) || n > s->n)
		return false;
	*ret = slice_of(s->p, (size_t)n);
	*s = slice_from(*s, (size_t)n);
	return true;
}

static bool read_tag(struct slice *s, int tag)
{
	if (s->n == 0 || s->p[0] != tag)
		return false;
	*s = slice_from(*s, 1);
	return true;
}

bool record_unseal(struct slice *s, uint64_t name)
{
	const uint8_t *p;
	struct slice content;

	if (s->n < SUM_BYTES)
		return false;
	content = slice_of(s->p, s->n - SUM_BYTES);
	p = (const uint8_t *)s->p + content.n;
	if ((uint32_t)checksum(content, name) !=
	    ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24))
		return false;
	*s = content;
	return true;
}

/* An item takes three bytes at least: a count that promises more than there are bytes asks for no memory. */
static bool read_count(struct slice *s, uint32_t *ret)
{
	uint64_t n;

	if (!read_number(s, UINT32_MAX, &n) || n > s->n / 3)
		return false;
	*ret = (uint32_t)n;
	return true;
}

static bool read_event(struct slice s, struct event_row *ret)
{
	return read_tag(&s, TAG_EVENT) && read_signed(&s, &ret->accepted_ms) && read_text(&s, &ret->project) &&
	       read_text(&s, &ret->id) && read_text(&s, &ret->message_id) && read_text(&s, &ret->text) && s.n == 0;
}

static bool read_attempt_items(struct slice *s, struct attempt_item *items, uint32_t count)
{
	int64_t delta, before = 0;
	uint64_t attempts, fate;

	for (uint32_t i = 0; i < count; i++) {
		if (!read_signed(s, &delta) || !read_number(s, UINT32_MAX, &attempts) ||
		    !read_number(s, UINT8_MAX, &fate))
			return false;
		before = (int64_t)((uint64_t)before + (uint64_t)delta);
		items[i] = (struct attempt_item){ before, (uint32_t)attempts, (uint8_t)fate };
	}
	return true;
}

static bool read_attempt(struct slice s, struct record_scratch *scratch, struct attempt_row *ret)
{
	uint64_t revision, attempt, outcome;
	struct attempt_item *items;
	int64_t code;

	if (!read_tag(&s, TAG_ATTEMPT) || !varint_read(&s, &ret->endpoint) || !read_number(&s, UINT32_MAX, &revision) ||
	    !read_number(&s, UINT32_MAX, &attempt) || !read_signed(&s, &ret->time_ms) ||
	    !read_number(&s, UINT8_MAX, &outcome) || !read_signed(&s, &code) || code != (int16_t)code ||
	    !read_text(&s, &ret->delivery_id) || !read_text(&s, &ret->detail) || !read_count(&s, &ret->item_count))
		return false;
	ret->revision = (uint32_t)revision;
	ret->attempt = (uint32_t)attempt;
	ret->outcome = (uint8_t)outcome;
	ret->code = (int16_t)code;
	ret->items = items = scratch_items(scratch, sizeof(*items), ret->item_count);
	return read_attempt_items(&s, items, ret->item_count) && s.n == 0;
}

void record_read_log(struct slice bytes, int64_t seq, struct record_scratch *scratch, struct log_row *ret)
{
	bool sound = record_unseal(&bytes, (uint64_t)seq);

	*ret = (struct log_row){ .seq = seq, .is_event = bytes.n > 0 && bytes.p[0] == TAG_EVENT };
	if (ret->is_event)
		ret->damaged = !sound || !read_event(bytes, &ret->u.event);
	else
		ret->damaged = !sound || !read_attempt(bytes, scratch, &ret->u.attempt);
	if (ret->damaged)
		*ret = (struct log_row){ .seq = seq, .damaged = true };
	else if (ret->is_event)
		ret->u.event.seq = seq;
	else
		ret->u.attempt.seq = seq;
}

static bool read_pending(struct slice s, struct record_scratch *scratch, struct pending_row *row)
{
	uint64_t revision, order, attempts;
	int64_t delta, before = row->id;
	struct pending_item *items;

	if (!record_unseal(&s, pending_name(row)) || !read_tag(&s, TAG_PENDING) ||
	    !read_number(&s, UINT32_MAX, &revision) || !read_count(&s, &row->item_count))
		return false;
	row->revision = (uint32_t)revision;
	row->items = items = scratch_items(scratch, sizeof(*items), row->item_count);
	for (uint32_t i = 0; i < row->item_count; i++) {
		if (!read_signed(&s, &delta) || !varint_read(&s, &order) || !read_number(&s, UINT32_MAX, &attempts))
			return false;
		before = (int64_t)((uint64_t)before + (uint64_t)delta);
		items[i] = (struct pending_item){ before, order, (uint32_t)attempts };
	}
	return s.n == 0;
}

void record_read_pending(struct slice bytes, struct record_scratch *scratch, struct pending_row *row)
{
	row->damaged = !read_pending(bytes, scratch, row);
	if (!row->damaged)
		return;
	row->revision = 0;
	row->items = NULL;
	row->item_count = 0;
}

static bool read_object(struct slice s, int64_t n, struct object_key keys[OBJECT_KEYS_MAX], struct object_row *row)
{
	uint64_t count, field;

	if (!record_unseal(&s, object_name(n, row)) || !read_tag(&s, TAG_OBJECT) || !read_text(&s, &row->text) ||
	    !read_number(&s, OBJECT_KEYS_MAX, &count))
		return false;
	for (uint64_t i = 0; i < count; i++) {
		if (!read_number(&s, UINT16_MAX, &field) || !read_text(&s, &keys[i].value))
			return false;
		keys[i].field = (uint16_t)field;
	}
	row->keys = keys;
	row->key_count = (uint32_t)count;
	return s.n == 0;
}

void record_read_object(struct slice bytes, int64_t n, struct object_key keys[OBJECT_KEYS_MAX], struct object_row *row)
{
	row->damaged = !read_object(bytes, n, keys, row);
	if (!row->damaged)
		return;
	row->text = SLICE_LIT("");
	row->keys = NULL;
	row->key_count = 0;
}

bool record_peek_event(struct slice bytes, struct slice *ret_project, struct slice *ret_id)
{
	int64_t accepted;

	return read_tag(&bytes, TAG_EVENT) && read_signed(&bytes, &accepted) && read_text(&bytes, ret_project) &&
	       read_text(&bytes, ret_id);
}

int64_t record_time(const struct log_row *row)
{
	if (row->damaged)
		return 0;
	return row->is_event ? row->u.event.accepted_ms : row->u.attempt.time_ms;
}
