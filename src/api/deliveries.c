/*
 * Nothing stores "this event, this endpoint, delivered": on the happy path
 * there is only the attempt. So the state is put together when somebody asks:
 *
 *	attempt rows that name the event, newest first   -> delivered, failed, expired, and how many attempts
 *	pending rows of the project's endpoints          -> pending, and when it is due (also after a replay)
 *	routing, for endpoints unchanged since           -> pending in memory, never attempted yet
 *
 * Endpoints that were made later are not in it: their from_seq is above the event's.
 */
#include "api/deliveries.h"

#include <stdio.h>

#include "api/endpoint_show.h"
#include "api/log_read.h"
#include "base/mem.h"

#define ATTEMPTS_MAX 500 /* of one event that are looked at, newest first */
#define SIBLINGS_MAX 64	 /* items of the last batch that are tried as the name of a pending delivery */

enum state { STATE_PENDING, STATE_DELIVERED, STATE_FAILED, STATE_EXPIRED, STATE_SUPERSEDED };
static const char *const state_words[] = { "pending", "delivered", "failed", "expired", "superseded" };

struct leg {
	uint64_t number;
	uint32_t revision; /* of the last attempt */
	char id[256];
	char organization[256]; /* "" when the project's own */
	bool named;		/* id and organization are filled in */
	bool waits;		/* the endpoint has something pending */
	bool known;		/* the event went there, or is to go there */
	enum state state;
	uint32_t attempts;
	int code;
	int64_t last_ms, next_ms;
	int64_t *siblings; /* seqs of the last attempt's items up to this event's, descending */
	size_t sibling_count;
};

struct deliveries {
	struct call *call;
	const struct event *ev;
	struct leg *all;
	size_t count, cap;
};

static struct leg *leg_find(struct deliveries *ps, uint64_t number)
{
	for (size_t i = 0; i < ps->count; i++)
		if (ps->all[i].number == number)
			return &ps->all[i];
	return NULL;
}

static struct leg *leg_add(struct deliveries *ps, uint64_t number)
{
	struct leg *p;

	if (ps->count == ps->cap) {
		ps->cap = ps->cap ? ps->cap * 2 : 8;
		ps->all = mem_realloc(ps->all, ps->cap * sizeof(*ps->all));
	}
	p = &ps->all[ps->count++];
	*p = (struct leg){ .number = number, .state = STATE_PENDING };
	return p;
}

static void leg_name(struct leg *p, const struct endpoint *ep)
{
	slice_copy(p->id, sizeof(p->id), slice_str(ep->id));
	slice_copy(p->organization, sizeof(p->organization), slice_str(ep->of_organization ? ep->owner : ""));
	p->named = true;
}

/* --- attempts --- */

static enum state state_of(const struct attempt_row *row, uint8_t fate)
{
	switch ((enum item_fate)fate) {
	case ITEM_DONE:
		return STATE_DELIVERED;
	case ITEM_LEFT:
		return STATE_PENDING;
	case ITEM_DEAD:
	case ITEM_ENDED:
		break;
	}
	if (row->code == -FAILURE_SUPERSEDED || row->code == -FAILURE_FINAL)
		return STATE_SUPERSEDED;
	return row->code == -FAILURE_EXPIRED ? STATE_EXPIRED : STATE_FAILED;
}

static void keep_siblings(struct deliveries *ps, struct leg *p, const struct attempt_row *row)
{
	p->siblings = arena_alloc(&ps->call->arena, SIBLINGS_MAX * sizeof(int64_t));
	for (uint32_t i = row->item_count; i-- > 0 && p->sibling_count < SIBLINGS_MAX;)
		if (row->items[i].event_seq <= ps->ev->seq)
			p->siblings[p->sibling_count++] = row->items[i].event_seq;
}

/* An end without an exchange (expired, deleted) says nothing about how often it was tried; the row before it does. */
static void take_item(struct deliveries *ps, const struct attempt_row *row, const struct attempt_item *item)
{
	struct leg *p = leg_find(ps, row->endpoint);

	if (!p)
		p = leg_add(ps, row->endpoint);
	if (!p->last_ms) { /* the newest row decides */
		p->known = true;
		p->revision = row->revision;
		p->state = state_of(row, item->fate);
		p->code = row->code;
		p->last_ms = row->time_ms;
		if (item->fate == ITEM_LEFT)
			keep_siblings(ps, p, row);
	}
	if (item->attempts > p->attempts)
		p->attempts = item->attempts;
}

static bool take_attempt(void *ctx, const struct log_row *row)
{
	struct deliveries *ps = ctx;
	const struct attempt_row *a = &row->u.attempt;

	if (row->is_event || row->damaged)
		return false;
	for (uint32_t i = 0; i < a->item_count; i++)
		if (a->items[i].event_seq == ps->ev->seq)
			take_item(ps, a, &a->items[i]);
	return false;
}

static void read_attempts(struct deliveries *ps, struct store *reader)
{
	struct seqs seqs = { .most = ATTEMPTS_MAX };
	struct fault fault;
	char key[24];
	int n = snprintf(key, sizeof(key), "%lld", (long long)ps->ev->seq);

	store_search(reader, SEARCH_EVENT_SEQ, slice_str(""), slice_of(key, (size_t)n), INT64_MAX, seqs_collect, &seqs,
		     &fault);
	for (size_t i = 0; i < seqs.count; i++)
		store_log_get(reader, seqs.all[i], take_attempt, ps, &fault);
	seqs_free(&seqs);
}

/* --- pending rows --- */

struct look {
	int64_t event_seq;
	bool found;
	int64_t due_ms;
	uint32_t attempts;
};

static bool look_at(void *ctx, const struct pending_row *row)
{
	struct look *l = ctx;

	for (uint32_t i = 0; i < row->item_count; i++)
		if (row->items[i].event_seq == l->event_seq) {
			l->found = true;
			l->due_ms = row->due_ms;
			l->attempts = row->items[i].attempts;
		}
	return false;
}

static bool find_pending(struct store *reader, const struct leg *p, int64_t event_seq, struct look *ret)
{
	struct fault fault;

	*ret = (struct look){ .event_seq = event_seq };
	store_pending_get(reader, p->number, event_seq, look_at, ret, &fault);
	for (size_t i = 0; i < p->sibling_count && !ret->found; i++)
		store_pending_get(reader, p->number, p->siblings[i], look_at, ret, &fault);
	return ret->found;
}

static void read_pending(struct deliveries *ps, struct store *reader)
{
	for (size_t i = 0; i < ps->count; i++) {
		struct leg *p = &ps->all[i];
		struct look look;

		if ((!p->waits && !p->sibling_count) || !find_pending(reader, p, ps->ev->seq, &look))
			continue;
		p->known = true;
		p->state = STATE_PENDING;
		p->attempts = look.attempts;
		p->next_ms = look.due_ms == PENDING_HELD ? 0 : look.due_ms;
	}
}

/* --- endpoints --- */

/* What has anything pending may have this event pending. */
static bool offer_waiting(void *ctx, const struct endpoint_view *v)
{
	struct deliveries *ps = ctx;

	if (atomic_load_explicit(&v->stats->pending, memory_order_relaxed) > 0) {
		struct leg *p = leg_add(ps, v->endpoint->number);

		leg_name(p, v->endpoint);
		p->waits = true;
	}
	return true;
}

/* The only one that can have it; it is in no list. */
static void offer_target(struct deliveries *ps)
{
	struct endpoint_view v;

	if (node_endpoint_by_number(ps->call->node, ps->ev->target, &v))
		return;
	offer_waiting(ps, &v);
	node_endpoint_view_free(&v);
}

static bool offer_route(void *ctx, const struct endpoint_view *v)
{
	struct deliveries *ps = ctx;
	struct leg *p = leg_find(ps, v->endpoint->number);

	if (v->from_seq >= ps->ev->seq)
		return true;
	if (!p)
		p = leg_add(ps, v->endpoint->number);
	leg_name(p, v->endpoint);
	p->known = true;
	return true;
}

/* Deleted endpoints are known by their last revision. */
static void find_names(struct deliveries *ps)
{
	for (size_t i = 0; i < ps->count; i++) {
		struct leg *p = &ps->all[i];
		struct endpoint *ep;

		if (p->named || !p->known)
			continue;
		ep = node_endpoint_revision(ps->call->node, p->number, p->revision);
		if (ep)
			leg_name(p, ep);
		endpoint_unref(&ep);
	}
}

/* Routes before attempts: what is delivered in between shows as delivered, not as never sent. */
static void collect(struct deliveries *ps, struct slice organization)
{
	struct node *n = ps->call->node;
	struct store *reader;

	if (ps->ev->target)
		offer_target(ps);
	else
		node_endpoint_list(n, (struct owner){ ps->ev->project, false }, false, slice_str(""), offer_waiting,
				   ps);
	if (!ps->ev->target && organization.n > 0)
		node_endpoint_list(n, (struct owner){ organization, true }, false, slice_str(""), offer_waiting, ps);
	node_routes(n, ps->ev, offer_route, ps);
	reader = node_reader_begin(n);
	read_attempts(ps, reader);
	read_pending(ps, reader);
	node_reader_end(n, reader);
	find_names(ps);
}

static void write_leg(struct json_writer *w, const struct leg *p)
{
	json_begin_object(w);
	json_member_str(w, "endpoint_id", p->named ? p->id : NULL);
	if (p->organization[0])
		json_member_str(w, "organization_id", p->organization);
	json_member_str(w, "state", state_words[p->state]);
	json_member_i64(w, "attempts", p->attempts);
	json_key(w, "next_attempt_time");
	if (p->state == STATE_PENDING && p->next_ms > 0)
		json_put_i64(w, p->next_ms / 1000);
	else
		json_put_null(w);
	json_key(w, "last_code");
	code_write(w, p->code);
	json_key(w, "last_time");
	if (p->last_ms)
		json_put_i64(w, p->last_ms / 1000);
	else
		json_put_null(w);
	json_end_object(w);
}

struct deliveries *deliveries_of(struct call *c, struct slice organization, const struct event *ev)
{
	struct deliveries *ps = arena_zalloc(&c->arena, sizeof(*ps));

	ps->call = c;
	ps->ev = ev;
	collect(ps, organization);
	return ps;
}

bool deliveries_any(const struct deliveries *ps, struct slice state)
{
	for (size_t i = 0; i < ps->count; i++)
		if (ps->all[i].known && slice_is(state, state_words[ps->all[i].state]))
			return true;
	return false;
}

void deliveries_end(struct deliveries *ps, bool write)
{
	struct json_writer *w = &ps->call->w;

	if (write) {
		json_begin_array(w);
		for (size_t i = 0; i < ps->count; i++)
			if (ps->all[i].known)
				write_leg(w, &ps->all[i]);
		json_end_array(w);
	}
	mem_free(ps->all);
	ps->all = NULL;
}
