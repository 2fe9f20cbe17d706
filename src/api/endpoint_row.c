/* The names are those of endpoint_show.c where both have a number. */
#include "api/endpoint_row.h"

#include <math.h>

#include "api/endpoint_show.h"

#define TROUBLE_AGE_S	60
#define TROUBLE_AGE_MAX 33554431.0 /* a year; so that age and backlog fit into one double beside each other */
#define TROUBLE_MANY	67108864.0

static int64_t read_i64(const _Atomic int64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

double endpoint_oldest_s(const struct endpoint_stats *stats, int64_t now_ms)
{
	int64_t oldest = endpoint_oldest_ms(stats);

	if (oldest == 0)
		return -1;
	return oldest < now_ms ? (double)(now_ms - oldest) / 1000 : 0;
}

double window_error_rate(const struct window *win)
{
	uint64_t all = win->ok + win->bad;

	return all ? (double)win->bad / (double)all : -1;
}

static bool in_trouble(const struct endpoint_view *v, double oldest_s)
{
	enum lane_state state = endpoint_state(v->endpoint, v->stats);

	if (state == LANE_DISABLED)
		return v->disabled_reason[0] != '\0';
	return state == LANE_THROTTLED || state == LANE_PROBE || read_i64(&v->stats->failing_since_ms) ||
	       oldest_s > TROUBLE_AGE_S;
}

double endpoint_trouble(const struct endpoint_view *v, int64_t now_ms)
{
	double oldest_s = endpoint_oldest_s(v->stats, now_ms), pending = (double)read_i64(&v->stats->pending);

	if (!in_trouble(v, oldest_s))
		return 0;
	oldest_s = fmax(0, fmin(floor(oldest_s), TROUBLE_AGE_MAX));
	return 1 + oldest_s * TROUBLE_MANY + fmax(0, fmin(pending, TROUBLE_MANY - 1));
}

void member_or_null(struct json_writer *w, const char *name, double value)
{
	json_key(w, name);
	if (value < 0)
		json_put_null(w);
	else
		json_put_double(w, round(value * 1000) / 1000);
}

static void write_identity(struct json_writer *w, const struct endpoint_view *v)
{
	const struct endpoint *ep = v->endpoint;

	json_member_str(w, "owner", ep->of_organization ? "organization" : "project");
	json_member_str(w, "project", ep->of_organization ? NULL : ep->owner);
	json_member_str(w, "organization",
			ep->of_organization	 ? ep->owner
			: ep->organization_id[0] ? ep->organization_id
						 : NULL);
	json_member_str(w, "id", ep->id);
	json_member_str(w, "name", ep->name);
	json_member_str(w, "host", ep->host);
	json_member_str(w, "preset", ep->preset);
	json_member_str(w, "state", lane_state_word(endpoint_state(ep, v->stats)));
	json_member_bool(w, "active", ep->active);
	json_member_str(w, "disabled_reason", v->disabled_reason[0] ? v->disabled_reason : NULL);
}

static void write_now(struct json_writer *w, const struct endpoint_stats *s, int64_t now_ms)
{
	json_member_i64(w, "pending", read_i64(&s->pending));
	json_member_i64(w, "waiting", read_i64(&s->waiting));
	json_member_i64(w, "in_flight", read_i64(&s->in_flight));
	json_member_i64(w, "window", read_i64(&s->window));
	member_or_null(w, "oldest_pending_s", endpoint_oldest_s(s, now_ms));
	json_member_i64(w, "delivered", (int64_t)atomic_load_explicit(&s->delivered, memory_order_relaxed));
	json_member_i64(w, "failed", (int64_t)atomic_load_explicit(&s->dead, memory_order_relaxed));
	json_member_i64(w, "expired", (int64_t)atomic_load_explicit(&s->expired, memory_order_relaxed));
	json_key(w, "last_code");
	code_write(w, atomic_load_explicit(&s->last_code, memory_order_relaxed));
	member_time(w, "last_time", read_i64(&s->last_time_ms));
	member_time(w, "failing_since", read_i64(&s->failing_since_ms));
	member_time(w, "next_retry_time", read_i64(&s->next_retry_ms));
}

static void write_recent(struct json_writer *w, uint64_t number, struct series *series)
{
	struct series_recent recent;

	series_recent(series, number, &recent);
	member_or_null(w, "error_rate", window_error_rate(&recent.window));
	member_or_null(w, "per_s", recent.per_s);
	member_or_null(w, "p50_ms", recent.window.p50_ms);
	member_or_null(w, "p99_ms", recent.window.p99_ms);
}

void member_counts(struct json_writer *w, const char *name, const uint32_t *values, uint32_t count)
{
	json_key(w, name);
	json_begin_array(w);
	for (uint32_t i = 0; i < count; i++)
		json_put_i64(w, values[i]);
	json_end_array(w);
}

void endpoint_row_write(struct json_writer *w, const struct endpoint_view *v, struct series *series, int64_t now_ms)
{
	uint32_t delivered[SERIES_MINUTES], bad[SERIES_MINUTES];
	uint32_t count = series_spark(series, v->endpoint->number, delivered, bad);

	write_identity(w, v);
	write_now(w, v->stats, now_ms);
	write_recent(w, v->endpoint->number, series);
	member_counts(w, "spark", delivered, count);
	member_counts(w, "spark_failed", bad, count);
}
