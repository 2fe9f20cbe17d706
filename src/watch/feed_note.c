/*
 * Notes of the taps. One lock, held for a copy of some hundred bytes: the store thread and the loops write, the
 * watchman swaps the two halves and reads the one that nobody writes to any more.
 *
 * Events are kept only of projects that somebody listens to. Whose an attempt is can be seen by its endpoint, which is
 * looked up later, by the watchman; only one that finds no room is looked up here, for those who are to be told.
 */
#include "watch/feed_note.h"

#include <assert.h>
#include <pthread.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "engine/detail.h"

#define REASON_MAX	  500
#define CLEARED_BYTES_MAX ((size_t)1 << 20) /* an arena that grew beyond this is given back */

/* A project that somebody listens to; "" is everything. */
struct interest {
	struct map_node node;
	struct slice project;
	unsigned listeners;
	uint64_t lost[FEED_KINDS];
};

struct half {
	struct arena arena;
	struct note *first, **end;
	size_t count;
};

struct notes {
	_Atomic bool wanted;
	struct node *node;
	struct hash_key key;
	pthread_mutex_t lock; /* guards the rest */
	struct map interests;
	struct interest *all; /* NULL: nobody listens to everything */
	struct half halves[2];
	unsigned current;
};

/* --- interests --- */

static struct interest *interest_find(const struct notes *n, struct slice project)
{
	uint64_t h = hash_bytes(&n->key, project);

	for (struct map_node *m = map_first(&n->interests, h); m; m = map_next(m, h))
		if (slice_eq(CONTAINER_OF(m, struct interest, node)->project, project))
			return CONTAINER_OF(m, struct interest, node);
	return NULL;
}

static struct interest *interest_add(struct notes *n, struct slice project)
{
	struct interest *i = mem_zalloc(sizeof(*i));

	i->project = slice_of(slice_dup(project), project.n);
	map_add(&n->interests, &i->node, hash_bytes(&n->key, project));
	if (project.n == 0)
		n->all = i;
	return i;
}

static void interest_free(struct notes *n, struct interest *i)
{
	if (n->all == i)
		n->all = NULL;
	map_del(&n->interests, &i->node);
	mem_free((char *)(uintptr_t)i->project.p);
	mem_free(i);
}

void notes_listen(struct notes *n, struct slice project)
{
	struct interest *i;

	pthread_mutex_lock(&n->lock);
	i = interest_find(n, project);
	if (!i)
		i = interest_add(n, project);
	i->listeners++;
	atomic_store_explicit(&n->wanted, true, memory_order_relaxed);
	pthread_mutex_unlock(&n->lock);
}

void notes_unlisten(struct notes *n, struct slice project)
{
	struct interest *i;

	pthread_mutex_lock(&n->lock);
	i = interest_find(n, project);
	assert(i && i->listeners > 0);
	if (--i->listeners == 0)
		interest_free(n, i);
	atomic_store_explicit(&n->wanted, n->interests.count > 0, memory_order_relaxed);
	pthread_mutex_unlock(&n->lock);
}

uint64_t notes_lost(struct notes *n, struct slice project, unsigned kinds, uint64_t seen[FEED_KINDS])
{
	const struct interest *i;
	uint64_t lost = 0;

	pthread_mutex_lock(&n->lock);
	i = interest_find(n, project);
	for (unsigned k = 0; i && k < FEED_KINDS; k++) {
		if (kinds & (1U << k))
			lost += i->lost[k] - seen[k];
		seen[k] = i->lost[k];
	}
	pthread_mutex_unlock(&n->lock);
	return lost;
}

/* --- noting, under the lock --- */

static void lose(struct notes *n, struct interest *i, enum feed_kind kind)
{
	if (i)
		i->lost[kind]++;
	if (n->all && n->all != i)
		n->all->lost[kind]++;
}

/* NULL: there is no room, or nobody listens any more since we asked. */
static struct note *note_add(struct notes *n, enum feed_kind kind)
{
	struct half *h = &n->halves[n->current];
	struct note *note;

	if (h->count == FEED_NOTES_MAX || n->interests.count == 0)
		return NULL;
	note = arena_zalloc(&h->arena, sizeof(*note));
	note->kind = kind;
	*h->end = note;
	h->end = &note->next;
	h->count++;
	return note;
}

static struct slice keep(struct notes *n, struct slice s)
{
	return arena_slice(&n->halves[n->current].arena, s);
}

static void note_event(struct notes *n, const struct event *ev, struct interest *i)
{
	struct note *note = note_add(n, FEED_ACCEPTED);

	if (!note) {
		if (!ev->target)
			lose(n, i, FEED_ACCEPTED);
		return;
	}
	note->seq = ev->seq;
	note->time_ms = ev->accepted_ms;
	note->owner = keep(n, ev->project);
	note->id = keep(n, ev->id);
	note->message_id = keep(n, ev->message_id);
	note->targeted = ev->target != 0;
	note->u.type = ev->type;
}

void notes_accepted(struct notes *n, struct event *const *events, size_t count)
{
	struct slice project = slice_str("");
	struct interest *i = NULL;

	if (!atomic_load_explicit(&n->wanted, memory_order_relaxed))
		return;
	pthread_mutex_lock(&n->lock);
	for (size_t e = 0; e < count; e++) {
		if (!slice_eq(project, events[e]->project)) {
			project = events[e]->project;
			i = interest_find(n, project);
		}
		if (i || n->all)
			note_event(n, events[e], i);
	}
	pthread_mutex_unlock(&n->lock);
}

/* An endpoint of an organization has no project of its own: only who hears everything is told. */
static void lose_attempt(struct notes *n, const struct attempt_row *row)
{
	struct endpoint_view v;
	struct interest *i = NULL;

	if (node_endpoint_by_number(n->node, row->endpoint, &v) == 0) {
		if (!v.endpoint->of_organization)
			i = interest_find(n, slice_str(v.endpoint->owner));
		node_endpoint_view_free(&v);
	}
	lose(n, i, FEED_ATTEMPT);
}

static void copy_attempt(struct notes *n, struct note *note, const struct attempt_row *row)
{
	size_t bytes = row->item_count * sizeof(*row->items);
	struct attempt_item *items = arena_alloc(&n->halves[n->current].arena, bytes + 1);
	struct attempt_detail detail = { .duration_us = -1 };

	if (bytes > 0)
		memcpy(items, row->items, bytes);
	if (!detail_decode(row->detail, &detail))
		detail = (struct attempt_detail){ .duration_us = -1 };
	note->seq = row->seq;
	note->time_ms = row->time_ms;
	note->reason = keep(n, slice_of(detail.reason.p, detail.reason.n < REASON_MAX ? detail.reason.n : REASON_MAX));
	note->u.attempt.endpoint = row->endpoint;
	note->u.attempt.revision = row->revision;
	note->u.attempt.attempt = row->attempt;
	note->u.attempt.items = items;
	note->u.attempt.item_count = row->item_count;
	note->u.attempt.duration_us = detail.duration_us;
	note->u.attempt.outcome = row->outcome;
	note->u.attempt.code = row->code;
}

void notes_attempt(struct notes *n, const struct attempt_row *row)
{
	struct note *note;

	if (!atomic_load_explicit(&n->wanted, memory_order_relaxed))
		return;
	pthread_mutex_lock(&n->lock);
	note = note_add(n, FEED_ATTEMPT);
	if (note)
		copy_attempt(n, note, row);
	else
		lose_attempt(n, row);
	pthread_mutex_unlock(&n->lock);
}

void notes_state(struct notes *n, const struct endpoint *ep, enum lane_state before, enum lane_state now,
		 const char *why)
{
	struct note *note;

	if (!atomic_load_explicit(&n->wanted, memory_order_relaxed))
		return;
	pthread_mutex_lock(&n->lock);
	note = note_add(n, FEED_STATE);
	if (note) {
		note->time_ms = node_now_ms(n->node);
		note->owner = keep(n, slice_str(ep->owner));
		note->id = keep(n, slice_str(ep->id));
		note->reason = keep(n, slice_str(why));
		note->of_organization = ep->of_organization;
		note->u.state.before = before;
		note->u.state.now = now;
	} else {
		lose(n, ep->of_organization ? NULL : interest_find(n, slice_str(ep->owner)), FEED_STATE);
	}
	pthread_mutex_unlock(&n->lock);
}

/* --- taking, and life --- */

static void half_clear(struct half *h)
{
	if (h->arena.used > CLEARED_BYTES_MAX) {
		arena_free(&h->arena);
		arena_init(&h->arena);
	} else {
		arena_reset(&h->arena);
	}
	h->first = NULL;
	h->end = &h->first;
	h->count = 0;
}

const struct note *notes_take(struct notes *n)
{
	struct half *full;

	half_clear(&n->halves[!n->current]); /* only this thread changes `current` */
	pthread_mutex_lock(&n->lock);
	full = &n->halves[n->current];
	n->current = !n->current;
	pthread_mutex_unlock(&n->lock);
	return full->first;
}

void notes_attach(struct notes *n, struct node *node)
{
	n->node = node;
}

struct notes *notes_new(void)
{
	struct notes *n = mem_zalloc(sizeof(*n));

	pthread_mutex_init(&n->lock, NULL);
	map_init(&n->interests);
	n->key = (struct hash_key){ (uint64_t)clock_mono_us(), (uint64_t)(uintptr_t)n };
	for (int i = 0; i < 2; i++) {
		arena_init(&n->halves[i].arena);
		half_clear(&n->halves[i]);
	}
	return n;
}

void notes_free(struct notes **np)
{
	struct notes *n = *np;
	struct map_node *m;

	while ((m = map_walk(&n->interests, NULL)))
		interest_free(n, CONTAINER_OF(m, struct interest, node));
	map_free(&n->interests);
	for (int i = 0; i < 2; i++)
		arena_free(&n->halves[i].arena);
	pthread_mutex_destroy(&n->lock);
	mem_free(n);
	*np = NULL;
}
