/*
 * From the commit to the shards. Steps add what they make while the commit runs, submissions when it is through; a
 * commit that fails has its steps run again, so whatever they had added is dropped when the next one begins.
 *
 * Order: an endpoint is set in its engine by a message that is posted before the events, and the inbox is in order; so
 * an event finds the endpoint that was made for it. It is in the directory after that message and before the events:
 * whoever finds it there and changes it comes later, and a load for one of the events finds it.
 */
#include "node/fresh.h"

#include <stdlib.h>

#include "base/mem.h"
#include "node/parts.h"

struct fresh {
	struct node *node;
	struct event **events;
	size_t count, cap;
	struct entry **entries;
	size_t entry_count;
	struct list answers;
};

struct fresh *fresh_new(struct node *n)
{
	struct fresh *f = mem_zalloc(sizeof(*f));

	f->node = n;
	list_init(&f->answers);
	return f;
}

void fresh_begin(struct fresh *f)
{
	while (f->count > 0)
		event_unref(&f->events[--f->count]);
	while (f->entry_count > 0)
		entry_free(f->entries[--f->entry_count]);
}

void fresh_free(struct fresh **fp)
{
	struct fresh *f = *fp;

	if (!f)
		return;
	fresh_begin(f);
	mem_free(f->events);
	mem_free(f->entries);
	mem_free(f);
	*fp = NULL;
}

void fresh_event(struct fresh *f, struct event *ev)
{
	if (f->count == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 256;
		f->events = mem_realloc(f->events, f->cap * sizeof(struct event *));
	}
	f->events[f->count++] = ev;
}

void fresh_endpoint(struct fresh *f, struct entry *en)
{
	f->entries = mem_realloc(f->entries, (f->entry_count + 1) * sizeof(struct entry *));
	f->entries[f->entry_count++] = en;
}

struct entry *fresh_find(const struct fresh *f, struct slice project, struct slice id)
{
	for (size_t i = 0; i < f->entry_count; i++) {
		const struct endpoint *ep = f->entries[i]->current;

		if (slice_is(project, ep->owner) && slice_is(id, ep->id))
			return f->entries[i];
	}
	return NULL;
}

void fresh_answer(struct fresh *f, struct fresh_answer *a)
{
	list_push(&f->answers, &a->link);
}

/* --- to the shards --- */

struct endpoint_message {
	struct message message;
	struct endpoint *endpoint;
	struct endpoint_stats *stats;
	int64_t from_seq;
};

static void endpoint_run(struct message *m, struct shard *sh)
{
	struct endpoint_message *em = CONTAINER_OF(m, struct endpoint_message, message);

	engine_endpoint_set(shard_engine(sh), em->endpoint, em->from_seq, em->stats);
	endpoint_unref(&em->endpoint);
	endpoint_stats_unref(&em->stats);
	mem_free(em);
}

static void give_endpoint(struct node *n, struct entry *en)
{
	struct endpoint_message *em = mem_zalloc(sizeof(*em));

	em->message.run = endpoint_run;
	em->endpoint = endpoint_ref(en->current);
	em->stats = endpoint_stats_ref(en->stats);
	em->from_seq = en->from_seq;
	shard_post(node_shard(n, en->number), &em->message);
	directory_write(n->directory);
	directory_add(n->directory, en);
	directory_release(n->directory);
}

static int by_seq(const void *a, const void *b)
{
	int64_t x = (*(struct event *const *)a)->seq, y = (*(struct event *const *)b)->seq;

	return (x > y) - (x < y);
}

/* Steps first, then submissions: two runs, each in order already. */
static bool in_order(const struct fresh *f)
{
	for (size_t i = 1; i < f->count; i++)
		if (f->events[i - 1]->seq > f->events[i]->seq)
			return false;
	return true;
}

static void tap_events(const struct fresh *f)
{
	const struct node_taps *taps = &f->node->taps;

	if (taps->accepted)
		taps->accepted(taps->ctx, f->events, f->count);
}

static void give_events(struct fresh *f)
{
	struct node *n = f->node;

	if (f->count == 0)
		return;
	if (!in_order(f))
		qsort(f->events, f->count, sizeof(struct event *), by_seq);
	tap_events(f);
	for (unsigned i = 0; i < n->shard_count; i++)
		shard_events(n->shards[i], f->events, f->count);
	atomic_store_explicit(&n->last_event_seq, f->events[f->count - 1]->seq, memory_order_relaxed);
	while (f->count > 0) {
		struct event **ev = &f->events[--f->count];

		if (!(*ev)->target) /* the hub's own exchanges are no events to those who count */
			atomic_fetch_add_explicit(&n->accepted, 1, memory_order_relaxed);
		event_unref(ev);
	}
}

void fresh_give(struct fresh *f)
{
	struct list *l;

	for (size_t i = 0; i < f->entry_count; i++)
		give_endpoint(f->node, f->entries[i]);
	f->entry_count = 0;
	give_events(f);
	while ((l = list_pop(&f->answers))) {
		struct fresh_answer *a = CONTAINER_OF(l, struct fresh_answer, link);

		a->run(a);
	}
}
