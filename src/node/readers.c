/*
 * A pool of store readers. More of them than cores that read would
 * only fight for the page cache, so a request waits for a free one.
 */
#include "node/readers.h"

#include <assert.h>
#include <pthread.h>

#include "base/mem.h"

#define READERS 4

struct readers {
	pthread_mutex_t lock;
	pthread_cond_t given;
	struct store *free[READERS];
	size_t count;
};

int readers_open(struct store *store, struct readers **ret, struct fault *fault)
{
	struct readers *r = mem_zalloc(sizeof(*r));

	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->given, NULL);
	while (r->count < READERS) {
		int err = store_reader(store, &r->free[r->count], fault);

		if (err) {
			readers_close(&r);
			return err;
		}
		r->count++;
	}
	*ret = r;
	return 0;
}

void readers_close(struct readers **rp)
{
	struct readers *r = *rp;

	if (!r)
		return;
	while (r->count > 0)
		store_close(&r->free[--r->count]);
	pthread_cond_destroy(&r->given);
	pthread_mutex_destroy(&r->lock);
	mem_free(r);
	*rp = NULL;
}

struct store *readers_take(struct readers *r)
{
	struct store *reader;

	pthread_mutex_lock(&r->lock);
	while (r->count == 0)
		pthread_cond_wait(&r->given, &r->lock);
	reader = r->free[--r->count];
	pthread_mutex_unlock(&r->lock);
	return reader;
}

void readers_give(struct readers *r, struct store *reader)
{
	pthread_mutex_lock(&r->lock);
	assert(r->count < READERS);
	r->free[r->count++] = reader;
	pthread_cond_signal(&r->given);
	pthread_mutex_unlock(&r->lock);
}
