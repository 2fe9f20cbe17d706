/* Digests by their standards' vectors, ids, chance and the clock. */
#include "base/clock.h"
#include "base/digest.h"
#include "base/rand.h"
#include "base/text.h"
#include "harness.h"

static void assert_hex(const void *p, size_t n, const char *hex)
{
	struct buf b;

	buf_init(&b, 1000);
	hex_add(&b, p, n);
	assert_string_equal(buf_str(&b), hex);
	buf_free(&b);
}

/* FIPS 180-4's example, and the empty message. */
static void sha256_by_the_book(void **state)
{
	static const struct slice parts[] = { { "a", 1 }, { NULL, 0 }, { "bc", 2 } };
	static const char *const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	uint8_t digest[SHA256_BYTES];

	(void)state;
	sha256(SLICE_LIT("abc"), digest);
	assert_hex(digest, sizeof(digest), abc);
	sha256_parts(parts, 3, digest);
	assert_hex(digest, sizeof(digest), abc);
	sha256(slice_str(NULL), digest);
	assert_hex(digest, sizeof(digest), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 4231, test cases 2 and 6. */
static void hmac_by_the_book(void **state)
{
	uint8_t mac[SHA256_BYTES];
	char key[131];

	(void)state;
	hmac_sha256(SLICE_LIT("Jefe"), SLICE_LIT("what do ya want for nothing?"), mac);
	assert_hex(mac, sizeof(mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	hmac_sha256(slice_of(key, sizeof(key)), SLICE_LIT("Test Using Larger Than Block-Size Key - Hash Key First"),
		    mac);
	assert_hex(mac, sizeof(mac), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	hmac_sha256(slice_str(NULL), slice_str(NULL), mac);
	assert_hex(mac, sizeof(mac), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void comparison_and_wiping(void **state)
{
	char secret[] = "secret";

	(void)state;
	assert_true(mem_same("abc", "abc", 3));
	assert_false(mem_same("abc", "abd", 3));
	mem_wipe(secret, sizeof(secret));
	assert_memory_equal(secret, "\0\0\0\0\0\0", sizeof(secret));
}

static void ids_are_letters_and_differ(void **state)
{
	char first[ID_BYTES], second[ID_BYTES];
	uint8_t bytes[300] = { 0 };
	size_t zeroes = 0;

	(void)state;
	id_make(first, "evt_");
	id_make(second, "evt_");
	assert_int_equal(strlen(first), 23);
	assert_memory_equal(first, "evt_", 4);
	assert_string_not_equal(first, second);
	for (const char *p = first + 4; *p; p++)
		assert_true((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z'));
	id_make(first, "");
	assert_int_equal(strlen(first), 19);
	random_secure(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		zeroes += bytes[i] == 0;
	assert_true(zeroes < 50); /* about one is expected */
}

/* splitmix64's first output for seed 0 is published; the rest is that generator's shape. */
static void chance_is_repeatable_and_even(void **state)
{
	size_t counts[10] = { 0 };
	struct rand a, b;

	(void)state;
	rand_seed(&a, 0);
	assert_true(a.s[0] == 0xe220a8397b1dcdaf);
	rand_seed(&b, 0);
	for (int i = 0; i < 100000; i++) {
		uint64_t v = rand_below(&a, 10);
		double unit = rand_unit(&a);

		assert_int_equal(v, rand_below(&b, 10));
		assert_true(unit == rand_unit(&b) && unit >= 0 && unit < 1);
		counts[v]++;
	}
	for (size_t i = 0; i < 10; i++)
		assert_in_range(counts[i], 9500, 10500); /* five sigma and more */
	assert_false(rand_chance(&a, 0));
	assert_true(rand_chance(&a, 1));
	assert_int_equal(rand_below(&a, 1), 0);
}

/* xoshiro256**'s first outputs from the state 1, 2, 3, 4, by hand: rotl(2 * 5, 7) * 9, then with s[1] = 0. */
static void chance_is_xoshiro(void **state)
{
	struct rand r = { { 1, 2, 3, 4 } };

	(void)state;
	assert_true(rand_u64(&r) == 11520);
	assert_true(rand_u64(&r) == 0);
	assert_true(rand_u64(&r) == 1509978240);
}

static void clocks_agree_and_go_on(void **state)
{
	struct clock c;
	int64_t us, mono = clock_mono_us();

	(void)state;
	clock_start(&c);
	us = clock_us(&c);
	assert_true(clock_us(&c) >= us);
	assert_true(clock_ms(&c) >= us / 1000);
	assert_true(clock_mono_us() >= mono);
	assert_true(us >= c.wall_start_us);
	/* a stopped process or a clock set in between makes no difference of a day */
	assert_true(clock_wall_ms() - us / 1000 < 86400000 && us / 1000 - clock_wall_ms() < 86400000);
	/* the wall time of the start counts, and only that: a start a day ago in both clocks is now */
	c.mono_start_us -= 5000000;
	assert_true(clock_us(&c) >= us + 5000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_by_the_book),
		cmocka_unit_test(hmac_by_the_book),
		cmocka_unit_test(comparison_and_wiping),
		cmocka_unit_test(ids_are_letters_and_differ),
		cmocka_unit_test(chance_is_repeatable_and_even),
		cmocka_unit_test(chance_is_xoshiro),
		cmocka_unit_test(clocks_agree_and_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
