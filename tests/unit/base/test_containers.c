/* Map, heap and list against the simplest model that could be right, driven by seeded chance. */
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rand.h"
#include "harness.h"

#define THINGS 2000
#define STEPS  200000

struct thing {
	struct map_node node;
	bool in, seen;
};

/* Only 500 hashes for 2,000 things, so that chains hold several of one hash. */
static uint64_t hash_of(size_t i)
{
	return hash_u64(i % 500);
}

static bool found(const struct map *m, const struct thing *thing, uint64_t hash)
{
	for (struct map_node *n = map_first(m, hash); n; n = map_next(n, hash)) {
		assert_true(n->hash == hash);
		if (n == &thing->node)
			return true;
	}
	return false;
}

static void map_agrees_with_a_flag(void **state)
{
	static struct thing things[THINGS];
	struct rand chance;
	struct map m;
	size_t count = 0;

	(void)state;
	map_init(&m);
	assert_null(map_first(&m, 1));
	assert_null(map_walk(&m, NULL));
	rand_seed(&chance, 1);
	for (int step = 0; step < STEPS; step++) {
		size_t i = rand_below(&chance, THINGS);
		struct thing *thing = &things[i];

		/* tides: mostly adding, then mostly deleting, so that it grows and shrinks */
		if (!thing->in && rand_chance(&chance, step / 20000 % 2 ? 0.02 : 0.9)) {
			map_add(&m, &thing->node, hash_of(i));
			thing->in = true;
			count++;
		} else if (thing->in && rand_chance(&chance, step / 20000 % 2 ? 0.9 : 0.1)) {
			map_del(&m, &thing->node);
			thing->in = false;
			count--;
		}
		assert_int_equal(m.count, count);
		assert_int_equal(found(&m, thing, hash_of(i)), thing->in);
		assert_true(m.size == 0 || count <= m.size);
	}
	map_free(&m);
}

static void map_shrinks(void **state)
{
	static struct map_node nodes[THINGS], last;
	struct map m;
	size_t large;

	(void)state;
	map_init(&m);
	for (size_t i = 0; i < THINGS; i++)
		map_add(&m, &nodes[i], hash_u64(i));
	large = m.size;
	for (size_t i = 0; i < THINGS; i++)
		map_del(&m, &nodes[i]);
	map_add(&m, &last, 7);
	assert_true(m.size < large);
	assert_ptr_equal(map_first(&m, 7), &last);
	map_free(&m);
}

static void map_walk_sees_all_while_deleting(void **state)
{
	static struct thing things[THINGS];
	struct map_node *node, *next;
	struct map m;

	(void)state;
	map_init(&m);
	for (size_t i = 0; i < THINGS; i++)
		map_add(&m, &things[i].node, hash_of(i));
	for (node = map_walk(&m, NULL); node; node = next) {
		struct thing *thing = CONTAINER_OF(node, struct thing, node);

		assert_false(thing->seen);
		thing->seen = true;
		next = map_walk(&m, node);
		map_del(&m, node);
	}
	assert_int_equal(m.count, 0);
	for (size_t i = 0; i < THINGS; i++)
		assert_true(things[i].seen);
	map_free(&m);
}

/* The first vectors of the SipHash-2-4 reference: key 00 01 … 0f, message 00 01 … of length 0, 1, 2, …; and the worked
 * example of the paper's appendix, length 15. */
static void hash_is_siphash_2_4(void **state)
{
	static const struct hash_key key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	static const uint64_t vectors[] = { 0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a,
					    0x85676696d7fb7e2d, 0xcf2794e0277187b7, 0x18765564cd99a68d,
					    0xcbc9466e58fee3ce, 0xab0200f58b01d137, 0x93f5f5799a932462 };
	char message[15];

	(void)state;
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (char)i;
	for (size_t n = 0; n < COUNT_OF(vectors); n++)
		assert_true(hash_bytes(&key, slice_of(message, n)) == vectors[n]);
	assert_true(hash_bytes(&key, slice_of(message, 15)) == 0xa129ca6149be45e5);
}

static int64_t least_key(const struct heap_node *nodes, size_t count)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < count; i++)
		if (heap_has(&nodes[i]) && nodes[i].key < least)
			least = nodes[i].key;
	return least;
}

static void heap_agrees_with_a_search(void **state)
{
	static struct heap_node nodes[100];
	struct rand chance;
	struct heap h;
	int64_t before = INT64_MIN;

	(void)state;
	heap_init(&h);
	assert_null(heap_peek(&h));
	rand_seed(&chance, 2);
	for (int step = 0; step < 20000; step++) {
		struct heap_node *node = &nodes[rand_below(&chance, COUNT_OF(nodes))];

		if (rand_chance(&chance, 0.3))
			heap_remove(&h, node);
		else
			heap_set(&h, node, (int64_t)rand_below(&chance, 50));
		assert_int_equal(heap_peek(&h) ? heap_peek(&h)->key : INT64_MAX, least_key(nodes, COUNT_OF(nodes)));
	}
	while (heap_peek(&h)) {
		assert_true(heap_peek(&h)->key >= before);
		before = heap_peek(&h)->key;
		heap_remove(&h, heap_peek(&h));
	}
	heap_free(&h);
}

static void list_keeps_order(void **state)
{
	struct list a, b, items[5];
	size_t i = 0;

	(void)state;
	list_init(&a);
	list_init(&b);
	assert_null(list_pop(&a));
	for (size_t n = 0; n < COUNT_OF(items); n++)
		list_push(n < 2 ? &a : &b, &items[n]);
	list_splice_front(&b, &a); /* 0 1 before 2 3 4 */
	assert_true(list_empty(&a));
	LIST_EACH (it, &b) {
		assert_ptr_equal(it, &items[i]);
		if (i++ % 2)
			list_del(it);
	}
	assert_int_equal(i, 5);
	assert_false(list_linked(&items[1]));
	assert_ptr_equal(list_pop(&b), &items[0]);
	assert_ptr_equal(list_pop(&b), &items[2]);
	assert_ptr_equal(list_pop(&b), &items[4]);
	assert_true(list_empty(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_agrees_with_a_flag),	    cmocka_unit_test(map_shrinks),
		cmocka_unit_test(map_walk_sees_all_while_deleting), cmocka_unit_test(hash_is_siphash_2_4),
		cmocka_unit_test(heap_agrees_with_a_search),	    cmocka_unit_test(list_keeps_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
