/* Slices, memory, faults and the arena: the small parts that everything stands on. */
#include <limits.h>

#include "base/arena.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/slice.h"
#include "harness.h"

static void compares_without_case(void **state)
{
	(void)state;
	assert_true(slice_eq_nocase(SLICE_LIT("Content-Type"), SLICE_LIT("content-tYPE")));
	assert_false(slice_eq_nocase(SLICE_LIT("a"), SLICE_LIT("ab")));
	assert_false(slice_eq_nocase(SLICE_LIT("@"), SLICE_LIT("`"))); /* 0x20 apart, but no letters */
	assert_false(slice_eq_nocase(SLICE_LIT("["), SLICE_LIT("{")));
	assert_true(slice_eq(slice_str(NULL), SLICE_LIT("")));
	assert_true(slice_starts(SLICE_LIT("abc"), SLICE_LIT("")));
	assert_false(slice_starts(SLICE_LIT("ab"), SLICE_LIT("abc")));
}

static void trims_and_finds(void **state)
{
	char cut[4];
	char *copy;

	(void)state;
	ASSERT_SLICE(slice_trim(SLICE_LIT(" \t a b\t ")), "a b");
	ASSERT_SLICE(slice_trim(SLICE_LIT("  ")), "");
	ASSERT_SLICE(slice_trim(SLICE_LIT("\n")), "\n");
	assert_int_equal(slice_find(SLICE_LIT("a.b.c"), '.'), 1);
	assert_int_equal(slice_find(SLICE_LIT("abc"), '.'), 3);
	assert_int_equal(slice_find(slice_str(NULL), '.'), 0);
	slice_copy(cut, sizeof(cut), SLICE_LIT("abcdef"));
	assert_string_equal(cut, "abc");
	slice_copy(cut, sizeof(cut), slice_str(NULL));
	assert_string_equal(cut, "");
	copy = slice_dup(slice_of("abcdef", 2));
	assert_string_equal(copy, "ab");
	mem_free(copy);
}

static void reads_integers(void **state)
{
	static const char *const bad[] = { "",
					   "-",
					   "+1",
					   " 1",
					   "1 ",
					   "1.0",
					   "0x1",
					   "--1",
					   "9223372036854775808",
					   "-9223372036854775809",
					   "99999999999999999999" };
	long long v;

	(void)state;
	assert_true(slice_to_i64(SLICE_LIT("0"), &v) && v == 0);
	assert_true(slice_to_i64(SLICE_LIT("-0"), &v) && v == 0);
	assert_true(slice_to_i64(SLICE_LIT("007"), &v) && v == 7);
	assert_true(slice_to_i64(SLICE_LIT("9223372036854775807"), &v) && v == LLONG_MAX);
	assert_true(slice_to_i64(SLICE_LIT("-9223372036854775808"), &v) && v == LLONG_MIN);
	v = 42;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(slice_to_i64(slice_str(bad[i]), &v));
	assert_int_equal(v, 42);
}

static void copies_memory(void **state)
{
	char *p = mem_zalloc(4);

	(void)state;
	assert_memory_equal(p, "\0\0\0", 4);
	p = mem_realloc(p, 100);
	assert_memory_equal(p, "\0\0\0", 4);
	mem_free(p);
	assert_null(mem_strdup(NULL));
	p = mem_strdup("copy");
	assert_string_equal(p, "copy");
	mem_free(p);
	p = mem_dup(NULL, 0);
	assert_non_null(p);
	mem_free(p);
}

static void faults_name_their_place(void **state)
{
	struct fault f;

	(void)state;
	assert_int_equal(fault_param(&f, "id", "the id %s is wrong", "x"), ERR_INVALID);
	assert_string_equal(f.code, "invalid_param");
	assert_string_equal(f.message, "the id x is wrong");
	assert_int_equal(f.position, -1);
	fault_within(&f, "message");
	fault_within(&f, "events[%d]", 3);
	assert_string_equal(f.param, "events[3].message.id");

	fault_set(&f, "not_found", "", "no such endpoint");
	assert_string_equal(f.code, "not_found");
	fault_within(&f, "endpoint");
	assert_string_equal(f.param, "endpoint");
	fault_param(&f, "[2]", "empty");
	fault_within(&f, "list");
	assert_string_equal(f.param, "list[2]");
	fault_within(&f, "%s", "");
	assert_string_equal(f.param, "list[2]");
}

static void faults_are_cut_to_their_room(void **state)
{
	char large[2000];
	struct fault f;

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	fault_set(&f, large, large, "%s", large);
	assert_int_equal(strlen(f.code), sizeof(f.code) - 1);
	assert_int_equal(strlen(f.message), sizeof(f.message) - 1);
	fault_within(&f, "%s", large);
	assert_int_equal(strlen(f.param), sizeof(f.param) - 1);
	assert_int_equal(fault_set(NULL, "a", "b", "c"), ERR_INVALID);
	fault_within(NULL, "a");
	for (int err = ERR_SYSTEM; err <= ERR_NONE; err++)
		assert_string_not_equal(err_text(err), "unknown error");
	assert_string_equal(err_text(1), "unknown error");
}

static void arena_gives_aligned_memory(void **state)
{
	struct arena a;
	size_t sum = 0;

	(void)state;
	arena_init(&a);
	for (size_t n = 0; n < 300000; n = n * 2 + 1) {
		unsigned char *p = arena_alloc(&a, n);

		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		memset(p, 0xff, n); /* the sanitizer sees a byte too many */
		sum += n;
	}
	assert_int_equal(a.used, sum);
	assert_memory_equal(arena_zalloc(&a, 4), "\0\0\0", 4);
	assert_string_equal(arena_str(&a, slice_of("abcd", 2)), "ab");
	ASSERT_SLICE(arena_slice(&a, SLICE_LIT("kept")), "kept");
	ASSERT_SLICE(arena_slice(&a, slice_str(NULL)), "");
	arena_free(&a);
	assert_int_equal(a.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares_without_case),
		cmocka_unit_test(trims_and_finds),
		cmocka_unit_test(reads_integers),
		cmocka_unit_test(copies_memory),
		cmocka_unit_test(faults_name_their_place),
		cmocka_unit_test(faults_are_cut_to_their_room),
		cmocka_unit_test(arena_gives_aligned_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
