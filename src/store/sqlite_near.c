/*
 * The objects that the writer met last, as they are stored, so that neither reading them again nor changing them looks
 * for them in b-trees: a conversation's messages and contacts, and the phone and services that all have in common.
 *
 * Only steps use it, on the one handle that writes, so it shows what the commit has done so far, and all of it is
 * forgotten with a commit that fails. Readers never see it. Rows keep their checksums and are verified here as well.
 *
 * There are two generations: what is found in the old one moves to the young one; when that is full it becomes the old
 * one, and what was not met meanwhile goes.
 */
#include "store/sqlite_impl.h"

#include "base/list.h"
#include "base/mem.h"

#define GENERATION_BYTES ((size_t)8 << 20)

struct near_object {
	struct map_node node;
	int64_t n, due_ms;
	size_t name, body; /* bytes of each */
	char data[];
};

static size_t bytes_of(const struct near_object *o)
{
	return sizeof(*o) + o->name + o->body;
}

static uint64_t hash_of(const struct sqlite_store *s, struct slice name)
{
	return hash_bytes(&s->recent_key, name);
}

static struct near_object *look(const struct map *m, struct slice name, uint64_t hash)
{
	for (struct map_node *node = map_first(m, hash); node; node = map_next(node, hash)) {
		struct near_object *o = CONTAINER_OF(node, struct near_object, node);

		if (slice_eq(slice_of(o->data, o->name), name))
			return o;
	}
	return NULL;
}

static void add(struct sqlite_store *s, struct near_object *o, uint64_t hash)
{
	map_add(&s->near_young, &o->node, hash);
	s->near_bytes += bytes_of(o);
}

static void clear(struct map *m)
{
	struct map_node *node, *next;

	for (node = map_walk(m, NULL); node; node = next) {
		next = map_walk(m, node);
		mem_free(CONTAINER_OF(node, struct near_object, node));
	}
	map_free(m);
	map_init(m);
}

bool sqlite_near_find(struct sqlite_store *s, struct slice name, struct sqlite_near *ret)
{
	uint64_t hash = hash_of(s, name);
	struct near_object *o = look(&s->near_young, name, hash);

	if (!o && (o = look(&s->near_old, name, hash))) {
		map_del(&s->near_old, &o->node);
		add(s, o, hash);
	}
	if (o)
		*ret = (struct sqlite_near){ o->n, o->due_ms, slice_of(o->data + o->name, o->body) };
	return o != NULL;
}

static void drop(struct sqlite_store *s, struct slice name, uint64_t hash)
{
	struct near_object *o = look(&s->near_young, name, hash);

	if (o) {
		map_del(&s->near_young, &o->node);
		s->near_bytes -= bytes_of(o);
	} else if ((o = look(&s->near_old, name, hash))) {
		map_del(&s->near_old, &o->node);
	}
	mem_free(o);
}

void sqlite_near_drop(struct sqlite_store *s, struct slice name)
{
	drop(s, name, hash_of(s, name));
}

void sqlite_near_put(struct sqlite_store *s, struct slice name, const struct sqlite_near *object)
{
	struct near_object *o = mem_alloc(sizeof(*o) + name.n + object->body.n);
	uint64_t hash = hash_of(s, name);

	*o = (struct near_object){ .n = object->n, .due_ms = object->due_ms, .name = name.n, .body = object->body.n };
	memcpy(o->data, name.p, name.n);
	memcpy(o->data + name.n, object->body.p, object->body.n);
	drop(s, name, hash);
	if (s->near_bytes > GENERATION_BYTES) {
		clear(&s->near_old);
		s->near_old = s->near_young;
		map_init(&s->near_young);
		s->near_bytes = 0;
	}
	add(s, o, hash);
}

void sqlite_near_clear(struct sqlite_store *s)
{
	clear(&s->near_young);
	clear(&s->near_old);
	s->near_bytes = 0;
}
