/*
 * For each endpoint of which there is something to tell one note: the state it is in, what was told last, and the dead
 * letters since. What is told follows from the difference, so whatever happens between two looks is one event
 * or none, and an event that could not be written (disk full) is told at the next look.
 *
 *	lane -> THROTTLED, PROBE   failing
 *	     -> READY              recovered, if failing was told
 *	     -> DISABLED           disabled; kept until it is told, because the saved settings make it PAUSED at once
 *	     -> PAUSED, DELETED    nothing: somebody did that by hand
 *
 * After a restart nothing is known: an endpoint that still fails is told once more.
 */
#include "watch/operations.h"

#include <pthread.h>

#include "base/failure.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "node/book.h"

#define TOLD_AT_ONCE 100 /* events in one commit */

struct note {
	struct map_node node;
	uint64_t number;
	enum lane_state state;
	bool failing_told;	  /* and recovered was not */
	bool disabled;		  /* and that was not told */
	int64_t failing_after_ms; /* not to be told again before */
	uint32_t dead;		  /* events since the last dead_letter */
	int dead_code;		  /* of the last one */
	int64_t dead_first;	  /* seq */
	int64_t dead_after_ms;
	char why[160];
};

struct operations {
	char *project; /* NULL: nobody is told */
	struct log *log;
	pthread_mutex_t lock;
	struct map notes; /* by number */
	uint64_t left_out;
	bool missing; /* said that there is no such project */
};

/* --- life --- */

struct operations *operations_new(const char *project, struct log *log)
{
	struct operations *o = mem_zalloc(sizeof(*o));

	if (project && project[0])
		o->project = mem_strdup(project);
	o->log = log;
	pthread_mutex_init(&o->lock, NULL);
	map_init(&o->notes);
	return o;
}

static void note_drop(struct operations *o, struct note *n)
{
	map_del(&o->notes, &n->node);
	mem_free(n);
}

void operations_free(struct operations **op)
{
	struct operations *o = *op;
	struct map_node *n;

	while ((n = map_walk(&o->notes, NULL)))
		note_drop(o, CONTAINER_OF(n, struct note, node));
	map_free(&o->notes);
	pthread_mutex_destroy(&o->lock);
	mem_free(o->project);
	mem_free(o);
	*op = NULL;
}

/* --- noting --- */

static struct note *note_find(const struct operations *o, uint64_t number)
{
	uint64_t hash = hash_u64(number);

	for (struct map_node *n = map_first(&o->notes, hash); n; n = map_next(n, hash))
		if (CONTAINER_OF(n, struct note, node)->number == number)
			return CONTAINER_OF(n, struct note, node);
	return NULL;
}

/* NULL when there is no room for another. */
static struct note *note_get(struct operations *o, uint64_t number)
{
	struct note *n = note_find(o, number);

	if (n)
		return n;
	if (o->notes.count >= OPERATIONS_ENDPOINTS_MAX) {
		o->left_out++;
		return NULL;
	}
	n = mem_zalloc(sizeof(*n));
	n->number = number;
	n->state = LANE_READY;
	map_add(&o->notes, &n->node, hash_u64(number));
	return n;
}

static bool is_failing(enum lane_state s)
{
	return s == LANE_THROTTLED || s == LANE_PROBE;
}

/*
 * What is well needs a note only if there is one: most lanes go from probe to ready without anybody having been told.
 */
static void note_state(struct operations *o, uint64_t number, enum lane_state now, const char *why)
{
	bool trouble = is_failing(now) || now == LANE_DISABLED;
	struct note *n = trouble ? note_get(o, number) : note_find(o, number);

	if (!n)
		return;
	n->state = now;
	n->disabled |= now == LANE_DISABLED;
	if (why[0])
		slice_copy(n->why, sizeof(n->why), slice_str(why));
}

void operations_state(struct operations *o, const struct endpoint *ep, enum lane_state now, const char *why)
{
	if (!o->project)
		return;
	pthread_mutex_lock(&o->lock);
	note_state(o, ep->number, now, why);
	pthread_mutex_unlock(&o->lock);
}

static uint32_t dead_items(const struct attempt_row *row, int64_t *ret_first)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < row->item_count; i++)
		if (row->items[i].fate == ITEM_DEAD && count++ == 0)
			*ret_first = row->items[i].event_seq;
	return count;
}

void operations_attempt(struct operations *o, const struct attempt_row *row)
{
	int64_t first = 0;
	uint32_t dead;
	struct note *n;

	if (!o->project || row->outcome == ATTEMPT_OK)
		return;
	dead = dead_items(row, &first);
	if (dead == 0 || row->code == -FAILURE_DELETED)
		return;
	pthread_mutex_lock(&o->lock);
	n = note_get(o, row->endpoint);
	if (n) {
		if (n->dead == 0)
			n->dead_first = first;
		n->dead += dead;
		n->dead_code = row->code;
	}
	pthread_mutex_unlock(&o->lock);
}

/* --- telling --- */

/* One event to be, taken out of a note. */
struct news {
	uint64_t number;
	enum event_type type;
	uint32_t dead;
	int code;
	int64_t dead_first;
	char why[160];
};

/* Which event the difference of what is and what was told makes; EVENT_TYPES: none now. */
static enum event_type difference(const struct note *n, int64_t now_ms)
{
	if (n->disabled)
		return EVENT_ENDPOINT_DISABLED;
	if (is_failing(n->state))
		return n->failing_told || now_ms < n->failing_after_ms ? EVENT_TYPES : EVENT_ENDPOINT_FAILING;
	return n->state == LANE_READY && n->failing_told ? EVENT_ENDPOINT_RECOVERED : EVENT_TYPES;
}

struct telling {
	struct operations *operations;
	struct node *node;
	int64_t now_ms;
	struct news news[TOLD_AT_ONCE];
	size_t count;
};

static void take_state(struct telling *t, const struct note *n)
{
	enum event_type type = difference(n, t->now_ms);

	if (type == EVENT_TYPES || t->count == TOLD_AT_ONCE)
		return;
	t->news[t->count] = (struct news){ .number = n->number, .type = type };
	slice_copy(t->news[t->count++].why, sizeof(n->why), slice_str(n->why));
}

static void take_dead(struct telling *t, const struct note *n)
{
	if (n->dead == 0 || t->now_ms < n->dead_after_ms || t->count == TOLD_AT_ONCE)
		return;
	t->news[t->count++] = (struct news){ .number = n->number,
					     .type = EVENT_DEAD_LETTER,
					     .dead = n->dead,
					     .code = n->dead_code,
					     .dead_first = n->dead_first };
}

/* It is well, or somebody switched it off: nothing is left to be compared with. */
static bool is_settled(struct note *n, int64_t now_ms)
{
	if (!is_failing(n->state) && n->state != LANE_READY)
		n->failing_told = false;
	return n->dead == 0 && !n->disabled && !n->failing_told && !is_failing(n->state) &&
	       now_ms >= n->failing_after_ms && now_ms >= n->dead_after_ms;
}

static void take(struct operations *o, struct telling *t)
{
	struct map_node *node, *next;

	pthread_mutex_lock(&o->lock);
	for (node = map_walk(&o->notes, NULL); node; node = next) {
		struct note *n = CONTAINER_OF(node, struct note, node);

		next = map_walk(&o->notes, node);
		take_state(t, n);
		take_dead(t, n);
		if (is_settled(n, t->now_ms))
			note_drop(o, n);
	}
	pthread_mutex_unlock(&o->lock);
}

/* What was told is on disk. What came meanwhile stays noted. */
static void told(struct operations *o, const struct news *news, int64_t now_ms)
{
	struct note *n = note_find(o, news->number);

	if (!n)
		return;
	if (news->type == EVENT_DEAD_LETTER) {
		n->dead -= news->dead;
		n->dead_after_ms = now_ms + OPERATIONS_EVERY_MS;
		return;
	}
	n->failing_told = news->type == EVENT_ENDPOINT_FAILING;
	if (news->type == EVENT_ENDPOINT_DISABLED)
		n->disabled = false;
	if (news->type == EVENT_ENDPOINT_FAILING)
		n->failing_after_ms = now_ms + OPERATIONS_EVERY_MS;
}

/* --- the event --- */

static int64_t get(const _Atomic int64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static void write_seconds(struct json_writer *w, const char *name, int64_t ms)
{
	json_key(w, name);
	if (ms > 0)
		json_put_i64(w, ms / 1000);
	else
		json_put_null(w);
}

static void write_code(struct json_writer *w, int code)
{
	char text[20];

	json_key(w, "code");
	if (code > 0) {
		json_put_i64(w, code);
		return;
	}
	failure_code_text(code, text);
	json_put_str(w, code ? text : NULL);
}

/* One that was switched off by itself is paused once its settings say so. */
static const char *state_word(const struct endpoint_view *v)
{
	if (v->disabled_reason[0])
		return lane_state_word(LANE_DISABLED);
	return lane_state_word((enum lane_state)atomic_load_explicit(&v->stats->state, memory_order_relaxed));
}

static void write_endpoint(struct json_writer *w, const struct news *news, const struct endpoint_view *v)
{
	const struct endpoint *ep = v->endpoint;
	const struct endpoint_stats *s = v->stats;
	struct buf path;

	buf_init(&path, 512);
	buf_addf(&path, "/v1/%s/%s/endpoints/%s", ep->of_organization ? "organizations" : "projects", ep->owner,
		 ep->id);
	json_key(w, "endpoint");
	json_begin_object(w);
	json_member_string(w, "path", buf_slice(&path));
	json_member_str(w, "project_id", ep->of_organization ? NULL : ep->owner);
	json_member_str(w, "organization_id", ep->of_organization ? ep->owner : NULL);
	json_member_str(w, "id", ep->id);
	json_member_str(w, "name", ep->name ? ep->name : "");
	json_member_str(w, "state", state_word(v));
	write_code(w, news->type == EVENT_DEAD_LETTER ? news->code
						      : atomic_load_explicit(&s->last_code, memory_order_relaxed));
	json_member_str(w, "reason", v->disabled_reason[0] ? v->disabled_reason : news->why);
	write_seconds(w, "failing_since", get(&s->failing_since_ms));
	write_seconds(w, "next_retry_time", get(&s->next_retry_ms));
	json_member_i64(w, "pending", get(&s->pending));
	json_end_object(w);
	buf_free(&path);
}

static bool write_first_row(void *ctx, const struct log_row *row)
{
	struct json_writer *w = ctx;

	if (row->damaged || !row->is_event)
		return false;
	json_member_string(w, "event_id", row->u.event.id);
	if (row->u.event.message_id.n == 0)
		return false;
	json_key(w, "message");
	json_begin_object(w);
	json_member_string(w, "id", row->u.event.message_id);
	json_end_object(w);
	return false;
}

/* Of the dead letters the first one is named: it is where a search begins. */
static void write_dead(struct json_writer *w, struct node *node, const struct news *news)
{
	struct store *reader = node_reader_begin(node);

	json_member_i64(w, "count", news->dead);
	store_log_get(reader, news->dead_first, write_first_row, w, NULL);
	node_reader_end(node, reader);
}

/* A receiver of the operator's own that is away would otherwise cause events for itself. */
static bool is_own(const struct operations *o, const struct endpoint *ep)
{
	return !ep->of_organization && strcmp(ep->owner, o->project) == 0;
}

/* False: nobody is to be told, or its endpoint is gone. */
static bool write_event(const struct operations *o, struct node *node, const struct news *news, struct buf *out)
{
	struct endpoint_view v;
	struct json_writer w;

	if (node_endpoint_by_number(node, news->number, &v))
		return false;
	if (is_own(o, v.endpoint)) {
		node_endpoint_view_free(&v);
		return false;
	}
	json_writer_init(&w, out);
	json_begin_object(&w);
	json_member_str(&w, "type", event_type_word(news->type));
	write_endpoint(&w, news, &v);
	if (news->type == EVENT_DEAD_LETTER)
		write_dead(&w, node, news);
	json_end_object(&w);
	node_endpoint_view_free(&v);
	return !buf_failed(out);
}

/* --- into the log --- */

struct texts {
	struct slice project;
	struct buf all[TOLD_AT_ONCE];
	size_t count;
	bool missing;
};

static void post(void *ctx, struct book *b)
{
	struct texts *x = ctx;
	struct buf settings;

	buf_init(&settings, (size_t)1 << 20);
	x->missing = !book_project(b, x->project, &settings);
	buf_free(&settings);
	for (size_t i = 0; i < x->count && !x->missing; i++) {
		struct event *ev = event_make(buf_slice(&x->all[i]), x->project, book_now_ms(b));

		book_event(b, ev);
		event_unref(&ev);
	}
}

static void say_missing(struct operations *o, bool missing)
{
	if (missing && !o->missing)
		log_warn(o->log, "operational events have nowhere to go: there is no such project",
			 LOG_STR("operations_project", o->project));
	o->missing = missing;
}

static void say_left_out(struct operations *o)
{
	uint64_t n;

	pthread_mutex_lock(&o->lock);
	n = o->left_out;
	o->left_out = 0;
	pthread_mutex_unlock(&o->lock);
	if (n > 0)
		log_warn(o->log, "more endpoints are in trouble than operational events can tell of",
			 LOG_INT("left_out", (int64_t)n));
}

static int write_down(struct telling *t)
{
	struct texts x = { .project = slice_str(t->operations->project) };
	int err;

	for (size_t i = 0; i < t->count; i++) {
		buf_init(&x.all[x.count], 16384);
		if (write_event(t->operations, t->node, &t->news[i], &x.all[x.count]))
			x.count++;
		else
			buf_free(&x.all[x.count]);
	}
	err = x.count > 0 ? node_book_wait(t->node, post, &x) : 0;
	for (size_t i = 0; i < x.count; i++)
		buf_free(&x.all[i]);
	say_missing(t->operations, !err && x.missing);
	return err;
}

void operations_tell(struct operations *o, struct node *node, int64_t now_ms)
{
	struct telling t = { .operations = o, .node = node, .now_ms = now_ms };

	if (!o->project)
		return;
	take(o, &t);
	say_left_out(o);
	if (t.count == 0 || write_down(&t))
		return;
	pthread_mutex_lock(&o->lock);
	for (size_t i = 0; i < t.count; i++)
		told(o, &t.news[i], now_ms);
	pthread_mutex_unlock(&o->lock);
}
