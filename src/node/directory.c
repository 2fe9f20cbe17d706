/*
 * The directory in memory: five sorted arrays under one lock. Entries are never changed by their readers; what a reader
 * keeps beyond the lock is a reference (struct endpoint, struct endpoint_stats) or a copy.
 *
 * A deleted endpoint stays under its number until the engine has ended
 * its deliveries, so that a restart in between goes on with that.
 */
#include "node/directory.h"

#include <assert.h>

#include "base/mem.h"
#include "node/document.h"

/* --- order --- */

static int compare_slices(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	if (order)
		return order;
	return a.n < b.n ? -1 : a.n > b.n;
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_project(const void *item, const void *key)
{
	return compare_slices(slice_str(((const struct project *)item)->id), *(const struct slice *)key);
}

static int by_key(const void *item, const void *key)
{
	return compare_slices(slice_str(((const struct key *)item)->id), *(const struct slice *)key);
}

struct name {
	struct owner owner;
	struct slice id;
};

static int by_name(const void *item, const void *key)
{
	const struct endpoint *ep = ((const struct entry *)item)->current;
	const struct name *name = key;
	int order = compare_slices(slice_str(ep->owner), name->owner.id);

	if (!order)
		order = compare_slices(slice_str(ep->id), name->id);
	return order ? order : (int)ep->of_organization - (int)name->owner.organization;
}

static int by_number(const void *item, const void *key)
{
	return compare_u64(((const struct entry *)item)->number, *(const uint64_t *)key);
}

static int by_revision(const void *item, const void *key)
{
	const struct revision *a = item, *b = key;
	int order = compare_u64(a->number, b->number);

	return order ? order : compare_u64(a->revision, b->revision);
}

/* --- life --- */

struct directory *directory_new(void)
{
	struct directory *d = mem_zalloc(sizeof(*d));

	pthread_rwlock_init(&d->lock, NULL);
	return d;
}

void project_free(struct project *p)
{
	mem_free(p->id);
	mem_free(p->settings);
	mem_free(p->organization);
	mem_free(p->organization_before);
	mem_free(p);
}

void key_free(struct key *k)
{
	mem_free(k->id);
	mem_free(k->project);
	mem_free(k->name);
	mem_free(k);
}

void entry_free(struct entry *en)
{
	endpoint_unref(&en->current);
	endpoint_stats_unref(&en->stats);
	mem_free(en);
}

static void revision_free(struct revision *r)
{
	if (r->compiled)
		endpoint_unref(&r->compiled);
	mem_free(r);
}

void directory_free(struct directory **dp)
{
	struct directory *d = *dp;

	if (!d)
		return;
	for (size_t i = 0; i < d->projects.count; i++)
		project_free(d->projects.items[i]);
	for (size_t i = 0; i < d->numbers.count; i++)
		entry_free(d->numbers.items[i]);
	for (size_t i = 0; i < d->revisions.count; i++)
		revision_free(d->revisions.items[i]);
	for (size_t i = 0; i < d->keys.count; i++)
		key_free(d->keys.items[i]);
	sorted_free(&d->projects);
	sorted_free(&d->names);
	sorted_free(&d->numbers);
	sorted_free(&d->revisions);
	sorted_free(&d->keys);
	pthread_rwlock_destroy(&d->lock);
	mem_free(d);
	*dp = NULL;
}

void directory_read(struct directory *d)
{
	pthread_rwlock_rdlock(&d->lock);
}

void directory_write(struct directory *d)
{
	pthread_rwlock_wrlock(&d->lock);
}

void directory_release(struct directory *d)
{
	pthread_rwlock_unlock(&d->lock);
}

int directory_check_name(struct slice id, const char *param, struct fault *fault)
{
	bool good = id.n >= 1 && id.n <= 100;

	for (size_t i = 0; i < id.n && good; i++) {
		char c = id.p[i];

		good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		       (c && strchr("_-.:@", c));
	}
	return good ? 0 : fault_param(fault, param, "must be 1 to 100 characters of A-Z a-z 0-9 _ - . : @");
}

/* --- projects --- */

size_t directory_project_after(const struct directory *d, struct slice id)
{
	bool found;
	size_t place = sorted_place(&d->projects, by_project, &id, &found);

	return place + found;
}

struct project *directory_project(const struct directory *d, struct slice id)
{
	return sorted_find(&d->projects, by_project, &id);
}

void directory_project_set(struct directory *d, struct project *p)
{
	struct slice id = slice_str(p->id);
	bool found;
	size_t place = sorted_place(&d->projects, by_project, &id, &found);

	if (!found) {
		sorted_insert(&d->projects, place, p);
		return;
	}
	project_free(d->projects.items[place]);
	d->projects.items[place] = p;
}

void directory_project_remove(struct directory *d, struct slice id)
{
	bool found;
	size_t place = sorted_place(&d->projects, by_project, &id, &found);

	if (!found)
		return;
	project_free(d->projects.items[place]);
	sorted_remove(&d->projects, place);
}

static void cache_fill(struct organization_cache *cache, struct slice id, const struct project *p)
{
	cache->known = true;
	slice_copy(cache->project, sizeof(cache->project), id);
	slice_copy(cache->now, sizeof(cache->now), slice_str(p ? p->organization : ""));
	slice_copy(cache->before, sizeof(cache->before), slice_str(p ? p->organization_before : ""));
	cache->from = p ? p->organization_from : 0;
}

struct slice directory_organization(struct directory *d, const struct event *ev, struct organization_cache *cache)
{
	if (!cache->known || !slice_is(ev->project, cache->project)) {
		directory_read(d);
		cache_fill(cache, ev->project, directory_project(d, ev->project));
		directory_release(d);
	}
	return slice_str(ev->seq > cache->from ? cache->now : cache->before);
}

/* --- endpoints --- */

struct entry *directory_endpoint(const struct directory *d, struct owner owner, struct slice id)
{
	struct name name = { owner, id };

	return sorted_find(&d->names, by_name, &name);
}

struct entry *directory_number(const struct directory *d, uint64_t number)
{
	return sorted_find(&d->numbers, by_number, &number);
}

size_t directory_after(const struct directory *d, struct owner owner, struct slice id)
{
	struct name name = { owner, id };
	bool found;
	size_t place = sorted_place(&d->names, by_name, &name, &found);

	return place + found;
}

static size_t name_place(const struct directory *d, const struct entry *en, bool *ret_found)
{
	const struct endpoint *ep = en->current;
	struct name name = { { slice_str(ep->owner), ep->of_organization }, slice_str(ep->id) };

	return sorted_place(&d->names, by_name, &name, ret_found);
}

void directory_add(struct directory *d, struct entry *en)
{
	bool found;
	size_t place = sorted_place(&d->numbers, by_number, &en->number, &found);

	assert(!found);
	sorted_insert(&d->numbers, place, en);
	if (en->deleted)
		return;
	place = name_place(d, en, &found);
	assert(!found);
	sorted_insert(&d->names, place, en);
}

static void supersede(struct directory *d, struct endpoint *ep, int64_t now_ms)
{
	struct revision *r = mem_zalloc(sizeof(*r));
	bool found;
	size_t place;

	*r = (struct revision){ ep->number, ep->revision, now_ms, ep };
	place = sorted_place(&d->revisions, by_revision, r, &found);
	assert(!found);
	sorted_insert(&d->revisions, place, r);
}

void directory_add_revision(struct directory *d, uint64_t number, uint32_t revision, int64_t superseded_ms)
{
	struct revision *r = mem_zalloc(sizeof(*r));

	*r = (struct revision){ number, revision, superseded_ms, NULL };
	sorted_insert(&d->revisions, sorted_place(&d->revisions, by_revision, r, NULL), r);
}

void directory_revise(struct directory *d, struct entry *en, struct endpoint *ep, int64_t now_ms)
{
	supersede(d, en->current, now_ms);
	en->current = ep;
	en->changed_ms = now_ms;
}

void directory_hide(struct directory *d, struct entry *en)
{
	bool found;
	size_t place = name_place(d, en, &found);

	assert(found && d->names.items[place] == en);
	sorted_remove(&d->names, place);
	en->deleted = true;
}

void directory_forget(struct directory *d, struct entry *en, int64_t now_ms)
{
	bool found;
	size_t place = sorted_place(&d->numbers, by_number, &en->number, &found);

	assert(found && en->deleted);
	sorted_remove(&d->numbers, place);
	supersede(d, endpoint_ref(en->current), now_ms);
	entry_free(en);
}

/* --- revisions --- */

void directory_drop_revisions(struct directory *d, int64_t before_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->revisions.count; i++) {
		struct revision *r = d->revisions.items[i];

		if (r->superseded_ms < before_ms)
			revision_free(r);
		else
			d->revisions.items[kept++] = r;
	}
	d->revisions.count = kept;
}

/* *ret_old: it is a superseded one that nobody has asked for yet. */
static struct endpoint *revision_in_memory(const struct directory *d, uint64_t number, uint32_t revision, bool *ret_old)
{
	struct revision key = { .number = number, .revision = revision };
	const struct entry *en = directory_number(d, number);
	const struct revision *r;

	*ret_old = false;
	if (en && en->current->revision == revision)
		return endpoint_ref(en->current);
	r = sorted_find(&d->revisions, by_revision, &key);
	if (r && r->compiled)
		return endpoint_ref(r->compiled);
	*ret_old = r != NULL;
	return NULL;
}

/* Two threads may have compiled the same one: the first is kept, because connections hang on the object's identity. */
static struct endpoint *revision_keep(struct directory *d, struct endpoint *ep)
{
	struct revision key = { .number = ep->number, .revision = ep->revision };
	struct revision *r;
	struct endpoint *kept = ep;

	directory_write(d);
	r = sorted_find(&d->revisions, by_revision, &key);
	if (r && r->compiled) {
		kept = endpoint_ref(r->compiled);
		endpoint_unref(&ep);
	} else if (r) {
		r->compiled = endpoint_ref(ep);
	}
	directory_release(d);
	return kept;
}

struct endpoint *directory_revision(struct directory *d, struct store *store, uint64_t number, uint32_t revision)
{
	struct endpoint *ep;
	bool old;

	directory_read(d);
	ep = revision_in_memory(d, number, revision, &old);
	directory_release(d);
	if (ep || !old)
		return ep;
	ep = document_read_revision(store, number, revision);
	return ep ? revision_keep(d, ep) : NULL;
}

/* --- keys --- */

size_t directory_key_after(const struct directory *d, struct slice id)
{
	bool found;
	size_t place = sorted_place(&d->keys, by_key, &id, &found);

	return place + found;
}

struct key *directory_key(const struct directory *d, struct slice id)
{
	return sorted_find(&d->keys, by_key, &id);
}

void directory_key_add(struct directory *d, struct key *k)
{
	struct slice id = slice_str(k->id);

	sorted_insert(&d->keys, sorted_place(&d->keys, by_key, &id, NULL), k);
}

void directory_key_remove(struct directory *d, struct slice id)
{
	bool found;
	size_t place = sorted_place(&d->keys, by_key, &id, &found);

	if (!found)
		return;
	key_free(d->keys.items[place]);
	sorted_remove(&d->keys, place);
}
