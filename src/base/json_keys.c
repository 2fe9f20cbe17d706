/*
 * The search for a key that stands twice in one object. Keys count as equal when their decoded contents are equal, for
 * that is what a receiver sees: refusing only equal spellings would leave the door that the refusal is to close.
 *
 * Nearly all objects are small and their keys carry no escapes. For these a 64-bit set of tiny signatures says "new"
 * most of the time, and only a hit is compared with the keys before. Everything else goes through a hash table under a
 * random key, so the time stays linear whatever the sender chooses.
 */
#include "base/digest.h"
#include "base/json_parts.h"
#include "base/map.h"
#include "base/mem.h"

#define SMALL_OBJECT 64 /* keys; up to here comparing beats building a table: a stored message has some thirty */

static struct slice text_of(const struct json_doc *doc, uint32_t key)
{
	return slice_of(doc->text + doc->nodes[key].start, doc->nodes[key].len);
}

static uint32_t key_after(const struct json_doc *doc, uint32_t key)
{
	return doc->nodes[key + 1].next;
}

static bool any_escaped(const struct json_doc *doc, uint32_t object)
{
	uint32_t end = doc->nodes[object].next;

	for (uint32_t key = object + 1; key < end; key = key_after(doc, key))
		if (doc->nodes[key].escaped)
			return true;
	return false;
}

static uint64_t signature(struct slice key)
{
	uint32_t mix = key.n ? (uint32_t)key.n * 5 + (uint8_t)key.p[0] * 3 + (uint8_t)key.p[key.n - 1] : 0;

	return (uint64_t)1 << (mix & 63);
}

static bool stands_before(const struct json_doc *doc, uint32_t object, uint32_t key)
{
	struct slice text = text_of(doc, key);

	for (uint32_t earlier = object + 1; earlier < key; earlier = key_after(doc, earlier))
		if (slice_eq(text_of(doc, earlier), text))
			return true;
	return false;
}

static uint32_t search_small(const struct json_doc *doc, uint32_t object)
{
	uint32_t end = doc->nodes[object].next;
	uint64_t seen = 0, sign;

	for (uint32_t key = object + 1; key < end; key = key_after(doc, key)) {
		sign = signature(text_of(doc, key));
		if ((seen & sign) && stands_before(doc, object, key))
			return key;
		seen |= sign;
	}
	return 0;
}

/* A key's place in the table; node 0 is never a key (the root is no key), so it marks the free places. */
struct slot {
	uint32_t hash, node;
};

struct key_table {
	const struct json_doc *doc;
	struct slot *slots;
	size_t mask;
	struct hash_key seed;
	struct buf scratch; /* the decoded key */
};

static struct slice decoded(struct key_table *t, uint32_t key)
{
	return json_text_slice((struct json){ t->doc, key }, &t->scratch);
}

static bool same_key(const struct json_doc *doc, uint32_t key, struct slice plain)
{
	if (!doc->nodes[key].escaped)
		return slice_eq(text_of(doc, key), plain);
	return json_unescaped_is(text_of(doc, key), plain);
}

/* False when an equal key is in the table already. */
static bool insert(struct key_table *t, uint32_t key)
{
	struct slice plain = decoded(t, key);
	uint64_t hash = hash_bytes(&t->seed, plain);
	uint32_t upper = (uint32_t)(hash >> 32);
	size_t i = hash & t->mask;

	for (; t->slots[i].node != 0; i = (i + 1) & t->mask)
		if (t->slots[i].hash == upper && same_key(t->doc, t->slots[i].node, plain))
			return false;
	t->slots[i] = (struct slot){ upper, key };
	return true;
}

static uint32_t search_large(const struct json_doc *doc, uint32_t object, uint32_t keys)
{
	struct key_table t = { .doc = doc };
	uint32_t end = doc->nodes[object].next, key = object + 1;
	size_t size = 32;

	while (size < (size_t)keys * 2)
		size *= 2;
	t.slots = mem_zalloc(size * sizeof(*t.slots));
	t.mask = size - 1;
	random_secure(&t.seed, sizeof(t.seed));
	/* decoding makes a text no longer, so this maximum is never reached (a lone surrogate: six bytes to three) */
	buf_init(&t.scratch, doc->len);
	while (key < end && insert(&t, key))
		key = key_after(doc, key);
	buf_free(&t.scratch);
	mem_free(t.slots);
	return key < end ? key : 0;
}

uint32_t json_duplicate_key(const struct json_doc *doc, uint32_t object, uint32_t keys)
{
	if (keys <= SMALL_OBJECT && !any_escaped(doc, object))
		return search_small(doc, object);
	return search_large(doc, object, keys);
}
