/*
 * Waiting between threads. A latch may live on the stack of the one who waits: it is set and signalled under its lock,
 * and who waits cannot go on before that lock is free again.
 */
#include "base/latch.h"

#include <assert.h>
#include <time.h>

void cond_init_monotonic(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	int rc = pthread_condattr_init(&attr);

	assert(rc == 0);
	rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	assert(rc == 0);
	rc = pthread_cond_init(cond, &attr);
	assert(rc == 0);
	pthread_condattr_destroy(&attr);
}

bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t mono_us)
{
	struct timespec at = { .tv_sec = mono_us / 1000000, .tv_nsec = mono_us % 1000000 * 1000 };

	return pthread_cond_timedwait(cond, lock, &at) == 0;
}

void latch_init(struct latch *l)
{
	pthread_mutex_init(&l->lock, NULL);
	cond_init_monotonic(&l->cond);
	l->set = false;
}

void latch_free(struct latch *l)
{
	pthread_cond_destroy(&l->cond);
	pthread_mutex_destroy(&l->lock);
}

void latch_set(struct latch *l)
{
	pthread_mutex_lock(&l->lock);
	l->set = true;
	pthread_cond_broadcast(&l->cond);
	pthread_mutex_unlock(&l->lock);
}

void latch_wait(struct latch *l)
{
	pthread_mutex_lock(&l->lock);
	while (!l->set)
		pthread_cond_wait(&l->cond, &l->lock);
	pthread_mutex_unlock(&l->lock);
}

bool latch_wait_until(struct latch *l, int64_t mono_us)
{
	bool set;

	pthread_mutex_lock(&l->lock);
	while (!l->set && cond_wait_until(&l->cond, &l->lock, mono_us))
		;
	set = l->set;
	pthread_mutex_unlock(&l->lock);
	return set;
}
