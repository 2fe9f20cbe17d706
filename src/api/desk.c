/*
 * A few threads that do what may wait: a change of settings until it is on disk, a search until it has read enough.
 * They are few because they share the node's readers with the deliveries, and because a flood of searches must not
 * become a flood of threads. What waits is bounded; beyond it callers are asked to come again.
 *
 * One customer's searches are that customer's alone: his keys and links together never hold the last free thread, nor
 * more than a quarter of the queue. The operator's own calls are bound by the queue only.
 */
#include <string.h>

#include "api/call.h"
#include "base/mem.h"

#define WAITING_MAX	   1024
#define WAITING_OF_ONE_MAX (WAITING_MAX / 4)

/* A call is gone as soon as it is answered, so whose it was is kept here. */
struct worker {
	struct desk *desk;
	pthread_t thread;
	char project[256]; /* for whom it works; empty: for nobody, or the operator */
};

struct desk {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct list queue; /* of struct call */
	size_t waiting;
	bool stopping;
	unsigned count;
	struct worker workers[];
};

static const char *whose(const struct call *c)
{
	return c->role == KEY_PROJECT ? c->key_project : "";
}

static bool may_work(const struct desk *d, const struct call *c)
{
	const char *project = whose(c);
	unsigned held = 0;

	for (unsigned i = 0; i < d->count && project[0]; i++)
		held += strcmp(d->workers[i].project, project) == 0;
	return held == 0 || held + 1 < d->count;
}

/* The first that waits and may; NULL when there is none. */
static struct call *take(struct desk *d)
{
	LIST_EACH (l, &d->queue) {
		struct call *c = CONTAINER_OF(l, struct call, link);

		if (!may_work(d, c))
			continue;
		list_del(l);
		d->waiting--;
		return c;
	}
	return NULL;
}

static void *desk_main(void *arg)
{
	struct worker *own = arg;
	struct desk *d = own->desk;
	struct call *c;

	pthread_setname_np(pthread_self(), "desk");
	pthread_mutex_lock(&d->lock);
	for (;;) {
		while (!(c = take(d)) && !(d->stopping && list_empty(&d->queue)))
			pthread_cond_wait(&d->more, &d->lock);
		if (!c)
			break;
		slice_copy(own->project, sizeof(own->project), slice_str(whose(c)));
		pthread_mutex_unlock(&d->lock);
		c->route->run(c);
		pthread_mutex_lock(&d->lock);
		own->project[0] = '\0';
		pthread_cond_broadcast(&d->more); /* what waited for this project's turn may be others' to do */
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

struct desk *desk_new(unsigned threads)
{
	struct desk *d = mem_zalloc(sizeof(*d) + threads * sizeof(struct worker));

	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->more, NULL);
	list_init(&d->queue);
	/* One that does not start is one less; without any, desk_add refuses. Who starts early waits for the count. */
	pthread_mutex_lock(&d->lock);
	for (unsigned i = 0; i < threads; i++) {
		struct worker *w = &d->workers[d->count];

		w->desk = d;
		if (pthread_create(&w->thread, NULL, desk_main, w) == 0)
			d->count++;
	}
	pthread_mutex_unlock(&d->lock);
	return d;
}

static bool has_room(const struct desk *d, const struct call *c)
{
	const char *project = whose(c);
	size_t own = 0;

	LIST_EACH (l, &d->queue)
		own += project[0] && strcmp(whose(CONTAINER_OF(l, struct call, link)), project) == 0;
	return own < WAITING_OF_ONE_MAX && d->waiting < WAITING_MAX && d->count > 0 && !d->stopping;
}

bool desk_add(struct desk *d, struct call *c)
{
	bool room;

	pthread_mutex_lock(&d->lock);
	room = has_room(d, c);
	if (room) {
		list_push(&d->queue, &c->link);
		d->waiting++;
		pthread_cond_signal(&d->more);
	}
	pthread_mutex_unlock(&d->lock);
	return room;
}

void desk_stop(struct desk *d)
{
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	pthread_cond_broadcast(&d->more);
	pthread_mutex_unlock(&d->lock);
	for (unsigned i = 0; i < d->count; i++)
		pthread_join(d->workers[i].thread, NULL);
	d->count = 0;
}

void desk_free(struct desk **dp)
{
	struct desk *d = *dp;

	pthread_cond_destroy(&d->more);
	pthread_mutex_destroy(&d->lock);
	mem_free(d);
	*dp = NULL;
}
