/*
 * One struct trouble an endpoint that failed lately. It has news or not, and a time before which nobody wants to hear
 * of it again (next_ms, a digest after the last mail that said it fails); the heap holds it by when it is to be looked
 * at.
 *
 *	fails:     due at next_ms, which for the first time is at once
 *	recovers:  due at once if a mail said that it fails, so that no mail stands uncorrected; else with its digest
 *
 * An endpoint that flaps therefore causes two mails a digest at most. It is forgotten when it works and its digest is
 * over, or when nothing was heard of it for a week (it was deleted, or there was nothing to send).
 */
#include "hub/trouble.h"

#include <pthread.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#define FORGET_MS (7 * INT64_C(86400000))

struct trouble {
	struct map_node node;
	struct heap_node due;
	struct endpoint *endpoint; /* one reference, of the revision that failed last */
	bool failing;
	bool told;	   /* the last news said that it fails */
	uint32_t failures; /* since the last news */
	int64_t first_ms, last_ms, next_ms;
	int code;
	char reason[400];
};

struct troubles {
	pthread_mutex_t lock;
	int64_t digest_ms;
	struct map map; /* by the endpoint's number */
	struct heap heap;
	uint64_t left_out;
};

struct troubles *troubles_new(int64_t digest_ms)
{
	struct troubles *t = mem_zalloc(sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	t->digest_ms = digest_ms;
	map_init(&t->map);
	heap_init(&t->heap);
	return t;
}

void troubles_set_digest(struct troubles *t, int64_t digest_ms)
{
	pthread_mutex_lock(&t->lock);
	t->digest_ms = digest_ms;
	pthread_mutex_unlock(&t->lock);
}

static void forget(struct troubles *t, struct trouble *tr)
{
	heap_remove(&t->heap, &tr->due);
	map_del(&t->map, &tr->node);
	endpoint_unref(&tr->endpoint);
	mem_free(tr);
}

void troubles_free(struct troubles **tp)
{
	struct troubles *t = *tp;
	struct heap_node *first;

	while ((first = heap_peek(&t->heap)))
		forget(t, CONTAINER_OF(first, struct trouble, due));
	map_free(&t->map);
	heap_free(&t->heap);
	pthread_mutex_destroy(&t->lock);
	mem_free(t);
	*tp = NULL;
}

/* --- counting --- */

static struct trouble *find(const struct troubles *t, uint64_t number)
{
	uint64_t hash = hash_u64(number);

	for (struct map_node *n = map_first(&t->map, hash); n; n = map_next(n, hash)) {
		struct trouble *tr = CONTAINER_OF(n, struct trouble, node);

		if (tr->endpoint->number == number)
			return tr;
	}
	return NULL;
}

/* A settings' revision is shared and counted; the const of a hook's parameter only says that it does not change. */
static struct endpoint *hold(const struct endpoint *ep)
{
	return endpoint_ref((struct endpoint *)(uintptr_t)ep);
}

static struct trouble *add(struct troubles *t, const struct endpoint *ep)
{
	struct trouble *tr;

	if (t->map.count >= TROUBLES_MAX) {
		t->left_out++;
		return NULL;
	}
	tr = mem_zalloc(sizeof(*tr));
	tr->endpoint = hold(ep);
	map_add(&t->map, &tr->node, hash_u64(ep->number));
	return tr;
}

static void due_at(struct troubles *t, struct trouble *tr, int64_t at_ms)
{
	heap_set(&t->heap, &tr->due, at_ms);
}

static bool note_failure(struct troubles *t, struct trouble *tr, const struct endpoint *ep, int code,
			 struct slice reason, int64_t now_ms)
{
	bool begins;

	if (tr->endpoint != ep) {
		endpoint_unref(&tr->endpoint);
		tr->endpoint = hold(ep);
	}
	begins = !tr->failing;
	if (begins)
		tr->first_ms = now_ms;
	tr->failing = true;
	tr->last_ms = now_ms;
	tr->code = code;
	slice_copy(tr->reason, sizeof(tr->reason), reason);
	tr->failures++;
	if (!begins && tr->failures > 1)
		return false; /* it is due already */
	due_at(t, tr, now_ms > tr->next_ms ? now_ms : tr->next_ms);
	return tr->next_ms <= now_ms;
}

static bool note_success(struct troubles *t, struct trouble *tr, int64_t now_ms)
{
	if (!tr->failing)
		return false;
	tr->failing = false;
	if (tr->told)
		due_at(t, tr, now_ms);
	return tr->told;
}

bool troubles_note(struct troubles *t, const struct endpoint *ep, bool ok, int code, struct slice reason,
		   int64_t now_ms)
{
	struct trouble *tr;
	bool hurry = false;

	pthread_mutex_lock(&t->lock);
	tr = find(t, ep->number);
	if (!tr && !ok)
		tr = add(t, ep);
	if (tr)
		hurry = ok ? note_success(t, tr, now_ms) : note_failure(t, tr, ep, code, reason, now_ms);
	pthread_mutex_unlock(&t->lock);
	return hurry;
}

/* --- telling --- */

static bool has_news(const struct trouble *tr, enum trouble_what *ret)
{
	if (tr->failing && tr->failures > 0)
		*ret = tr->told ? TROUBLE_GOES_ON : TROUBLE_BEGINS;
	else if (!tr->failing && tr->told)
		*ret = TROUBLE_RECOVERS;
	else if (!tr->failing && tr->failures > 0)
		*ret = TROUBLE_PASSED;
	else
		return false;
	return true;
}

/* It was told: nobody wants to hear of it before the digest is over, except that it recovers. */
static void told(struct troubles *t, struct trouble *tr, enum trouble_what what, int64_t now_ms)
{
	tr->told = tr->failing;
	tr->failures = 0;
	if (what != TROUBLE_RECOVERS)
		tr->next_ms = now_ms + t->digest_ms;
	due_at(t, tr, tr->next_ms > now_ms ? tr->next_ms : now_ms + 1);
}

static void write_news(const struct trouble *tr, enum trouble_what what, struct trouble_letter *l)
{
	struct trouble_news *news = &l->news[l->count];

	if (l->count == TROUBLES_NAMED) {
		l->more++;
		return;
	}
	l->count++;
	*news = (struct trouble_news){ .what = what,
				       .endpoint = endpoint_ref(tr->endpoint),
				       .failures = tr->failures,
				       .first_ms = tr->first_ms,
				       .last_ms = tr->last_ms,
				       .code = tr->code };
	memcpy(news->reason, tr->reason, sizeof(news->reason));
}

static bool same_owner(const struct endpoint *a, const struct endpoint *b)
{
	return a->of_organization == b->of_organization && strcmp(a->owner, b->owner) == 0;
}

/* Of the same owner as the first one, all that are due: a letter names them together. */
static void collect(struct troubles *t, struct trouble *first, enum trouble_what what, int64_t now_ms,
		    struct trouble_letter *l)
{
	const struct endpoint *ep = first->endpoint; /* held by first, which stays */

	write_news(first, what, l);
	told(t, first, what, now_ms);
	for (struct map_node *n = map_walk(&t->map, NULL); n; n = map_walk(&t->map, n)) {
		struct trouble *tr = CONTAINER_OF(n, struct trouble, node);

		if (tr->due.key > now_ms || !same_owner(tr->endpoint, ep) || !has_news(tr, &what))
			continue;
		write_news(tr, what, l);
		told(t, tr, what, now_ms);
	}
}

bool troubles_take(struct troubles *t, int64_t now_ms, struct trouble_letter *ret)
{
	struct heap_node *first;
	enum trouble_what what;

	ret->count = ret->more = 0;
	pthread_mutex_lock(&t->lock);
	while (ret->count == 0 && (first = heap_peek(&t->heap)) && first->key <= now_ms) {
		struct trouble *tr = CONTAINER_OF(first, struct trouble, due);

		if (has_news(tr, &what))
			collect(t, tr, what, now_ms, ret);
		else if (tr->failing && now_ms - tr->last_ms < FORGET_MS)
			due_at(t, tr, now_ms + t->digest_ms);
		else
			forget(t, tr);
	}
	pthread_mutex_unlock(&t->lock);
	return ret->count > 0;
}

void trouble_letter_free(struct trouble_letter *l)
{
	for (size_t i = 0; i < l->count; i++)
		endpoint_unref(&l->news[i].endpoint);
	l->count = 0;
}

int64_t troubles_next(struct troubles *t)
{
	const struct heap_node *first;
	int64_t at;

	pthread_mutex_lock(&t->lock);
	first = heap_peek(&t->heap);
	at = first ? first->key : INT64_MAX;
	pthread_mutex_unlock(&t->lock);
	return at;
}

uint64_t troubles_left_out(struct troubles *t)
{
	uint64_t n;

	pthread_mutex_lock(&t->lock);
	n = t->left_out;
	t->left_out = 0;
	pthread_mutex_unlock(&t->lock);
	return n;
}
