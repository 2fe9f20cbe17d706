/*
 * The clerk: one thread, one list of errands, and rounds. An errand is a change of settings that nobody waits for; a
 * round moves replays on, looks how old the oldest stored delivery of each endpoint is, and drops settings that no row
 * can name any more. It blocks on the store and on the loops, so neither of them may ever wait for it.
 */
#include "node/clerk.h"

#include "base/latch.h"
#include "base/list.h"
#include "base/mem.h"
#include "node/change.h"
#include "node/drop.h"
#include "node/parts.h"
#include "node/rounds.h"

struct errand {
	struct list link;
	int (*run)(struct node *n, const struct errand *er);
	uint64_t number;
	uint32_t revision;
	char text[256];
};

struct clerk {
	struct node *node;
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct list errands;
	struct list later; /* the thread's own: errands that found no room on the disk, for the next round */
	bool woken, stopping;
	struct rounds rounds;
};

static void add(struct clerk *c, int (*run)(struct node *n, const struct errand *er), uint64_t number,
		uint32_t revision, const char *text)
{
	struct errand *er = mem_zalloc(sizeof(*er));

	er->run = run;
	er->number = number;
	er->revision = revision;
	slice_copy(er->text, sizeof(er->text), slice_str(text));
	pthread_mutex_lock(&c->lock);
	list_push(&c->errands, &er->link);
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
}

static int run_disable(struct node *n, const struct errand *er)
{
	return change_disable(n, er->number, er->revision, er->text);
}

static int run_retired(struct node *n, const struct errand *er)
{
	change_forget(n, er->number, er->revision);
	return 0;
}

static int run_organization(struct node *n, const struct errand *er)
{
	return change_organization(n, slice_str(er->text));
}

/* A bit at a time, so that other errands are not held up. */
static int run_drop(struct node *n, const struct errand *er)
{
	bool more;
	int err = drop_some(n, slice_str(er->text), &more);

	if (!err && more)
		clerk_drop(n->clerk, er->text);
	return err;
}

void clerk_disable(struct clerk *c, uint64_t number, uint32_t revision, const char *reason)
{
	add(c, run_disable, number, revision, reason);
}

void clerk_retired(struct clerk *c, uint64_t number, uint32_t revision)
{
	add(c, run_retired, number, revision, "");
}

void clerk_organization(struct clerk *c, const char *project)
{
	add(c, run_organization, 0, 0, project);
}

void clerk_drop(struct clerk *c, const char *project)
{
	add(c, run_drop, 0, 0, project);
}

void clerk_wake(struct clerk *c)
{
	pthread_mutex_lock(&c->lock);
	c->woken = true;
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
}

/* Waits for an errand or the next round; NULL: a round. false: the end. */
static bool next(struct clerk *c, int64_t until_us, struct errand **ret)
{
	struct list *l = NULL;
	bool go_on;

	pthread_mutex_lock(&c->lock);
	while (!c->stopping && !c->woken && !(l = list_pop(&c->errands)))
		if (!cond_wait_until(&c->more, &c->lock, until_us))
			break;
	c->woken = false;
	go_on = !c->stopping;
	pthread_mutex_unlock(&c->lock);
	*ret = l ? CONTAINER_OF(l, struct errand, link) : NULL;
	return go_on;
}

static void run_errand(struct clerk *c, struct errand *er)
{
	int err = er->run(c->node, er);

	if (err == ERR_FULL || err == ERR_BUSY)
		list_push(&c->later, &er->link);
	else
		mem_free(er);
}

/* An endpoint whose disabling was forgotten would stand still, and its settings would say that it is active. */
static void run_later(struct clerk *c)
{
	struct list due, *l;

	list_init(&due);
	list_splice_front(&due, &c->later); /* each once: what fails again waits for the next round */
	while ((l = list_pop(&due)))
		run_errand(c, CONTAINER_OF(l, struct errand, link));
}

static void *run(void *ctx)
{
	struct clerk *c = ctx;
	struct errand *er;
	int64_t round_us = 0;

	while (next(c, round_us, &er)) {
		if (er) {
			run_errand(c, er);
			continue;
		}
		run_later(c);
		round_us = clock_mono_us() + rounds_go(&c->rounds, c->node) * 1000;
	}
	mem_free(er);
	return NULL;
}

struct clerk *clerk_new(struct node *n)
{
	struct clerk *c = mem_zalloc(sizeof(*c));

	c->node = n;
	list_init(&c->errands);
	list_init(&c->later);
	pthread_mutex_init(&c->lock, NULL);
	cond_init_monotonic(&c->more);
	return c;
}

int clerk_start(struct clerk *c, struct fault *fault)
{
	if (pthread_create(&c->thread, NULL, run, c)) {
		fault_set(fault, "system", "", "no thread for upkeep: raise the limit of processes (ulimit -u)");
		return ERR_SYSTEM;
	}
	c->running = true;
	return 0;
}

void clerk_stop(struct clerk *c)
{
	if (!c || !c->running)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	c->running = false;
}

void clerk_free(struct clerk **cp)
{
	struct clerk *c = *cp;
	struct list *l;

	if (!c)
		return;
	while ((l = list_pop(&c->errands)) || (l = list_pop(&c->later)))
		mem_free(CONTAINER_OF(l, struct errand, link));
	pthread_cond_destroy(&c->more);
	pthread_mutex_destroy(&c->lock);
	mem_free(c);
	*cp = NULL;
}
