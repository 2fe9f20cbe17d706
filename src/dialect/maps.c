/*
 * Value maps are kept as the JSON they came in: few endpoints have one, it has a handful of words, and the reader's
 * flat nodes are looked through as fast as any table of our own would be.
 */
#include "dialect/maps.h"

#include "base/mem.h"
#include "dialect/nearest.h"

#define MAPS_MAX   16
#define WORDS_MAX  256 /* of one map */
#define NAME_MAX   32
#define OUTPUT_MAX 256

struct maps {
	char *text;
	struct json_doc doc;
};

static bool name_ok(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		      c == '-'))
			return false;
	}
	return s.n > 0 && s.n <= NAME_MAX;
}

static int word_check(struct json key, struct json v, struct fault *fault)
{
	if (json_raw(key).n > OUTPUT_MAX || json_raw(v).n > OUTPUT_MAX)
		return fault_param(fault, "", "holds a word of more than %d bytes", OUTPUT_MAX);
	if (json_type(v) == JSON_ARRAY || json_type(v) == JSON_OBJECT)
		return fault_param(fault, "", "must hold texts, numbers, true, false or null, not %s",
				   json_type_name(json_type(v)));
	return 0;
}

static int map_check(struct slice name, struct json v, struct fault *fault)
{
	struct json_iter it = json_each(v);
	int err = 0;

	if (!name_ok(name))
		return fault_param(fault, "", "has a name that is none; use up to %d letters, digits, _ and -",
				   NAME_MAX);
	if (json_is_nil(v)) /* takes a preset's map away */
		return 0;
	if (json_type(v) != JSON_OBJECT)
		return fault_param(fault, "", "must be an object from values to what stands for them, not %s",
				   json_type_name(json_type(v)));
	while (!err && json_next(&it)) {
		if (it.index == WORDS_MAX)
			return fault_param(fault, "", "holds more than %d words", WORDS_MAX);
		err = word_check(it.key, it.value, fault);
	}
	return err;
}

static int maps_check(struct json v, struct fault *fault)
{
	struct json_iter it = json_each(v);
	struct buf scratch;
	int err = 0;

	if (json_type(v) != JSON_OBJECT)
		return fault_param(fault, "", "must be an object from names to maps, not %s",
				   json_type_name(json_type(v)));
	buf_init(&scratch, 64 * 1024);
	while (!err && json_next(&it)) {
		struct slice name = json_text_slice(it.key, &scratch);

		err = it.index < MAPS_MAX ? map_check(name, it.value, fault)
					  : fault_param(fault, "", "is one map too many; %d are allowed", MAPS_MAX);
		if (err)
			fault_within(fault, "%.*s", SLICE_HEAD(name, NAME_MAX));
	}
	buf_free(&scratch);
	return err;
}

int maps_compile(struct json v, struct maps **ret, struct fault *fault)
{
	struct maps *m;
	int err = maps_check(v, fault);

	if (err)
		return err;
	m = mem_zalloc(sizeof(*m));
	json_doc_init(&m->doc);
	m->text = slice_dup(json_raw(v));
	err = json_parse(&m->doc, slice_str(m->text), &json_limits_default, fault);
	if (err)
		maps_free(&m);
	else
		*ret = m;
	return err;
}

void maps_free(struct maps **m)
{
	if (*m) {
		json_doc_free(&(*m)->doc);
		mem_free((*m)->text);
	}
	mem_free(*m);
	*m = NULL;
}

struct json maps_find(const struct maps *m, struct slice name)
{
	return m ? json_get_slice(json_root(&m->doc), name) : (struct json){ NULL, 0 };
}

struct slice maps_near(const struct maps *m, struct slice name)
{
	struct nearest nearest;

	nearest_begin(&nearest, name);
	for (struct json_iter it = json_each(m ? json_root(&m->doc) : (struct json){ NULL, 0 }); json_next(&it);)
		nearest_offer(&nearest, json_escaped_text(it.key));
	return nearest.best;
}

struct json maps_value(struct json map, struct slice value)
{
	struct json v = json_get_slice(map, value);

	return json_type(v) == JSON_NONE ? json_get_slice(map, SLICE_LIT("*")) : v;
}
