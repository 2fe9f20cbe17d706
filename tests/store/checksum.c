/* The checksum: XXH64's public test vectors, every length of its ends, and that no single flipped bit passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/checksum.h"

static void test_vectors(void **state)
{
	(void)state;
	assert_true(checksum(slice_str(""), 0) == UINT64_C(0xef46db3751d8e999));
	assert_true(checksum(slice_str(NULL), 0) == UINT64_C(0xef46db3751d8e999));
	assert_true(checksum(slice_str("a"), 0) == UINT64_C(0xd24ec4f1a98c6e5b));
	assert_true(checksum(slice_str("abc"), 0) == UINT64_C(0x44bc2cf5ad770999));
	assert_true(checksum(slice_str("Nobody inspects the spammish repetition"), 0) == UINT64_C(0xfbcea83c8a378bf1));
}

static void test_flips(void **state)
{
	char bytes[80];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 37);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		uint32_t sound = (uint32_t)checksum(slice_of(bytes, n), n);

		assert_true((uint32_t)checksum(slice_of(bytes, n), n + 1) != sound);
		for (size_t bit = 0; bit < n * 8; bit++) {
			bytes[bit / 8] ^= (char)(1 << bit % 8);
			assert_true((uint32_t)checksum(slice_of(bytes, n), n) != sound);
			bytes[bit / 8] ^= (char)(1 << bit % 8);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors), cmocka_unit_test(test_flips) };

	return cmocka_run_group_tests_name("store/checksum", tests, NULL, NULL);
}
