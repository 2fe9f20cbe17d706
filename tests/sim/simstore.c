/*
 * A disk with a will of its own around the real memory store. A group is what was queued when the last one ended; it
 * takes some milliseconds, and while the disk is full nothing moves. Outcomes travel back in order. The deliberate
 * faults of the test of the test are at home here: a commit that is lost, two that change places.
 */
#include "simstore.h"

#include <stdlib.h>

#include "base/mem.h"
#include "judge.h"
#include "node.h"

struct simstore {
	struct sim *sim;
	struct node *node;
	struct store *disk;
	struct list queue, group, back;
	struct alarm sync, post;
	int64_t full_until_ms, last_arrival_ms;
};

static void begin_group(struct simstore *ss)
{
	struct world *w = &ss->sim->world;
	int64_t start = w->now_ms > ss->full_until_ms ? w->now_ms : ss->full_until_ms;

	if (!list_empty(&ss->group) || list_empty(&ss->queue))
		return;
	list_splice_front(&ss->group, &ss->queue);
	world_set(w, &ss->sync, start + world_draw(w, 0, world_chance(w, 0.05) ? 300 : 8));
}

static void send_back(struct simstore *ss, struct work *w)
{
	struct world *world = &ss->sim->world;
	int64_t at = world->now_ms + world_draw(world, 0, 2);

	if (at < ss->last_arrival_ms)
		at = ss->last_arrival_ms;
	ss->last_arrival_ms = w->arrive_ms = at;
	list_push(&ss->back, &w->link);
	if (!heap_has(&ss->post.node))
		world_set(world, &ss->post, at);
}

static bool is_sabotaged(struct simstore *ss, const struct work *w, enum breakage how)
{
	return ss->sim->broken == how && w->tx && !w->events && world_chance(&ss->sim->world, 0.05);
}

static void apply(struct simstore *ss, struct work *w)
{
	struct fault fault;

	if (w->events && w->arrive_ms < 0)
		w->refused = true;
	if (w->tx && !w->refused) {
		if (is_sabotaged(ss, w, BREAK_LOSE_COMMIT))
			ss->sim->sabotaged = true;
		else if (store_commit(ss->disk, &w->tx, 1, &fault) != 0)
			abort();
		else
			judge_applied(ss->sim, w->tx);
	}
	if (w->apply && !w->refused)
		w->apply(ss->node, w, ss->disk);
}

/* The first result of a group goes last. */
static void reorder(struct simstore *ss)
{
	struct list *first = ss->group.next;

	if (first->next == &ss->group ||
	    !is_sabotaged(ss, CONTAINER_OF(first, struct work, link), BREAK_REORDER_COMMITS))
		return;
	ss->sim->sabotaged = true;
	list_del(first);
	list_push(&ss->group, first);
}

static void synced(struct alarm *a)
{
	struct simstore *ss = CONTAINER_OF(a, struct simstore, sync);
	struct list *l;

	reorder(ss);
	while ((l = list_pop(&ss->group))) {
		struct work *w = CONTAINER_OF(l, struct work, link);

		apply(ss, w);
		send_back(ss, w);
	}
	begin_group(ss);
}

static void post(struct alarm *a)
{
	struct simstore *ss = CONTAINER_OF(a, struct simstore, post);
	struct world *world = &ss->sim->world;

	while (!list_empty(&ss->back)) {
		struct work *w = CONTAINER_OF(ss->back.next, struct work, link);

		if (w->arrive_ms > world->now_ms) {
			world_set(world, &ss->post, w->arrive_ms);
			return;
		}
		list_del(&w->link);
		w->arrive(ss->node, w, w->refused);
	}
}

struct simstore *simstore_new(struct sim *s, struct node *n)
{
	struct simstore *ss = mem_zalloc(sizeof(*ss));
	struct store_options options = { .recent_ids = 1000 };

	ss->sim = s;
	ss->node = n;
	ss->disk = store_memory_new(&options);
	list_init(&ss->queue);
	list_init(&ss->group);
	list_init(&ss->back);
	ss->sync.ring = synced;
	ss->post.ring = post;
	return ss;
}

static void drop_all(struct list *works)
{
	struct list *l;

	while ((l = list_pop(works))) {
		struct work *w = CONTAINER_OF(l, struct work, link);

		w->drop(w);
	}
}

void simstore_crash(struct simstore *ss)
{
	world_cancel(&ss->sim->world, &ss->sync);
	world_cancel(&ss->sim->world, &ss->post);
	drop_all(&ss->back);
	drop_all(&ss->group);
	drop_all(&ss->queue);
}

void simstore_free(struct simstore **ssp)
{
	struct simstore *ss = *ssp;

	simstore_crash(ss);
	store_close(&ss->disk);
	mem_free(ss);
	*ssp = NULL;
}

void simstore_add(struct simstore *ss, struct work *w)
{
	w->arrive_ms = w->events && simstore_is_stalled(ss) ? -1 : 0;
	list_push(&ss->queue, &w->link);
	begin_group(ss);
}

bool simstore_is_idle(const struct simstore *ss)
{
	return list_empty(&ss->queue) && list_empty(&ss->group) && list_empty(&ss->back);
}

void simstore_stall(struct simstore *ss, int64_t ms)
{
	ss->full_until_ms = ss->sim->world.now_ms + ms;
}

bool simstore_is_stalled(const struct simstore *ss)
{
	return ss->sim->world.now_ms < ss->full_until_ms;
}

struct store *simstore_disk(struct simstore *ss)
{
	return ss->disk;
}
