/*
 * Our JSON reader against jansson: both must take the same texts, and see the same values in them. They may differ only
 * where the list below says so:
 *
 *  - ours takes, jansson refuses: \u0000 in a key; numbers beyond int64 or double (ours keeps their text); a surrogate
 *    without its partner (ours decodes it to U+FFFD); more than 2,048 levels (here ours has no bound; in the program it
 *    is 32).
 *  - ours refuses, jansson takes: a NUL byte behind the value, which jansson takes for the end of the text.
 *
 * Besides: what is refused leaves an offset inside the text, and
 * a text that is taken is taken with trailing commas tolerated.
 */
/* Both headers call their types by the same names; jansson's get another for this file. */
#define json_type   jansson_type
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY  JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_TRUE   JANSSON_TRUE
#define JSON_FALSE  JANSSON_FALSE
#define JSON_NULL   JANSSON_NULL
#include <jansson.h>
#undef json_type
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL

#include <assert.h>
#include <strings.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(struct json ours, const json_t *theirs);

static void compare_string(struct json ours, const json_t *theirs)
{
	struct slice wanted = slice_of(json_string_value(theirs), json_string_length(theirs)), seen;
	struct json_doc doc;
	struct buf decoded, again, written;

	buf_init(&decoded, SIZE_MAX / 4);
	json_text(ours, &decoded);
	assert(slice_eq(buf_slice(&decoded), wanted));

	/* and what our writer makes of it reads the same */
	buf_init(&written, SIZE_MAX / 4);
	buf_init(&again, SIZE_MAX / 4);
	json_add_string(&written, wanted);
	json_doc_init(&doc);
	assert(json_parse(&doc, buf_slice(&written), &json_limits_default, NULL) == 0);
	seen = json_text_slice(json_root(&doc), &again);
	assert(slice_eq(seen, wanted));
	json_doc_free(&doc);
	buf_free(&again);
	buf_free(&written);
	buf_free(&decoded);
}

static void compare_number(struct json ours, const json_t *theirs)
{
	double real;
	int64_t integer;

	if (json_typeof(theirs) == JSON_INTEGER) {
		assert(json_i64(ours, &integer) && integer == json_integer_value(theirs));
	} else {
		assert(json_typeof(theirs) == JSON_REAL);
		assert(!json_i64(ours, &integer));
		assert(json_double(ours, &real) && real == json_real_value(theirs));
	}
}

static void compare_array(struct json ours, const json_t *theirs)
{
	struct json_iter it = json_each(ours);
	size_t count = 0;

	for (; json_next(&it); count++)
		compare(it.value, json_array_get(theirs, count));
	assert(count == json_array_size(theirs));
}

static void compare_object(struct json ours, const json_t *theirs)
{
	struct json_iter it = json_each(ours);
	struct buf key;
	size_t count = 0;

	buf_init(&key, SIZE_MAX / 4);
	for (; json_next(&it); count++) {
		struct slice name;

		name = json_text_slice(it.key, &key);
		compare(it.value, json_object_getn(theirs, name.p, name.n));
		assert(json_get_slice(ours, name).at == it.value.at);
	}
	assert(count == json_object_size(theirs));
	buf_free(&key);
}

static void compare(struct json ours, const json_t *theirs)
{
	static const int kinds[] = {
		[JSON_NULL] = JANSSON_NULL,	[JSON_FALSE] = JANSSON_FALSE, [JSON_TRUE] = JANSSON_TRUE,
		[JSON_STRING] = JANSSON_STRING, [JSON_ARRAY] = JANSSON_ARRAY, [JSON_OBJECT] = JANSSON_OBJECT,
	};

	assert(theirs && json_type(ours) != JSON_NONE);
	if (json_type(ours) == JSON_NUMBER) {
		compare_number(ours, theirs);
		return;
	}
	assert((int)json_typeof(theirs) == kinds[json_type(ours)]);
	if (json_type(ours) == JSON_STRING)
		compare_string(ours, theirs);
	else if (json_type(ours) == JSON_ARRAY)
		compare_array(ours, theirs);
	else if (json_type(ours) == JSON_OBJECT)
		compare_object(ours, theirs);
}

/* A surrogate escape stands somewhere: the only text of escapes that jansson may find wrong. */
static bool has_surrogate(struct slice text)
{
	for (size_t i = 0; i + 3 < text.n; i++)
		if (strncasecmp(text.p + i, "\\ud", 3) == 0 && strchr("89abcdefABCDEF", text.p[i + 3]))
			return true;
	return false;
}

static bool may_differ(struct slice text, const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_null_byte_in_key:
	case json_error_numeric_overflow:
	case json_error_stack_overflow:
		return true;
	case json_error_invalid_syntax:
		return has_surrogate(text);
	default:
		return false;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct json_limits strict = { .depth = UINT32_MAX, .nodes = UINT32_MAX };
	const struct json_limits lax = { .depth = UINT32_MAX, .nodes = UINT32_MAX, .trailing_commas = true };
	struct slice text = slice_of(data, size);
	struct fault fault = { 0 };
	struct json_doc doc;
	json_error_t error;
	json_t *theirs =
		json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	int r;

	json_doc_init(&doc);
	r = json_parse(&doc, text, &strict, &fault);
	if (r) {
		assert(!theirs || memchr(data, '\0', size));
		assert(fault.message[0] && fault.position >= 0 && (size_t)fault.position <= size);
	} else if (theirs) {
		compare(json_root(&doc), theirs);
	} else {
		assert(may_differ(text, &error));
	}
	assert(json_parse(&doc, text, &lax, NULL) == 0 || r);
	json_doc_free(&doc);
	json_decref(theirs);
	return 0;
}
