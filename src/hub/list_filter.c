/*
 * Filters of lists. A parameter "time_created[min]" is a field of the list's table and an operation; it is read
 * once and tested on each object. Where the field is indexed it also says which part of the index can hold anything
 * that passes: a hint that may be too wide, never too narrow, for the test on the object follows.
 *
 * Comparisons are as the index sorts: names in lower case, phone numbers by their digits. A time's [max] is exclusive,
 * as in Telerivet's "created before", a number's is not.
 */
#include <math.h>

#include "hub/list_parts.h"

#define NAME_PARTS 3
#define SHOWN_MAX  80

static const struct {
	const char *word;
	unsigned types; /* bits of enum list_type */
} operations[] = {
#define BIT(type) (1u << (type))
#define SCALARS	  (BIT(LIST_TEXT) | BIT(LIST_NUMBER) | BIT(LIST_TIME) | BIT(LIST_VARS))
#define FLAGS	  (BIT(LIST_BOOL) | BIT(LIST_IDS))
	[OP_EQ] = { "eq", SCALARS | FLAGS | BIT(LIST_OWN) },
	[OP_NE] = { "ne", SCALARS | FLAGS },
	[OP_PREFIX] = { "prefix", BIT(LIST_TEXT) | BIT(LIST_VARS) },
	[OP_NOT_PREFIX] = { "not_prefix", BIT(LIST_TEXT) | BIT(LIST_VARS) },
	[OP_GTE] = { "gte", SCALARS },
	[OP_GT] = { "gt", SCALARS },
	[OP_LTE] = { "lte", SCALARS },
	[OP_LT] = { "lt", SCALARS },
	[OP_MIN] = { "min", SCALARS },
	[OP_MAX] = { "max", SCALARS },
	[OP_EXISTS] = { "exists", SCALARS | FLAGS },
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static const char *const paging[] = { "page_size", "marker", "offset", "sort", "sort_dir", "count", NULL };

/* --- reading --- */

/* "vars[foo][ne]" in its parts; returns how many, 0 when it is nothing like that. */
static size_t split_name(struct slice name, struct slice parts[NAME_PARTS])
{
	size_t count = 0, at = slice_find(name, '[');

	parts[count++] = slice_of(name.p, at);
	while (at < name.n) {
		struct slice rest = slice_from(name, at + 1);
		size_t end = slice_find(rest, ']');

		if (count == NAME_PARTS || end == rest.n || end == 0)
			return 0;
		parts[count++] = slice_of(rest.p, end);
		at += end + 2;
		if (at < name.n && name.p[at] != '[')
			return 0;
	}
	return count;
}

static const struct list_field *field_of(const struct list_spec *spec, struct slice name)
{
	for (const struct list_field *f = spec->fields; f->name; f++)
		if (slice_is(name, f->name))
			return f;
	return NULL;
}

static const char *shown(struct rest *r, struct slice s)
{
	return arena_str(r->deed.arena, slice_of(s.p, s.n < SHOWN_MAX ? s.n : SHOWN_MAX));
}

static int refuse_name(struct rest *r, const struct list_spec *spec, struct slice name)
{
	struct buf known;
	int err;

	buf_init(&known, 400);
	for (size_t i = 0; paging[i]; i++)
		buf_addf(&known, "%s, ", paging[i]);
	for (const struct list_field *f = spec->fields; f->name; f++)
		buf_addf(&known, "%s%s", f->name, f[1].name ? ", " : "");
	err = fault_param(r->deed.fault, shown(r, name), "this list has no such parameter; known: %s",
			  buf_failed(&known) ? "see docs/rest.md" : buf_str(&known));
	buf_free(&known);
	return err;
}

static int refuse_operation(struct rest *r, const struct list_field *field, struct slice name)
{
	struct buf known;
	int err;

	buf_init(&known, 200);
	for (size_t i = 0; i < OPERATIONS; i++)
		if (operations[i].types & BIT(field->type))
			buf_addf(&known, "%s[%s]", known.n > 0 ? ", " : "", operations[i].word);
	err = fault_param(r->deed.fault, shown(r, name), "%s cannot be asked for like this; it takes %s%s", field->name,
			  field->type == LIST_VARS ? "[name of a variable] and then one of " : "", buf_str(&known));
	buf_free(&known);
	return err;
}

/* Which operation the parts behind the field's name ask for, OPERATIONS when none. */
static size_t operation_of(const struct list_field *field, const struct slice *parts, size_t count)
{
	size_t first = field->type == LIST_VARS ? 2 : 1;

	if (count < first || count > first + 1)
		return OPERATIONS;
	if (count == first)
		return OP_EQ;
	for (size_t i = 0; i < OPERATIONS; i++)
		if (slice_is(parts[first], operations[i].word))
			return operations[i].types & BIT(field->type) ? i : OPERATIONS;
	return OPERATIONS;
}

static bool read_truth(struct slice text, bool *ret)
{
	*ret = slice_is(text, "1") || slice_is(text, "true");
	return *ret || slice_is(text, "0") || slice_is(text, "false");
}

static bool read_number(struct slice text, double *ret)
{
	struct json_doc doc;
	bool good;

	json_doc_init(&doc);
	good = !json_parse(&doc, text, &json_limits_default, NULL) && json_double(json_root(&doc), ret);
	json_doc_free(&doc);
	return good;
}

static int read_value(struct rest *r, struct slice name, struct slice text, struct filter *f)
{
	bool wants_truth = f->op == OP_EXISTS || f->field->type == LIST_BOOL;
	bool wants_number = !wants_truth && (f->field->type == LIST_NUMBER || f->field->type == LIST_TIME);

	f->text = f->field->index == FIELD_NAME || f->field->index == FIELD_NUMBER
			  ? keys_text(r->deed.arena, f->field->index, text)
			  : text;
	f->is_number = read_number(text, &f->number);
	if (wants_truth && !read_truth(text, &f->truth))
		return fault_param(r->deed.fault, shown(r, name), "\"%s\" is neither true nor false; send 1 or 0",
				   shown(r, text));
	if (wants_number && !f->is_number)
		return fault_param(r->deed.fault, shown(r, name), "\"%s\" is no number; send %s", shown(r, text),
				   f->field->type == LIST_TIME ? "a time in Unix seconds" : "one");
	return 0;
}

static int read_filter(struct rest *r, const struct list_spec *spec, struct json value, struct slice name,
		       struct filter *ret)
{
	struct slice parts[NAME_PARTS] = { 0 };
	size_t count = split_name(name, parts), op;

	*ret = (struct filter){ .field = field_of(spec, parts[0]) };
	if (!ret->field)
		return refuse_name(r, spec, name);
	op = operation_of(ret->field, parts, count);
	if (op == OPERATIONS)
		return refuse_operation(r, ret->field, name);
	ret->op = (enum filter_op)op;
	if (ret->field->type == LIST_VARS)
		ret->var = parts[1];
	if (json_type(value) == JSON_OBJECT || json_type(value) == JSON_ARRAY)
		return fault_param(r->deed.fault, shown(r, name), "this is %s; send one value",
				   json_type_name(json_type(value)));
	return read_value(r, name, record_decode(r->deed.arena, json_raw(value)), ret);
}

static bool is_paging(struct slice name)
{
	for (size_t i = 0; paging[i]; i++)
		if (slice_is(name, paging[i]))
			return true;
	return false;
}

static size_t count_members(struct json object)
{
	struct json_iter it = json_each(object);
	size_t count = 0;

	while (json_next(&it))
		count++;
	return count;
}

int filters_read(struct rest *r, const struct list_spec *spec, struct filters *ret)
{
	struct json_iter it = json_each(r->params);
	int err = 0;

	ret->items = arena_alloc(r->deed.arena, (count_members(r->params) + 1) * sizeof(*ret->items));
	ret->count = 0;
	while (!err && json_next(&it)) {
		struct slice name = record_decode(r->deed.arena, json_raw(it.key));

		if (!is_paging(name) && json_type(it.value) != JSON_NULL)
			err = read_filter(r, spec, it.value, name, &ret->items[ret->count++]);
	}
	return err;
}

/* --- testing --- */

int slice_compare(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* What the operation makes of how the object's value compares with the filter's. */
static bool decide(enum filter_op op, int order, bool max_exclusive)
{
	switch (op) {
	case OP_EQ:
		return order == 0;
	case OP_NE:
		return order != 0;
	case OP_GTE:
	case OP_MIN:
		return order >= 0;
	case OP_GT:
		return order > 0;
	case OP_LTE:
		return order <= 0;
	case OP_LT:
		return order < 0;
	case OP_MAX:
		return max_exclusive ? order < 0 : order <= 0;
	case OP_PREFIX:
	case OP_NOT_PREFIX:
	case OP_EXISTS:
		break;
	}
	return false;
}

static int compare_numbers(double a, double b)
{
	return (a > b) - (a < b);
}

static bool test_text(const struct filter *f, struct record *rec, struct slice raw)
{
	struct slice text = record_decode(record_arena(rec), raw);
	double number;

	if (f->field->type == LIST_VARS && f->is_number && f->op != OP_PREFIX && f->op != OP_NOT_PREFIX &&
	    read_number(text, &number))
		return decide(f->op, compare_numbers(number, f->number), false);
	if (f->field->index == FIELD_NAME || f->field->index == FIELD_NUMBER)
		text = keys_text(record_arena(rec), f->field->index, text);
	if (f->op == OP_PREFIX || f->op == OP_NOT_PREFIX)
		return slice_starts(text, f->text) == (f->op == OP_PREFIX);
	/* what is not there is equal to nothing but the empty text, and neither above nor below anything */
	if (raw.n == 0 && f->op != OP_EQ && f->op != OP_NE)
		return false;
	return decide(f->op, slice_compare(text, f->text), false);
}

static bool test_number(const struct filter *f, struct slice raw)
{
	double number;

	if (raw.n == 0 || !read_number(raw, &number))
		return f->op == OP_NE;
	return decide(f->op, compare_numbers(number, f->number), f->field->type == LIST_TIME);
}

static bool test(const struct filter *f, struct record *rec)
{
	struct slice raw = f->field->type == LIST_VARS ? record_var_raw(rec, f->field->name, f->var)
						       : record_raw(rec, f->field->name);

	if (f->op == OP_EXISTS)
		return f->truth == (raw.n > 0 && !slice_is(raw, "[]") && !slice_is(raw, "\"\""));
	switch (f->field->type) {
	case LIST_TEXT:
	case LIST_VARS:
		return test_text(f, rec, raw);
	case LIST_NUMBER:
	case LIST_TIME:
		return test_number(f, raw);
	case LIST_BOOL:
		return (slice_is(raw, "true") == f->truth) == (f->op == OP_EQ);
	case LIST_IDS:
		return record_list_has(rec, f->field->name, f->text) == (f->op == OP_EQ);
	case LIST_OWN:
		break;
	}
	return true;
}

bool filters_pass(const struct filters *f, struct record *rec)
{
	for (size_t i = 0; i < f->count; i++)
		if (!test(&f->items[i], rec))
			return false;
	return true;
}

/* --- parts of indexes --- */

static struct slice with_byte(struct arena *a, struct slice s, char last)
{
	char *p = arena_alloc(a, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = last;
	return slice_of(p, s.n + 1);
}

struct range range_of_value(struct arena *a, enum kind kind, enum field field, struct slice value)
{
	struct slice key = keys_text(a, field, value);
	bool timed = keys_are_timed(kind, field);

	return (struct range){ .field = field,
			       .from = timed ? with_byte(a, key, '\0') : key,
			       .upto = with_byte(a, key, timed ? '\1' : '\0'),
			       .has_upto = true,
			       .exact = key.n < OBJECT_VALUE_MAX / 2, /* far from where keys are cut */
			       .single = true,
			       .filters = 1 };
}

/* Behind everything that begins with the prefix; false when nothing is. */
static bool behind_prefix(struct arena *a, struct slice prefix, struct slice *ret)
{
	char *p = arena_str(a, prefix);
	size_t n = prefix.n;

	while (n > 0 && (uint8_t)p[n - 1] == 0xff)
		n--;
	if (n > 0)
		p[n - 1]++;
	*ret = slice_of(p, n);
	return n > 0;
}

static void set_upto(struct range *range, struct slice upto)
{
	range->upto = upto;
	range->has_upto = true;
}

static bool range_of_text(struct arena *a, const struct filter *f, struct range *ret)
{
	struct slice key = keys_text(a, ret->field, f->text);

	switch (f->op) {
	case OP_PREFIX:
		ret->from = key;
		ret->has_upto = behind_prefix(a, key, &ret->upto);
		return true;
	case OP_GTE:
	case OP_GT:
	case OP_MIN:
		ret->from = key;
		return true;
	case OP_LTE:
	case OP_LT:
	case OP_MAX:
		set_upto(ret, with_byte(a, key, '\0'));
		return true;
	default:
		return false;
	}
}

static struct slice number_key(struct arena *a, const struct list_field *field, double v)
{
	int64_t whole = v > 9e15 ? (int64_t)9e15 : v < -9e15 ? -(int64_t)9e15 : (int64_t)v;

	return field->type == LIST_TIME ? keys_time(a, whole) : keys_number(a, whole);
}

/* Keys are of whole numbers, so the bounds are exact; absent ones have an empty key, below every number's. */
static bool range_of_number(struct arena *a, const struct filter *f, struct range *ret)
{
	double least = -9e15, most = 9e15, v = f->number;

	if (f->op == OP_EQ || f->op == OP_GTE || f->op == OP_MIN)
		least = ceil(v);
	else if (f->op == OP_GT)
		least = floor(v) + 1;
	if (f->op == OP_EQ || f->op == OP_LTE || (f->op == OP_MAX && f->field->type != LIST_TIME))
		most = floor(v);
	else if (f->op == OP_LT || f->op == OP_MAX)
		most = ceil(v) - 1;
	if (f->op == OP_NE)
		return false;
	if (f->field->type == LIST_TIME && most < 0)
		most = least = -1; /* keys_time takes what is before 1970 for 1970, so nothing is left out too early */
	ret->from = number_key(a, f->field, least);
	set_upto(ret, number_key(a, f->field, most + 1));
	ret->exact = f->field->type != LIST_TIME || most >= 0;
	return true;
}

bool filter_range(struct arena *a, enum kind kind, const struct filter *f, struct range *ret)
{
	enum list_type type = f->field->type;
	struct range range = { .field = f->field->index, .filters = 1 };

	if (range.field == FIELD_ID || type == LIST_VARS || type == LIST_OWN)
		return false;
	if (f->op == OP_EQ && (type == LIST_TEXT || type == LIST_IDS) && f->text.n > 0) {
		*ret = range_of_value(a, kind, range.field, f->text);
		return true;
	}
	if (f->op == OP_EQ && type == LIST_BOOL && f->truth) {
		*ret = range_of_value(a, kind, range.field, SLICE_LIT("1"));
		return true;
	}
	if (!keys_are_complete(kind, range.field))
		return false;
	*ret = range;
	if (f->op == OP_EXISTS) { /* absent ones have an empty key */
		if (f->truth)
			ret->from = slice_of("", 1);
		else
			set_upto(ret, slice_of("", 1));
		return true;
	}
	return type == LIST_TEXT ? range_of_text(a, f, ret) : range_of_number(a, f, ret);
}

void range_narrow(struct range *a, const struct range *b)
{
	if (slice_compare(b->from, a->from) > 0)
		a->from = b->from;
	if (b->has_upto && (!a->has_upto || slice_compare(b->upto, a->upto) < 0))
		set_upto(a, b->upto);
	a->exact = a->exact && b->exact;
	a->filters += b->filters;
}
