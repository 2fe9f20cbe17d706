/* A heap of due times and one thread that waits for the first of them on the monotonic clock. */
#include "listen/delay.h"

#include <assert.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"

struct delay {
	delay_due *due;
	void *ctx;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t moved;
	struct heap heap; /* keys: monotonic microseconds */
	bool hurry, ending;
};

static void wait_until(struct delay *d, int64_t mono_us)
{
	struct timespec until = { .tv_sec = (time_t)(mono_us / 1000000), .tv_nsec = (long)(mono_us % 1000000 * 1000) };

	pthread_cond_timedwait(&d->moved, &d->lock, &until);
}

static void *delay_main(void *arg)
{
	struct delay *d = arg;
	struct heap_node *first;

	pthread_mutex_lock(&d->lock);
	while (!d->ending) {
		first = heap_peek(&d->heap);
		if (!first) {
			pthread_cond_wait(&d->moved, &d->lock);
		} else if (!d->hurry && first->key > clock_mono_us()) {
			wait_until(d, first->key);
		} else {
			heap_remove(&d->heap, first);
			pthread_mutex_unlock(&d->lock);
			d->due(d->ctx, CONTAINER_OF(first, struct delayed, node));
			pthread_mutex_lock(&d->lock);
		}
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

struct delay *delay_new(delay_due *due, void *ctx)
{
	struct delay *d = mem_zalloc(sizeof(*d));
	pthread_condattr_t monotonic;
	int error;

	d->due = due;
	d->ctx = ctx;
	heap_init(&d->heap);
	pthread_mutex_init(&d->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&d->moved, &monotonic);
	pthread_condattr_destroy(&monotonic);
	error = pthread_create(&d->thread, NULL, delay_main, d);
	assert(error == 0);
	return d;
}

void delay_add(struct delay *d, struct delayed *what, int64_t delay_ms)
{
	what->node = (struct heap_node){ 0 };
	pthread_mutex_lock(&d->lock);
	heap_set(&d->heap, &what->node, clock_mono_us() + delay_ms * 1000);
	pthread_cond_signal(&d->moved);
	pthread_mutex_unlock(&d->lock);
}

void delay_hurry(struct delay *d)
{
	pthread_mutex_lock(&d->lock);
	d->hurry = true;
	pthread_cond_signal(&d->moved);
	pthread_mutex_unlock(&d->lock);
}

void delay_free(struct delay **delay)
{
	struct delay *d = *delay;

	*delay = NULL;
	pthread_mutex_lock(&d->lock);
	d->ending = true;
	pthread_cond_signal(&d->moved);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	assert(!heap_peek(&d->heap));
	heap_free(&d->heap);
	pthread_cond_destroy(&d->moved);
	pthread_mutex_destroy(&d->lock);
	mem_free(d);
}
