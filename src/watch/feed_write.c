/*
 * How entries look: a line with the kind, one with the seq where there is one, one with the entry as JSON, an empty
 * one. JSON strings hold no line ends as they are, so an entry never breaks out of its line.
 */
#include "watch/feed_write.h"

#include <stdio.h>

#include "base/failure.h"
#include "dialect/meaning.h"

const char *const feed_words[FEED_KINDS] = { "accepted", "attempt", "state" };

static void begin(struct buf *out, const struct note *n, struct json_writer *w)
{
	buf_add_str(out, "event: ");
	buf_add_str(out, feed_words[n->kind]);
	if (n->seq > 0) {
		buf_add_str(out, "\nid: ");
		buf_add_i64(out, n->seq);
	}
	buf_add_str(out, "\ndata: ");
	json_writer_init(w, out);
	json_begin_object(w);
}

static void end(struct buf *out, struct json_writer *w)
{
	json_end_object(w);
	buf_add_str(out, "\n\n");
}

static void member_or_null(struct json_writer *w, const char *name, struct slice s)
{
	if (s.n > 0)
		json_member_string(w, name, s);
	else
		json_member_str(w, name, NULL);
}

void feed_write_accepted(struct buf *out, const struct note *n)
{
	struct json_writer w;

	begin(out, n, &w);
	json_member_string(&w, "project", n->owner);
	json_member_string(&w, "id", n->id);
	json_member_str(&w, "type", event_type_word(n->u.type));
	member_or_null(&w, "message_id", n->message_id);
	json_member_i64(&w, "seq", n->seq);
	json_member_i64(&w, "time_ms", n->time_ms);
	end(out, &w);
}

static void write_owner(struct json_writer *w, bool of_organization, struct slice owner)
{
	member_or_null(w, "project", of_organization ? slice_str("") : owner);
	member_or_null(w, "organization", of_organization ? owner : slice_str(""));
}

void feed_write_state(struct buf *out, const struct note *n)
{
	struct json_writer w;

	begin(out, n, &w);
	write_owner(&w, n->of_organization, n->owner);
	json_member_string(&w, "endpoint_id", n->id);
	json_member_str(&w, "before", lane_state_word(n->u.state.before));
	json_member_str(&w, "state", lane_state_word(n->u.state.now));
	member_or_null(&w, "reason", n->reason);
	json_member_i64(&w, "time_ms", n->time_ms);
	end(out, &w);
}

static void write_code(struct json_writer *w, int code)
{
	json_key(w, "code");
	if (code > 0)
		json_put_i64(w, code);
	else
		json_put_str(w, code < 0 ? failure_word((enum failure) - code) : NULL);
}

static void write_reason(struct json_writer *w, const struct note *n)
{
	int code = n->u.attempt.code;
	struct buf text;

	buf_init(&text, 1024);
	buf_add_slice(&text, n->reason);
	if (text.n == 0 && n->u.attempt.outcome != ATTEMPT_OK && code > 0)
		buf_addf(&text, "answered %d: %s", code, meaning_of_status(code));
	member_or_null(w, "reason", buf_slice(&text));
	buf_free(&text);
}

static void write_items(struct json_writer *w, const struct note *n, const struct name *names, struct slice project)
{
	json_key(w, "items");
	json_begin_array(w);
	for (uint32_t i = 0; i < n->u.attempt.item_count; i++) {
		if (project.n > 0 && !slice_eq(names[i].project, project))
			continue;
		json_begin_object(w);
		member_or_null(w, "event_id", names[i].id);
		member_or_null(w, "message_id", names[i].message_id);
		json_member_bool(w, "acked", n->u.attempt.items[i].fate == ITEM_DONE);
		json_end_object(w);
	}
	json_end_array(w);
}

void feed_write_attempt(struct buf *out, const struct note *n, const struct endpoint *ep, const struct name *names,
			struct slice project)
{
	static const char *const outcomes[] = { "ok", "retry", "failed" };
	struct json_writer w;
	char id[24];

	snprintf(id, sizeof(id), "%lld", (long long)n->seq);
	begin(out, n, &w);
	write_owner(&w, ep && ep->of_organization, slice_str(ep ? ep->owner : ""));
	json_member_str(&w, "id", id);
	json_member_str(&w, "endpoint_id", ep ? ep->id : NULL);
	json_member_i64(&w, "attempt", n->u.attempt.attempt);
	json_member_str(&w, "outcome", outcomes[n->u.attempt.outcome]);
	write_code(&w, n->u.attempt.code);
	write_reason(&w, n);
	json_member_i64(&w, "time_ms", n->time_ms);
	json_key(&w, "duration_ms");
	if (n->u.attempt.duration_us < 0)
		json_put_null(&w);
	else
		json_put_double(&w, (double)n->u.attempt.duration_us / 1000);
	write_items(&w, n, names, project);
	end(out, &w);
}

void feed_write_skipped(struct buf *out, uint64_t count)
{
	buf_addf(out, "event: skipped\ndata: {\"count\":%llu}\n\n", (unsigned long long)count);
}
