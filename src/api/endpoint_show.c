/*
 * What an endpoint looks like from outside: its settings in force and, beside them, how it is doing. The numbers are
 * read while its loop goes on, so they need not fit each other to the last event.
 */
#include "api/endpoint_show.h"

#include "base/text.h"
#include "engine/stats.h"
#include "watch/crowd.h"

static const char *const shown_only[] = {
	"id",	  "organization_id",  "state",		 "disabled_reason", "pending",	      "waiting",    "in_flight",
	"window", "oldest_pending_s", "next_retry_time", "failing_since",   "last_code",      "last_time",  "delivered",
	"failed", "expired",	      "time_created",	 "time_updated",    "tls_key_sha256", "public_key",
};

bool endpoint_shown_only(struct slice name)
{
	for (size_t i = 0; i < sizeof(shown_only) / sizeof(shown_only[0]); i++)
		if (slice_is(name, shown_only[i]))
			return true;
	return false;
}

void code_write(struct json_writer *w, int code)
{
	if (code > 0)
		json_put_i64(w, code);
	else if (code < 0)
		json_put_str(w, failure_word((enum failure) - code));
	else
		json_put_null(w);
}

/* endpoint_write, with the secret in its place. */
static void write_settings(struct json_writer *w, const struct endpoint *ep, bool reveal, const char *secret)
{
	struct json_writer inner;
	struct json_doc doc;
	struct json_iter it;
	struct buf text;

	if (!secret) {
		endpoint_write(ep, w, reveal);
		return;
	}
	buf_init(&text, (size_t)4 << 20);
	json_doc_init(&doc);
	json_writer_init(&inner, &text);
	json_begin_object(&inner);
	endpoint_write(ep, &inner, reveal);
	json_end_object(&inner);
	json_parse(&doc, buf_slice(&text), &json_limits_default, NULL);
	for (it = json_each(json_root(&doc)); json_next(&it);) {
		json_key_slice(w, json_escaped_text(it.key));
		if (json_is(it.key, "secret"))
			json_put_str(w, secret);
		else
			json_put_raw(w, json_raw(it.value));
	}
	json_doc_free(&doc);
	buf_free(&text);
}

static int64_t read_i64(const _Atomic int64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static int64_t oldest_s(const struct endpoint_stats *s, int64_t now_ms)
{
	int64_t oldest = endpoint_oldest_ms(s);

	return oldest && oldest < now_ms ? (now_ms - oldest) / 1000 : 0;
}

void member_time(struct json_writer *w, const char *name, int64_t ms)
{
	json_key(w, name);
	if (ms > 0)
		json_put_i64(w, ms / 1000);
	else
		json_put_null(w);
}

void public_key_write(struct json_writer *w, const char *secret)
{
	struct buf text;

	buf_init(&text, 128);
	json_member_str(w, "public_key", secret && sign_public_key(secret, &text) ? buf_str(&text) : NULL);
	buf_free(&text);
}

/* What may be written behind "pin:" in tls.verify; null until the receiver was reached over TLS. */
static void write_tls_key(struct json_writer *w, const struct endpoint_stats *s)
{
	uint8_t key[32];
	struct buf text;

	json_key(w, "tls_key_sha256");
	if (!stats_tls_key_get(s, key)) {
		json_put_null(w);
		return;
	}
	buf_init(&text, 2 * sizeof(key) + 1);
	hex_add(&text, key, sizeof(key));
	json_put_str(w, buf_str(&text));
	buf_free(&text);
}

static void write_numbers(struct json_writer *w, const struct endpoint_stats *s, int64_t now_ms)
{
	json_member_i64(w, "pending", read_i64(&s->pending));
	json_member_i64(w, "waiting", read_i64(&s->waiting));
	json_member_i64(w, "in_flight", read_i64(&s->in_flight));
	json_member_i64(w, "window", read_i64(&s->window));
	json_member_i64(w, "oldest_pending_s", oldest_s(s, now_ms));
	member_time(w, "next_retry_time", read_i64(&s->next_retry_ms));
	member_time(w, "failing_since", read_i64(&s->failing_since_ms));
	json_key(w, "last_code");
	code_write(w, atomic_load_explicit(&s->last_code, memory_order_relaxed));
	member_time(w, "last_time", read_i64(&s->last_time_ms));
	json_member_i64(w, "delivered", (int64_t)atomic_load_explicit(&s->delivered, memory_order_relaxed));
	json_member_i64(w, "failed", (int64_t)atomic_load_explicit(&s->dead, memory_order_relaxed));
	json_member_i64(w, "expired", (int64_t)atomic_load_explicit(&s->expired, memory_order_relaxed));
}

void endpoint_show(struct json_writer *w, const struct endpoint_view *v, int64_t now_ms, bool reveal,
		   const char *secret)
{
	json_begin_object(w);
	json_member_str(w, "id", v->endpoint->id);
	if (v->endpoint->of_organization)
		json_member_str(w, "organization_id", v->endpoint->owner);
	write_settings(w, v->endpoint, reveal, secret);
	public_key_write(w, v->endpoint->secrets[0]);
	json_member_str(w, "state", lane_state_word(endpoint_state(v->endpoint, v->stats)));
	json_member_str(w, "disabled_reason", v->disabled_reason[0] ? v->disabled_reason : NULL);
	write_numbers(w, v->stats, now_ms);
	write_tls_key(w, v->stats);
	member_time(w, "time_created", v->created_ms);
	member_time(w, "time_updated", v->changed_ms);
	json_end_object(w);
}
