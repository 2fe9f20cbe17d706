/* cmocka wants these four before itself; and the two checks that every test of base makes. */
#ifndef TESTS_UNIT_BASE_HARNESS_H
#define TESTS_UNIT_BASE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

/* The buffer holds exactly this text and has not failed. */
#define ASSERT_BUF(b, text)                                                                                            \
	do {                                                                                                           \
		assert_false(buf_failed(b));                                                                           \
		assert_string_equal(buf_str(b), (text));                                                               \
		assert_int_equal((b)->n, strlen(text));                                                                \
	} while (0)

#define ASSERT_SLICE(s, text)                                                                                          \
	do {                                                                                                           \
		struct slice got_ = (s);                                                                               \
		assert_int_equal(got_.n, strlen(text));                                                                \
		assert_memory_equal(got_.p, (text), got_.n);                                                           \
	} while (0)

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#endif
