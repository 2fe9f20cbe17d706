/*
 * The feed. Taps note (feed_note.c); ten times a second, while somebody listens, the
 * watchman takes the notes, finds out whose each one is, writes it once (feed_write.c) into
 * all channels that want it (feed_channel.c), and hands what came together to their seats.
 *
 * What a project must not see is decided here, in one place: give_*. An attempt of an organization's endpoint may carry
 * events of several projects; each of them is shown its own items alone.
 *
 * One lock, over channels and seats: who joins or closes may wait for a round, the taps never do.
 */
#include "watch/feed.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/mem.h"
#include "watch/feed_channel.h"
#include "watch/feed_names.h"
#include "watch/feed_write.h"

#define ROUND_US    INT64_C(100000)
#define ENTRY_MAX   ((size_t)512 * 1024)
#define KNOWN_SLOTS 64

/* Endpoints met in this round, so that each is looked up once. */
struct known {
	uint64_t number;
	uint32_t revision;
	struct endpoint *endpoint;
};

struct feed {
	struct notes *notes;
	struct watchman *watchman;
	unsigned duty;
	struct node *node;
	pthread_mutex_t lock; /* guards the rest */
	struct list channels;
	size_t seats;
	bool closed;
	/* of a round */
	struct feed_names *names; /* NULL while nobody listens */
	struct known known[KNOWN_SLOTS];
	struct buf entry;
	struct arena arena;
};

/* --- whose attempt --- */

static struct endpoint *endpoint_look_up(struct feed *f, uint64_t number, uint32_t revision)
{
	struct endpoint_view v;
	struct endpoint *ep;

	if (node_endpoint_by_number(f->node, number, &v))
		return node_endpoint_revision(f->node, number, revision); /* it was deleted */
	ep = endpoint_ref(v.endpoint);
	node_endpoint_view_free(&v);
	return ep;
}

/* NULL when nobody knows it any more. */
static const struct endpoint *endpoint_of(struct feed *f, const struct note *n)
{
	struct known *k = &f->known[n->u.attempt.endpoint % KNOWN_SLOTS];

	if (k->number != n->u.attempt.endpoint || k->revision != n->u.attempt.revision) {
		endpoint_unref(&k->endpoint);
		k->number = n->u.attempt.endpoint;
		k->revision = n->u.attempt.revision;
		k->endpoint = endpoint_look_up(f, k->number, k->revision);
	}
	return k->endpoint;
}

static void known_forget(struct feed *f)
{
	for (size_t i = 0; i < KNOWN_SLOTS; i++) {
		endpoint_unref(&f->known[i].endpoint);
		f->known[i].number = 0;
	}
}

/* --- giving an entry to who wants it --- */

/* What outgrew its buffer is too large for any round. */
static void put(struct feed *f, struct channel *c)
{
	if (buf_failed(&f->entry))
		channel_skip(c);
	else
		channel_add(c, buf_slice(&f->entry));
}

static bool wants_project(const struct channel *c, struct slice project)
{
	return c->want.project.n == 0 || slice_eq(c->want.project, project);
}

static void give_accepted(struct feed *f, const struct note *n)
{
	feed_names_add(f->names, n->seq,
		       &(struct name){ .project = n->owner, .id = n->id, .message_id = n->message_id });
	if (n->targeted)
		return;
	LIST_EACH (l, &f->channels) {
		struct channel *c = CONTAINER_OF(l, struct channel, link);

		if (!(c->want.kinds & (1U << FEED_ACCEPTED)) || c->want.endpoint.n > 0 || !wants_project(c, n->owner) ||
		    !channel_has_room(c))
			continue;
		if (f->entry.n == 0)
			feed_write_accepted(&f->entry, n);
		put(f, c);
	}
}

static void give_state(struct feed *f, const struct note *n)
{
	LIST_EACH (l, &f->channels) {
		struct channel *c = CONTAINER_OF(l, struct channel, link);

		if (!(c->want.kinds & (1U << FEED_STATE)) ||
		    (c->want.endpoint.n > 0 && !slice_eq(c->want.endpoint, n->id)) ||
		    !wants_project(c, n->of_organization ? slice_str("") : n->owner) || !channel_has_room(c))
			continue;
		if (f->entry.n == 0)
			feed_write_state(&f->entry, n);
		put(f, c);
	}
}

struct attempt {
	const struct note *note;
	const struct endpoint *ep;
	struct name *names;   /* of the items; NULL: not looked up yet */
	struct slice written; /* the project that the entry was written for; p NULL: for none */
};

static void find_names(struct feed *f, struct attempt *a)
{
	uint32_t count = a->note->u.attempt.item_count;

	if (a->names)
		return;
	a->names = arena_alloc(&f->arena, count * sizeof(struct name) + 1);
	for (uint32_t i = 0; i < count; i++)
		a->names[i] = feed_names_find(f->names, f->node, a->note->u.attempt.items[i].event_seq);
}

/* Whether it carries an event of this project: then the project hears of it. */
static bool carries(struct feed *f, struct attempt *a, struct slice project)
{
	find_names(f, a);
	for (uint32_t i = 0; i < a->note->u.attempt.item_count; i++)
		if (slice_eq(a->names[i].project, project))
			return true;
	return false;
}

static bool wants_attempt(struct feed *f, const struct channel *c, struct attempt *a)
{
	const struct feed_want *w = &c->want;

	if (!(w->kinds & (1U << FEED_ATTEMPT)) || (w->outcome >= 0 && w->outcome != a->note->u.attempt.outcome))
		return false;
	if (w->endpoint.n > 0 && (!a->ep || !slice_is(w->endpoint, a->ep->id)))
		return false;
	if (w->project.n == 0)
		return true;
	if (!a->ep)
		return false;
	return a->ep->of_organization ? carries(f, a, w->project) : slice_is(w->project, a->ep->owner);
}

/* Only an organization's endpoint has items that not everybody may see. */
static struct slice shown_project(const struct channel *c, const struct attempt *a)
{
	return a->ep && a->ep->of_organization ? c->want.project : slice_str("");
}

static void give_attempt(struct feed *f, const struct note *n)
{
	struct attempt a = { .note = n, .ep = endpoint_of(f, n) };

	LIST_EACH (l, &f->channels) {
		struct channel *c = CONTAINER_OF(l, struct channel, link);
		struct slice shown = shown_project(c, &a);

		if (!wants_attempt(f, c, &a) || !channel_has_room(c))
			continue;
		if (f->entry.n == 0 || !slice_eq(a.written, shown)) {
			find_names(f, &a);
			buf_reset(&f->entry);
			feed_write_attempt(&f->entry, n, a.ep, a.names, shown);
			a.written = shown;
		}
		put(f, c);
	}
}

static void give(struct feed *f, const struct note *n)
{
	static void (*const by_kind[FEED_KINDS])(struct feed * f, const struct note *n) = { give_accepted, give_attempt,
											    give_state };

	buf_reset(&f->entry);
	by_kind[n->kind](f, n);
	arena_reset(&f->arena);
}

/* --- rounds --- */

static void channel_close(struct feed *f, struct channel *c)
{
	list_del(&c->link);
	notes_unlisten(f->notes, c->want.project);
	channel_free(&c);
}

static void begin_round(struct feed *f, int64_t now_us)
{
	LIST_EACH (l, &f->channels) {
		struct channel *c = CONTAINER_OF(l, struct channel, link);

		channel_begin(c, now_us, notes_lost(f->notes, c->want.project, c->want.kinds, c->lost));
	}
}

/* Who could not take what was sent is gone by now, so seats are counted anew. */
static void end_round(struct feed *f, int64_t now_us)
{
	f->seats = 0;
	LIST_EACH (l, &f->channels) {
		struct channel *c = CONTAINER_OF(l, struct channel, link);

		channel_send(c, now_us);
		seats_tend(c, now_us);
		LIST_EACH (s, &c->seats)
			f->seats++;
		if (list_empty(&c->seats))
			channel_close(f, c);
	}
	feed_names_rest(f->names, f->node);
	known_forget(f);
}

/* Nobody listens any more; what was noted since is for nobody. */
static void rest(struct feed *f)
{
	feed_names_free(&f->names);
	notes_take(f->notes);
	notes_take(f->notes);
}

static int64_t run_round(void *ctx, int64_t due_us)
{
	struct feed *f = ctx;
	int64_t now_us = clock_mono_us();

	pthread_mutex_lock(&f->lock);
	if (f->names) {
		begin_round(f, now_us);
		for (const struct note *n = notes_take(f->notes); n; n = n->next)
			give(f, n);
		end_round(f, now_us);
		if (list_empty(&f->channels))
			rest(f);
	}
	due_us = f->names ? due_us + ROUND_US : WATCHMAN_NEVER;
	pthread_mutex_unlock(&f->lock);
	return due_us > now_us ? due_us : now_us + ROUND_US;
}

/* --- joining and closing --- */

static struct channel *channel_for(struct feed *f, const struct feed_want *want)
{
	struct channel *c;

	LIST_EACH (l, &f->channels) {
		c = CONTAINER_OF(l, struct channel, link);
		if (channel_is(c, want))
			return c;
	}
	c = channel_new(want, clock_mono_us());
	list_push(&f->channels, &c->link);
	notes_listen(f->notes, want->project);
	notes_lost(f->notes, want->project, 0, c->lost); /* what was lost before does not concern it */
	return c;
}

static size_t seats_of(const struct feed *f, struct slice project)
{
	size_t count = 0;

	LIST_EACH (l, &f->channels) {
		const struct channel *c = CONTAINER_OF(l, struct channel, link);

		if (!slice_eq(c->want.project, project))
			continue;
		LIST_EACH (s, &c->seats)
			count++;
	}
	return count;
}

static bool has_room(const struct feed *f, struct slice project)
{
	return !f->closed && f->seats < FEED_SEATS_MAX && (project.n == 0 || seats_of(f, project) < FEED_SEATS_OF_ONE);
}

bool feed_join(struct feed *f, const struct feed_want *want, const struct feed_sink *sink)
{
	struct channel *c;
	bool ok;

	pthread_mutex_lock(&f->lock);
	ok = has_room(f, want->project);
	if (ok) {
		if (!f->names)
			f->names = feed_names_new();
		c = channel_for(f, want); /* before begin, with which the want's words may go */
		sink->begin(sink->ctx);
		seat_add(c, sink, clock_mono_us());
		f->seats++;
	}
	pthread_mutex_unlock(&f->lock);
	if (ok)
		watchman_poke(f->watchman, f->duty, clock_mono_us() + ROUND_US);
	return ok;
}

void feed_close(struct feed *f)
{
	pthread_mutex_lock(&f->lock);
	f->closed = true;
	LIST_EACH (l, &f->channels) {
		struct channel *c = CONTAINER_OF(l, struct channel, link);

		seats_end(c);
		channel_close(f, c);
	}
	f->seats = 0;
	pthread_mutex_unlock(&f->lock);
}

/* --- taps --- */

void feed_accepted(struct feed *f, struct event *const *events, size_t count)
{
	notes_accepted(f->notes, events, count);
}

void feed_attempt(struct feed *f, const struct attempt_row *row)
{
	notes_attempt(f->notes, row);
}

void feed_state(struct feed *f, const struct endpoint *ep, enum lane_state before, enum lane_state now, const char *why)
{
	notes_state(f->notes, ep, before, now, why);
}

/* --- life --- */

struct feed *feed_new(void)
{
	struct feed *f = mem_zalloc(sizeof(*f));

	f->notes = notes_new();
	pthread_mutex_init(&f->lock, NULL);
	list_init(&f->channels);
	buf_init(&f->entry, ENTRY_MAX);
	arena_init(&f->arena);
	return f;
}

void feed_enlist(struct feed *f, struct watchman *m)
{
	f->watchman = m;
	f->duty = watchman_add(m, run_round, f);
}

void feed_attach(struct feed *f, struct node *node)
{
	f->node = node;
	notes_attach(f->notes, node);
}

void feed_free(struct feed **fp)
{
	struct feed *f = *fp;

	if (!f)
		return;
	feed_close(f);
	feed_names_free(&f->names);
	notes_free(&f->notes);
	buf_free(&f->entry);
	arena_free(&f->arena);
	pthread_mutex_destroy(&f->lock);
	mem_free(f);
	*fp = NULL;
}
