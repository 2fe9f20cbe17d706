/*
 * The overview: how all of it does, or one project, and who is in trouble. The numbers are those of the
 * last round of the watch, which is made now unless rounds have taken too much time of late; so a hundred browsers that
 * look at it cost no more than a few.
 */
#include <stdlib.h>

#include "api/endpoint_row.h"
#include "api/handlers.h"
#include "api/owner.h"
#include "base/mem.h"

#define TROUBLE_ROWS 20

/* --- who is in trouble --- */

struct patient {
	uint64_t number;
	double trouble;
};

struct ward {
	struct patient *all;
	size_t count, cap;
	int64_t now_ms;
};

static bool admit(void *ctx, const struct endpoint_view *v)
{
	struct ward *ward = ctx;
	double trouble = v->endpoint->internal ? 0 : endpoint_trouble(v, ward->now_ms);

	if (trouble <= 0)
		return true;
	if (ward->count == ward->cap) {
		ward->cap = ward->cap ? ward->cap * 2 : 64;
		ward->all = mem_realloc(ward->all, ward->cap * sizeof(*ward->all));
	}
	ward->all[ward->count++] = (struct patient){ v->endpoint->number, trouble };
	return true;
}

static int worst_first(const void *pa, const void *pb)
{
	const struct patient *a = pa, *b = pb;

	if (a->trouble != b->trouble)
		return a->trouble < b->trouble ? 1 : -1;
	return (a->number > b->number) - (a->number < b->number);
}

static void write_trouble(struct call *c, struct slice project, int64_t now_ms)
{
	struct ward ward = { .now_ms = now_ms };
	struct endpoint_view v;

	node_endpoint_list(c->node, (struct owner){ project, false }, project.n == 0, SLICE_LIT(""), admit, &ward);
	if (ward.count > 0)
		qsort(ward.all, ward.count, sizeof(*ward.all), worst_first);
	json_key(&c->w, "trouble");
	json_begin_array(&c->w);
	for (size_t i = 0; i < ward.count && i < TROUBLE_ROWS; i++) {
		if (node_endpoint_by_number(c->node, ward.all[i].number, &v))
			continue;
		json_begin_object(&c->w);
		endpoint_row_write(&c->w, &v, watch_series(c->api->watch), now_ms);
		json_end_object(&c->w);
		node_endpoint_view_free(&v);
	}
	json_end_array(&c->w);
	mem_free(ward.all);
}

/* --- the plots --- */

static void write_rate(struct json_writer *w, const char *name, const struct series_plot *p, enum plot_column column)
{
	json_key(w, name);
	json_begin_array(w);
	for (uint32_t i = 0; i < p->count; i++)
		json_put_double(w, (double)p->values[column][i] / p->step_s);
	json_end_array(w);
}

static void write_latency(struct json_writer *w, const char *name, const struct series_plot *p, enum plot_column column)
{
	json_key(w, name);
	json_begin_array(w);
	for (uint32_t i = 0; i < p->count; i++)
		if (p->values[column][i])
			json_put_double(w, (double)p->values[column][i] / PLOT_LATENCY_UNITS);
		else
			json_put_null(w);
	json_end_array(w);
}

static void write_plot(struct json_writer *w, const char *name, const struct series_plot *p)
{
	json_key(w, name);
	json_begin_object(w);
	json_member_i64(w, "step_s", p->step_s);
	json_member_i64(w, "end", p->end_s);
	write_rate(w, "accepted", p, PLOT_ACCEPTED);
	write_rate(w, "delivered", p, PLOT_DELIVERED);
	write_rate(w, "failed", p, PLOT_FAILED);
	member_counts(w, "pending", p->values[PLOT_PENDING], p->count);
	member_counts(w, "oldest_s", p->values[PLOT_OLDEST], p->count);
	write_latency(w, "p50_ms", p, PLOT_P50);
	write_latency(w, "p99_ms", p, PLOT_P99);
	json_end_object(w);
}

/* --- the numbers --- */

static void write_states(struct json_writer *w, const struct series_numbers *n)
{
	json_key(w, "endpoints");
	json_begin_object(w);
	json_member_i64(w, "total", (int64_t)n->endpoints);
	for (enum lane_state s = LANE_READY; s <= LANE_DISABLED; s++)
		json_member_i64(w, lane_state_word(s), (int64_t)n->states[s]);
	json_end_object(w);
}

static void write_numbers(struct json_writer *w, const struct series_numbers *n, int64_t now_ms)
{
	double rate = window_error_rate(&n->window);

	member_or_null(w, "accepted_per_s", n->rates.accepted);
	member_or_null(w, "delivered_per_s", n->rates.delivered);
	member_or_null(w, "failed_per_s", n->rates.failed);
	json_member_i64(w, "pending", n->pending);
	json_member_i64(w, "waiting", n->waiting);
	json_member_i64(w, "in_flight", n->in_flight);
	member_or_null(w, "oldest_pending_s", n->oldest_ms ? (double)(now_ms - n->oldest_ms) / 1000 : -1);
	member_or_null(w, "success_rate", rate < 0 ? -1 : 1 - rate);
	member_or_null(w, "p50_ms", n->window.p50_ms);
	member_or_null(w, "p99_ms", n->window.p99_ms);
	write_states(w, n);
}

static void write_store(struct call *c)
{
	struct node_numbers n;
	const char *reason = NULL;
	bool ready = node_ready(c->node, &reason);

	node_numbers(c->node, &n);
	json_member_i64(&c->w, "projects", (int64_t)n.projects);
	json_key(&c->w, "store");
	json_begin_object(&c->w);
	json_member_i64(&c->w, "bytes", n.store_bytes);
	json_member_i64(&c->w, "queue_events", n.queue_events);
	json_member_bool(&c->w, "ready", ready);
	json_member_str(&c->w, "reason", ready ? NULL : reason);
	json_end_object(&c->w);
}

static bool wants_plots(struct call *c)
{
	struct slice text;

	return !call_argument(c, "series", &text) || !slice_is(text, "0");
}

/* project empty: all of them. */
static void show(struct call *c, struct slice project)
{
	struct series *series = watch_series(c->api->watch);
	struct series_plot *plots = wants_plots(c) ? arena_alloc(&c->arena, 2 * sizeof(*plots)) : NULL;
	int64_t now_ms = node_now_ms(c->node);
	struct json_writer *w = answer_begin(c);
	struct series_numbers n;

	series_freshen(series, c->node, now_ms);
	series_numbers(series, project, &n, plots);
	json_begin_object(w);
	json_member_i64(w, "time", now_ms / 1000);
	write_numbers(w, &n, now_ms);
	if (project.n == 0)
		write_store(c);
	if (plots) {
		json_key(w, "series");
		json_begin_object(w);
		write_plot(w, "hour", &plots[0]);
		write_plot(w, "day", &plots[1]);
		json_end_object(w);
	}
	write_trouble(c, project, now_ms);
	json_end_object(w);
	answer_json(c, 200);
}

void overview_show(struct call *c)
{
	show(c, SLICE_LIT(""));
}

void overview_of_project(struct call *c)
{
	if (node_project_exists(c->node, c->params[0]))
		show(c, c->params[0]);
	else
		answer_error(c, 404, "not_found", NULL, "there is no project \"%.*s\"", SLICE_ARG(c->params[0]));
}
