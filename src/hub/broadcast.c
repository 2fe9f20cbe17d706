/*
 * Broadcasts: one content to many. The call only writes down whom it goes to and tells that there is a broadcast; the
 * messages are made afterwards, a part at a time, by what is due (tick.c), so that a group of a million holds nobody up
 * and a restart goes on where it was. `_at` and `_after` say how far it is: the number of recipients
 * done of a list, the place in the index of a group.
 *
 *	queuing -> sending -> complete		all made; none of them waits any more
 *	   `---------`-----> cancelled		what still waits is cancelled, in parts as well
 *
 * Its counts change with every status of its messages, each time from the store and back to it: whoever makes messages
 * of a broadcast in the hand loses what was counted meanwhile, so broadcast_step loads it again before it saves.
 */
#include "hub/broadcast.h"

#include <stdio.h>

#include "base/text.h"
#include "hub/message_parts.h"
#include "hub/tick.h"

#define PART 100 /* messages made, or looked at, in one commit */

static const char *const counted[] = { "queued",    "sent",	     "failed",	 "failed_queued",
				       "delivered", "not_delivered", "cancelled" };
#define COUNTED (sizeof(counted) / sizeof(counted[0]))

/* --- counts --- */

static void read_counts(struct record *b, int64_t counts[COUNTED])
{
	for (size_t i = 0; i < COUNTED; i++) {
		struct slice raw = record_var_raw(b, "status_counts", slice_str(counted[i]));
		long long n = 0;

		slice_to_i64(raw, &n);
		counts[i] = n;
	}
}

static void write_counts(struct record *b, const int64_t counts[COUNTED])
{
	struct json_writer w;
	struct buf out;

	buf_init(&out, 1024);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	for (size_t i = 0; i < COUNTED; i++)
		json_member_i64(&w, counted[i], counts[i]);
	json_end_object(&w);
	record_set(b, "status_counts", buf_slice(&out));
	buf_free(&out);
}

static size_t place_of(struct slice status)
{
	struct slice word = status_counted(status);
	size_t i = 0;

	while (!slice_is(word, counted[i]))
		i++;
	return i;
}

/* Queued and failed_queued ones still wait. */
static bool any_waits(const int64_t counts[COUNTED])
{
	return counts[0] > 0 || counts[3] > 0;
}

static void end_when_done(struct record *b, const int64_t counts[COUNTED])
{
	if (slice_is(record_text(b, "status"), "sending") && !any_waits(counts))
		record_set_text(b, "status", SLICE_LIT("complete"));
}

void broadcast_count(struct deed *d, struct slice broadcast_id, struct slice from, struct slice to)
{
	struct record *b = record_load(d, KIND_BROADCAST, broadcast_id);
	int64_t counts[COUNTED], now = d->now_ms / 1000;

	if (!b)
		return;
	read_counts(b, counts);
	counts[place_of(to)]++;
	if (from.n > 0) {
		counts[place_of(from)]--;
		record_set_i64(b, "last_send_time", now);
	} else {
		record_set_i64(b, "message_count", record_i64(b, "message_count", 0) + 1);
		record_set_i64(b, "last_message_time", now);
	}
	write_counts(b, counts);
	end_when_done(b, counts);
	record_save(d, b);
}

static void count_one(struct deed *d, struct slice broadcast_id, const char *member, const char *time_member)
{
	struct record *b = record_load(d, KIND_BROADCAST, broadcast_id);

	if (!b)
		return;
	record_set_i64(b, member, record_i64(b, member, 0) + 1);
	if (time_member)
		record_set_i64(b, time_member, d->now_ms / 1000);
	record_save(d, b);
}

void broadcast_clicked(struct deed *d, struct slice broadcast_id)
{
	count_one(d, broadcast_id, "clicked_count", NULL);
}

void broadcast_replied(struct deed *d, struct slice broadcast_id)
{
	count_one(d, broadcast_id, "reply_count", "last_reply_time");
}

/* --- a part of its messages --- */

/* What all messages of the broadcast have in common; docs holds what is JSON of it. */
struct template
{
	struct message_send ask;
	struct json_doc docs[4];
};

static struct json parse_member(struct record *b, const char *name, struct json_doc *doc)
{
	struct slice raw = record_raw(b, name);

	json_doc_init(doc);
	if (raw.n == 0 || json_parse(doc, raw, &json_limits_default, NULL) != 0)
		return (struct json){ 0 };
	return json_root(doc);
}

static void template_begin(struct template *t, struct record *b)
{
	t->ask = (struct message_send){ .content = record_text(b, "content"),
					.message_type = record_text(b, "message_type"),
					.route_id = record_text(b, "route_id"),
					.status_url = record_text(b, "_status_url"),
					.status_secret = record_text(b, "_status_secret"),
					.service_id = record_text(b, "service_id"),
					.priority = record_text(b, "_priority"),
					.audio_url = record_text(b, "audio_url"),
					.tts_lang = record_text(b, "tts_lang"),
					.tts_voice = record_text(b, "tts_voice"),
					.broadcast_id = record_id(b),
					.source = record_text(b, "source"),
					.replace_variables = record_true(b, "replace_variables"),
					.track_clicks = record_true(b, "track_clicks"),
					.simulated = record_true(b, "simulated"),
					.tell_queued = true };
	t->ask.vars = parse_member(b, "vars", &t->docs[0]);
	t->ask.label_ids = parse_member(b, "label_ids", &t->docs[1]);
	t->ask.media = parse_member(b, "_media_urls", &t->docs[2]);
	t->ask.route_params = parse_member(b, "route_params", &t->docs[3]);
}

static void template_end(struct template *t)
{
	for (size_t i = 0; i < sizeof(t->docs) / sizeof(t->docs[0]); i++)
		json_doc_free(&t->docs[i]);
}

/* One part: where it begins, how far it came, and whether that was all. */
struct part {
	struct slice at, after; /* after: of two parts, the second one; not used by lists of numbers */
	bool last;
};

/* Blocked contacts, contacts without a number, a route that is gone: left out, as estimated_count is an estimate. */
static void send_one(struct deed *d, struct template *t)
{
	struct fault ignored = NO_FAULT;

	message_send(d, &t->ask, NULL, &ignored);
}

static struct slice decimal(struct deed *d, long long n)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", n);
	return arena_slice(d->arena, slice_str(text));
}

static void send_to_numbers(struct deed *d, struct record *b, struct template *t, struct part *part)
{
	long long done = 0;
	struct json_doc doc;
	struct json recipients = parse_member(b, "recipients", &doc);
	struct buf number;

	slice_to_i64(part->at, &done);
	buf_init(&number, 4096);
	part->last = true;
	for (struct json_iter it = json_each(recipients); json_next(&it) && part->last;) {
		if (it.index < done)
			continue;
		if (it.index == done + PART) {
			part->last = false;
			break;
		}
		t->ask.to_number = json_text_slice(json_get(it.value, "phone_number"), &number);
		send_one(d, t);
	}
	part->at = decimal(d, done + PART);
	buf_free(&number);
	json_doc_free(&doc);
}

/* Ids of a part of an index, gathered because nothing may be written during a walk. */
struct ids {
	struct deed *d;
	struct slice id[PART], last_value;
	size_t count;
};

static bool gather(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct ids *ids = ctx;

	(void)text;
	ids->id[ids->count++] = arena_slice(ids->d->arena, id);
	ids->last_value = arena_slice(ids->d->arena, value);
	return ids->count < PART;
}

/* Keys may be any bytes, members of a record are text: the place in the index is kept in hex. */
static void walk_part(struct deed *d, struct object_query *q, struct part *part, struct ids *ids)
{
	struct buf hex;
	char *value = arena_alloc(d->arena, part->at.n / 2 + 1);

	*ids = (struct ids){ .d = d };
	if (part->at.n > 0 && hex_read(part->at, value, part->at.n / 2)) {
		q->has_after = true;
		q->after_value = slice_of(value, part->at.n / 2);
		q->after_id = part->after;
	}
	book_walk(d->book, q, false, gather, ids);
	part->last = ids->count < PART;
	if (ids->count == 0)
		return;
	buf_init(&hex, 2 * OBJECT_VALUE_MAX + 1);
	hex_add(&hex, ids->last_value.p, ids->last_value.n);
	part->at = arena_slice(d->arena, buf_slice(&hex));
	part->after = ids->id[ids->count - 1];
	buf_free(&hex);
}

static void send_to_group(struct deed *d, struct record *b, struct template *t, struct part *part)
{
	struct object_query q = record_query(d, KIND_CONTACT, FIELD_GROUP, record_text(b, "_group_id"));
	struct slice excluded = record_text(b, "_exclude_contact_id");
	struct ids ids;

	walk_part(d, &q, part, &ids);
	for (size_t i = 0; i < ids.count; i++) {
		if (slice_eq(ids.id[i], excluded))
			continue;
		t->ask.contact_id = ids.id[i];
		send_one(d, t);
	}
}

static void send_part(struct deed *d, struct record *b, struct part *part)
{
	struct template t;

	template_begin(&t, b);
	if (record_raw(b, "_group_id").n > 0)
		send_to_group(d, b, &t, part);
	else
		send_to_numbers(d, b, &t, part);
	template_end(&t);
}

static void cancel_part(struct deed *d, struct record *b, struct part *part)
{
	struct object_query q = record_query(d, KIND_MESSAGE, FIELD_BROADCAST, record_id(b));
	struct ids ids;

	walk_part(d, &q, part, &ids);
	for (size_t i = 0; i < ids.count; i++) {
		struct record *message = record_load(d, KIND_MESSAGE, ids.id[i]);

		if (message)
			message_cancel(d, message);
	}
}

/* All its messages are made: it is sending until none of them waits. */
static void end_queuing(struct record *b)
{
	int64_t counts[COUNTED];

	record_set_text(b, "status", SLICE_LIT("sending"));
	read_counts(b, counts);
	end_when_done(b, counts);
}

static void keep_place(struct record *b, const struct part *part, int64_t now_ms)
{
	record_set_due(b, part->last ? OBJECT_NEVER_DUE : now_ms);
	record_set_text(b, "_at", part->last ? SLICE_LIT("") : part->at);
	record_set_text(b, "_after", part->last ? SLICE_LIT("") : part->after);
}

void broadcast_step(struct deed *d, struct record *broadcast)
{
	struct part part = { .at = record_text(broadcast, "_at"), .after = record_text(broadcast, "_after") };
	bool cancelled = slice_is(record_text(broadcast, "status"), "cancelled");
	struct record *b;

	if (cancelled)
		cancel_part(d, broadcast, &part);
	else
		send_part(d, broadcast, &part);
	b = record_load(d, KIND_BROADCAST, record_id(broadcast));
	if (!b) /* its project is just being deleted */
		return;
	keep_place(b, &part, d->now_ms);
	if (part.last && !cancelled)
		end_queuing(b);
	record_save(d, b);
}

/* --- for those that make messages of a broadcast themselves --- */

struct record *broadcast_new(struct deed *d)
{
	struct record *b = record_new(d, KIND_BROADCAST, NULL);
	int64_t none[COUNTED] = { 0 };

	record_set_text(b, "status", SLICE_LIT("queuing"));
	record_set_text(b, "source", message_source(d));
	record_set_i64(b, "last_message_time", d->now_ms / 1000);
	record_set_i64(b, "message_count", 0);
	record_set_i64(b, "reply_count", 0);
	write_counts(b, none);
	return b;
}

void broadcast_close(struct deed *d, struct slice id)
{
	struct record *b = record_load(d, KIND_BROADCAST, id);

	if (!b) /* its project is just being deleted */
		return;
	end_queuing(b);
	record_save(d, b);
}

void broadcast_start(struct deed *d, struct record *b)
{
	record_set_due(b, d->now_ms);
	record_set_text(b, "_at", SLICE_LIT(""));
	record_set_text(b, "_after", SLICE_LIT(""));
	record_save(d, b);
}
