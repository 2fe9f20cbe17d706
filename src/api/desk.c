/*
 * A few threads that do what may wait: a change of settings until it is on disk, a search until it has read enough.
 * They are few because they share the node's readers with the deliveries, and because a flood of searches must not
 * become a flood of threads. What waits is bounded; beyond it callers are asked to come again.
 */
#include "api/call.h"
#include "base/mem.h"

#define WAITING_MAX 1024

struct desk {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct list queue; /* of struct call */
	size_t waiting;
	bool stopping;
	unsigned count;
	pthread_t threads[];
};

static void *desk_main(void *arg)
{
	struct desk *d = arg;
	struct list *l;

	pthread_setname_np(pthread_self(), "desk");
	pthread_mutex_lock(&d->lock);
	for (;;) {
		while (list_empty(&d->queue) && !d->stopping)
			pthread_cond_wait(&d->more, &d->lock);
		l = list_pop(&d->queue);
		if (!l)
			break;
		d->waiting--;
		pthread_mutex_unlock(&d->lock);
		struct call *c = CONTAINER_OF(l, struct call, link);

		c->route->run(c);
		pthread_mutex_lock(&d->lock);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

struct desk *desk_new(unsigned threads)
{
	struct desk *d = mem_zalloc(sizeof(*d) + threads * sizeof(pthread_t));

	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->more, NULL);
	list_init(&d->queue);
	/* One that does not start is one less; without any, desk_add refuses. */
	while (d->count < threads && pthread_create(&d->threads[d->count], NULL, desk_main, d) == 0)
		d->count++;
	return d;
}

bool desk_add(struct desk *d, struct call *c)
{
	bool room;

	pthread_mutex_lock(&d->lock);
	room = d->waiting < WAITING_MAX && d->count > 0 && !d->stopping;
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
	while (d->count > 0)
		pthread_join(d->threads[--d->count], NULL);
}

void desk_free(struct desk **dp)
{
	struct desk *d = *dp;

	pthread_cond_destroy(&d->more);
	pthread_mutex_destroy(&d->lock);
	mem_free(d);
	*dp = NULL;
}
