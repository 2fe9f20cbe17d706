/*
 * One thread waits until another has done something for it, once. And condition variables that count in monotonic time,
 * so that setting the machine's clock neither hastens nor holds a wait.
 */
#ifndef BASE_LATCH_H
#define BASE_LATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* A condition variable of monotonic time. */
void cond_init_monotonic(pthread_cond_t *cond);
/* Waits for a signal at most until this moment of clock_mono_us; false when the moment came first. */
bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t mono_us);

struct latch {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool set;
};

void latch_init(struct latch *l);
void latch_free(struct latch *l);
void latch_set(struct latch *l);
void latch_wait(struct latch *l);
/* false when it is not set by this moment of clock_mono_us. */
bool latch_wait_until(struct latch *l, int64_t mono_us);

#endif
