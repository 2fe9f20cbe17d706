/* Who may hold the desk's threads: a project never the last free one, nor more than its share of the queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/call.h"
#include "base/mem.h"

#define THREADS 2

/* What the calls of a test do: each says that it runs, and hangs until its gate is open. */
struct hall {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool open;
	int running, done;
};

struct visit {
	struct call call; /* first: what the route's function is given */
	struct hall *hall;
};

static void enter(struct call *c)
{
	struct hall *h = ((struct visit *)c)->hall;

	pthread_mutex_lock(&h->lock);
	h->running++;
	pthread_cond_broadcast(&h->changed);
	while (!h->open)
		pthread_cond_wait(&h->changed, &h->lock);
	h->running--;
	h->done++;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

static const struct route route = { .run = enter };

static void hall_init(struct hall *h, bool open)
{
	*h = (struct hall){ .open = open };
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->changed, NULL);
}

static void hall_open(struct hall *h)
{
	pthread_mutex_lock(&h->lock);
	h->open = true;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

static void wait_for(struct hall *h, const int *what, int count)
{
	pthread_mutex_lock(&h->lock);
	while (*what < count)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

static void visit_init(struct visit *v, struct hall *h, const char *project)
{
	*v = (struct visit){ .call = { .route = &route, .role = project ? KEY_PROJECT : KEY_ADMIN }, .hall = h };
	if (project)
		slice_copy(v->call.key_project, sizeof(v->call.key_project), slice_str(project));
}

/* Two calls of one project hang: another's, and the operator's, are done meanwhile. */
static void test_the_last_thread_is_for_others(void **state)
{
	struct desk *d = desk_new(THREADS);
	struct hall slow, quick;
	struct visit heavy[2], other, own;

	(void)state;
	hall_init(&slow, false);
	hall_init(&quick, true);
	for (int i = 0; i < 2; i++) {
		visit_init(&heavy[i], &slow, "p");
		assert_true(desk_add(d, &heavy[i].call));
	}
	visit_init(&other, &quick, "q");
	visit_init(&own, &quick, NULL);
	assert_true(desk_add(d, &other.call));
	assert_true(desk_add(d, &own.call));
	wait_for(&quick, &quick.done, 2);
	wait_for(&slow, &slow.running, 1);
	assert_int_equal(slow.running, 1);
	hall_open(&slow);
	wait_for(&slow, &slow.done, 2);
	desk_stop(d);
	desk_free(&d);
}

/* The operator may have all threads. */
static void test_the_operator_is_not_bound(void **state)
{
	struct desk *d = desk_new(THREADS);
	struct hall slow;
	struct visit own[THREADS];

	(void)state;
	hall_init(&slow, false);
	for (int i = 0; i < THREADS; i++) {
		visit_init(&own[i], &slow, NULL);
		assert_true(desk_add(d, &own[i].call));
	}
	wait_for(&slow, &slow.running, THREADS);
	hall_open(&slow);
	desk_stop(d);
	assert_int_equal(slow.done, THREADS);
	desk_free(&d);
}

static void test_a_share_of_the_queue(void **state)
{
	struct desk *d = desk_new(THREADS);
	struct visit *all = mem_zalloc(2000 * sizeof(*all));
	struct visit other;
	struct hall slow;
	int taken = 0;

	(void)state;
	hall_init(&slow, false);
	for (int i = 0; i < 2000; i++) {
		visit_init(&all[i], &slow, "p");
		taken += desk_add(d, &all[i].call);
	}
	assert_in_range(taken, 256, 257); /* one of them may be at work */
	visit_init(&other, &slow, "q");
	assert_true(desk_add(d, &other.call));
	hall_open(&slow);
	desk_stop(d);
	assert_int_equal(slow.done, taken + 1);
	desk_free(&d);
	mem_free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_last_thread_is_for_others),
		cmocka_unit_test(test_the_operator_is_not_bound),
		cmocka_unit_test(test_a_share_of_the_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
