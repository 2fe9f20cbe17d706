/*
 * Members with an inside: `vars`, objects of scalars that customers name and fill, and lists of ids. Both are small, so
 * a change parses the old text and writes a new one. The rules for variables are Telerivet's; whatever enters by REST,
 * by a webhook's answer or by a rule passes through here.
 */
#include "hub/record_parts.h"

#define VARS_MAX       100
#define VAR_NAME_MAX   32
#define VAR_STRING_MAX 4096
#define PARTS_MAX      (16u << 20)

/* Whose text `raw` is; free doc afterwards. Anything but a container counts as an empty one. */
static struct json inside(struct json_doc *doc, struct slice raw)
{
	json_doc_init(doc);
	if (raw.n == 0 || json_parse(doc, raw, &json_limits_default, NULL))
		return (struct json){ 0 };
	return json_root(doc);
}

/* --- variables --- */

struct slice record_var_raw(const struct record *r, const char *object, struct slice name)
{
	struct json_doc doc;
	struct json v = json_get_slice(inside(&doc, record_raw(r, object)), name);
	/* points into the member's text, which outlives the nodes */
	struct slice raw = json_is_nil(v) ? SLICE_LIT("") : json_raw(v);

	json_doc_free(&doc);
	return raw;
}

bool record_var_name(struct slice name)
{
	if (name.n == 0 || name.n > VAR_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
			return false;
	}
	return true;
}

/* param is what the values stand in, "vars". */
static int check_var(struct slice name, struct json value, const char *param, struct fault *fault)
{
	char full[120];
	struct buf b;
	size_t n;

	buf_init(&b, sizeof(full) - 1);
	buf_addf(&b, "%s.%.*s", param, SLICE_HEAD(name, 64));
	slice_copy(full, sizeof(full), buf_slice(&b));
	buf_free(&b);
	if (!record_var_name(name))
		return fault_param(
			fault, full,
			"no name for a variable; use 1 to %d letters, digits and underscores (A-Z a-z 0-9 _)",
			VAR_NAME_MAX);
	if (json_type(value) == JSON_ARRAY || json_type(value) == JSON_OBJECT)
		return fault_param(
			fault, full,
			"a variable is a string, a number, true or false, not %s; use one variable for each value",
			json_type_name(json_type(value)));
	if (json_type(value) != JSON_STRING)
		return 0;
	buf_init(&b, PARTS_MAX);
	n = json_text_slice(value, &b).n;
	buf_free(&b);
	if (n > VAR_STRING_MAX)
		return fault_param(fault, full, "the text has %zu bytes; a variable holds at most %d, shorten it", n,
				   VAR_STRING_MAX);
	return 0;
}

static int check_vars(struct json values, const char *param, struct fault *fault)
{
	struct json_iter it = json_each(values);
	struct buf scratch;
	int err = 0;

	if (json_type(values) != JSON_OBJECT)
		return fault_param(fault, param, "variables are an object of names and values, not %s",
				   json_type_name(json_type(values)));
	buf_init(&scratch, PARTS_MAX);
	while (!err && json_next(&it))
		err = check_var(json_text_slice(it.key, &scratch), it.value, param, fault);
	buf_free(&scratch);
	return err;
}

/* Writes old with values laid over it; returns how many there are then. */
static uint32_t lay_over(struct json old, struct json values, struct buf *out)
{
	struct json_iter it = json_each(old);
	struct json_writer w;
	struct buf scratch;
	uint32_t count = 0;

	buf_init(&scratch, PARTS_MAX);
	json_writer_init(&w, out);
	json_begin_object(&w);
	for (int round = 0; round < 2; round++, it = json_each(values)) {
		while (json_next(&it)) {
			struct json other = json_get_same(round == 0 ? values : old, it.key);
			struct json v = round == 0 && json_type(other) != JSON_NONE ? other : it.value;

			if (json_is_nil(v) || (round == 1 && json_type(other) != JSON_NONE))
				continue;
			json_key_slice(&w, json_text_slice(it.key, &scratch));
			json_put_raw(&w, json_raw(v));
			count++;
		}
	}
	json_end_object(&w);
	buf_free(&scratch);
	return count;
}

int record_vars_merge(struct record *r, const char *object, struct json values, const char *param, struct fault *fault)
{
	struct json_doc doc;
	struct buf out;
	uint32_t count;
	int err;

	if (json_is_nil(values))
		return 0;
	err = check_vars(values, param, fault);
	if (err)
		return err;
	buf_init(&out, PARTS_MAX);
	count = lay_over(inside(&doc, record_raw(r, object)), values, &out);
	json_doc_free(&doc);
	if (count > VARS_MAX)
		err = fault_param(fault, param,
				  "%u variables; an object holds at most %d, delete some by setting them to null",
				  count, VARS_MAX);
	else
		record_set(r, object, buf_slice(&out));
	buf_free(&out);
	return err;
}

int record_var_set(struct record *r, const char *object, struct slice name, struct slice json, struct fault *fault)
{
	struct json_writer w;
	struct json_doc doc;
	struct buf text;
	int err;

	buf_init(&text, PARTS_MAX);
	json_writer_init(&w, &text);
	json_begin_object(&w);
	json_key_slice(&w, name);
	json_put_raw(&w, json.n > 0 ? json : SLICE_LIT("null"));
	json_end_object(&w);
	err = record_vars_merge(r, object, inside(&doc, buf_slice(&text)), object, fault);
	json_doc_free(&doc);
	buf_free(&text);
	return err;
}

/* --- lists of ids --- */

static bool has(struct json list, struct slice id)
{
	struct json_iter it = json_each(list);
	struct buf scratch;
	bool found = false;

	buf_init(&scratch, PARTS_MAX);
	while (!found && json_next(&it))
		found = slice_eq(json_text_slice(it.value, &scratch), id);
	buf_free(&scratch);
	return found;
}

bool record_list_has(const struct record *r, const char *list, struct slice id)
{
	struct json_doc doc;
	bool found = has(inside(&doc, record_raw(r, list)), id);

	json_doc_free(&doc);
	return found;
}

/* The list without id, and with it at the end when add is set. */
static void rewrite(struct record *r, const char *list, struct json old, struct slice id, bool add)
{
	struct json_iter it = json_each(old);
	struct json_writer w;
	struct buf out, scratch;

	buf_init(&out, PARTS_MAX);
	buf_init(&scratch, PARTS_MAX);
	json_writer_init(&w, &out);
	json_begin_array(&w);
	while (json_next(&it))
		if (!slice_eq(json_text_slice(it.value, &scratch), id))
			json_put_raw(&w, json_raw(it.value));
	if (add)
		json_put_string(&w, id);
	json_end_array(&w);
	record_set(r, list, buf_slice(&out));
	buf_free(&out);
	buf_free(&scratch);
}

static bool change(struct record *r, const char *list, struct slice id, bool add)
{
	struct json_doc doc;
	struct json old = inside(&doc, record_raw(r, list));
	bool differs = has(old, id) != add;

	if (differs)
		rewrite(r, list, old, id, add);
	json_doc_free(&doc);
	return differs;
}

bool record_list_add(struct record *r, const char *list, struct slice id)
{
	return change(r, list, id, true);
}

bool record_list_remove(struct record *r, const char *list, struct slice id)
{
	return change(r, list, id, false);
}

size_t record_list_count(const struct record *r, const char *list)
{
	struct json_doc doc;
	struct json_iter it = json_each(inside(&doc, record_raw(r, list)));
	size_t count = 0;

	while (json_next(&it))
		count++;
	json_doc_free(&doc);
	return count;
}

bool record_list_at(const struct record *r, const char *list, size_t index, struct slice *ret)
{
	struct json_doc doc;
	struct json_iter it = json_each(inside(&doc, record_raw(r, list)));
	bool found = false;

	while (!found && json_next(&it))
		found = it.index == index;
	if (found)
		*ret = record_decode(record_arena(r), json_raw(it.value));
	json_doc_free(&doc);
	return found;
}
