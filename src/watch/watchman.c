/*
 * The watchman's thread. A duty's next moment stands under the lock, because others may poke it while it runs; what the
 * duty itself wants next is weighed against such a poke when it returns, so that no poke is lost.
 */
#include "watch/watchman.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/latch.h"
#include "base/mem.h"

struct duty {
	watchman_duty *run;
	void *ctx;
	int64_t next_us;
};

struct watchman {
	pthread_t thread;
	bool running;
	unsigned count;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* under the lock */
	bool stopping;
	struct duty duties[WATCHMAN_DUTIES_MAX]; /* their next_us */
};

static struct duty *earliest(struct watchman *m)
{
	struct duty *first = &m->duties[0];

	for (unsigned i = 1; i < m->count; i++)
		if (m->duties[i].next_us < first->next_us)
			first = &m->duties[i];
	return first;
}

/* Waits for the next duty and takes it; NULL: the end. */
static struct duty *next(struct watchman *m, int64_t *ret_due_us)
{
	struct duty *d = NULL;

	pthread_mutex_lock(&m->lock);
	while (!m->stopping) {
		d = earliest(m);
		if (d->next_us == WATCHMAN_NEVER)
			pthread_cond_wait(&m->changed, &m->lock);
		else if (d->next_us <= clock_mono_us())
			break;
		else
			cond_wait_until(&m->changed, &m->lock, d->next_us);
	}
	if (m->stopping)
		d = NULL;
	if (d) {
		*ret_due_us = d->next_us;
		d->next_us = WATCHMAN_NEVER; /* pokes from now on count for the next call */
	}
	pthread_mutex_unlock(&m->lock);
	return d;
}

static void *run(void *ctx)
{
	struct watchman *m = ctx;
	struct duty *d;
	int64_t due_us;

	pthread_setname_np(pthread_self(), "watchman");
	while ((d = next(m, &due_us)))
		watchman_poke(m, (unsigned)(d - m->duties), d->run(d->ctx, due_us));
	return NULL;
}

void watchman_poke(struct watchman *m, unsigned duty, int64_t at_us)
{
	assert(duty < m->count);
	pthread_mutex_lock(&m->lock);
	if (at_us < m->duties[duty].next_us) {
		m->duties[duty].next_us = at_us;
		pthread_cond_signal(&m->changed);
	}
	pthread_mutex_unlock(&m->lock);
}

struct watchman *watchman_new(void)
{
	struct watchman *m = mem_zalloc(sizeof(*m));

	m->duties[0].next_us = WATCHMAN_NEVER; /* where there is none, there is nothing to call */
	pthread_mutex_init(&m->lock, NULL);
	cond_init_monotonic(&m->changed);
	return m;
}

unsigned watchman_add(struct watchman *m, watchman_duty *duty, void *ctx)
{
	assert(!m->running && m->count < WATCHMAN_DUTIES_MAX);
	m->duties[m->count] = (struct duty){ .run = duty, .ctx = ctx };
	return m->count++;
}

int watchman_start(struct watchman *m, struct fault *fault)
{
	int64_t now_us = clock_mono_us();
	int err;

	for (unsigned i = 0; i < m->count; i++)
		m->duties[i].next_us = now_us;
	m->stopping = false;
	err = pthread_create(&m->thread, NULL, run, m);
	if (err) {
		fault_set(fault, "system", "", "no thread for the watch: %s", strerror(err));
		return ERR_SYSTEM;
	}
	m->running = true;
	return 0;
}

void watchman_stop(struct watchman *m)
{
	if (!m->running)
		return;
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_cond_signal(&m->changed);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	m->running = false;
}

void watchman_free(struct watchman **mp)
{
	struct watchman *m = *mp;

	if (!m)
		return;
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->lock);
	mem_free(m);
	*mp = NULL;
}
