/*
 * Conditions of rules: {"left","op","right"}, both sides texts with variables, or {"all":[…]}, {"any":[…]} of others.
 * Texts are compared as people write them in messages: blanks around them and the case of ASCII letters do not count.
 */
#include "hub/service_parts.h"

static bool is_equal(struct slice a, struct slice b)
{
	return slice_eq_nocase(a, b);
}

static bool is_different(struct slice a, struct slice b)
{
	return !is_equal(a, b);
}

static bool begins(struct slice a, struct slice b)
{
	return a.n >= b.n && slice_eq_nocase(slice_of(a.p, b.n), b);
}

static void add_lower(struct buf *out, struct slice s)
{
	buf_init(out, s.n);
	for (size_t i = 0; i < s.n; i++)
		buf_add_char(out, s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i]);
}

/* In linear time: both sides may be what a subscriber wrote, many times over. */
static bool contains(struct slice a, struct slice b)
{
	struct buf text, part;
	bool found;

	add_lower(&text, a);
	add_lower(&part, b);
	found = b.n == 0 || (a.n >= b.n && memmem(text.p, text.n, part.p, part.n) != NULL);
	buf_free(&text);
	buf_free(&part);
	return found;
}

static bool exists(struct slice a, struct slice b)
{
	(void)b;
	return a.n > 0;
}

static struct slice next_digit(struct slice s)
{
	while (s.n > 0 && (s.p[0] < '0' || s.p[0] > '9'))
		s = slice_from(s, 1);
	return s;
}

/* The same phone number, however it is written: by its digits. */
static bool matches_number(struct slice a, struct slice b)
{
	a = next_digit(a);
	b = next_digit(b);
	if (a.n == 0 || b.n == 0)
		return false;
	while (a.n > 0 && b.n > 0 && a.p[0] == b.p[0]) {
		a = next_digit(slice_from(a, 1));
		b = next_digit(slice_from(b, 1));
	}
	return a.n == 0 && b.n == 0;
}

static bool number_of(struct slice s, double *ret)
{
	struct json_doc doc;
	bool is_number;

	json_doc_init(&doc);
	is_number = !json_parse(&doc, s, &json_limits_default, NULL) && json_double(json_root(&doc), ret);
	json_doc_free(&doc);
	return is_number;
}

static bool is_greater(struct slice a, struct slice b)
{
	double x, y;

	return number_of(a, &x) && number_of(b, &y) && x > y;
}

static bool is_less(struct slice a, struct slice b)
{
	return is_greater(b, a);
}

static const struct op {
	const char *word;
	bool needs_right;
	bool (*holds)(struct slice left, struct slice right);
} ops[] = {
	{ "equals", true, is_equal },
	{ "not_equals", true, is_different },
	{ "contains", true, contains },
	{ "begins_with", true, begins },
	{ "matches_number", true, matches_number },
	{ "exists", false, exists },
	{ "gt", true, is_greater },
	{ "lt", true, is_less },
};

static const struct op *op_of(struct json word)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (json_is(word, ops[i].word))
			return &ops[i];
	return NULL;
}

/* --- checking --- */

static int check_list(struct json list, const char *name, uint32_t depth, struct fault *fault);

static int check_comparison(struct json c, struct fault *fault)
{
	static const char *const names[] = { "left", "op", "right", NULL };
	const struct op *op = op_of(json_get(c, "op"));
	int err = check_members(c, names, fault);

	if (!err && !op)
		err = fault_param(
			fault, "op",
			"must be equals, not_equals, contains, begins_with, matches_number, exists, gt or lt");
	if (!err)
		err = check_text(c, "left", true, fault);
	if (!err && op->needs_right && json_type(json_get(c, "right")) == JSON_NONE)
		err = fault_param(fault, "right", "missing; say what `left` is compared with");
	if (!err && (json_type(json_get(c, "right")) == JSON_ARRAY || json_type(json_get(c, "right")) == JSON_OBJECT))
		err = fault_param(fault, "right", "must be a text or a number");
	return err;
}

static int check(struct json c, uint32_t depth, struct fault *fault)
{
	static const char *const all[] = { "all", NULL }, *const any[] = { "any", NULL };
	int err;

	if (json_type(c) != JSON_OBJECT)
		return fault_param(
			fault, "",
			"a condition is an object: {\"left\":\"[[word1]]\",\"op\":\"equals\",\"right\":\"yes\"}");
	if (depth == RULES_DEPTH)
		return fault_param(fault, "", "conditions stand inside each other more than %d deep", RULES_DEPTH);
	if (json_type(json_get(c, "all")) != JSON_NONE) {
		err = check_members(c, all, fault);
		return err ? err : check_list(json_get(c, "all"), "all", depth, fault);
	}
	if (json_type(json_get(c, "any")) != JSON_NONE) {
		err = check_members(c, any, fault);
		return err ? err : check_list(json_get(c, "any"), "any", depth, fault);
	}
	return check_comparison(c, fault);
}

static int check_list(struct json list, const char *name, uint32_t depth, struct fault *fault)
{
	if (json_type(list) != JSON_ARRAY)
		return fault_param(fault, name, "must be a list of conditions");
	for (struct json_iter it = json_each(list); json_next(&it);)
		if (check(it.value, depth + 1, fault)) {
			fault_within(fault, "%s[%u]", name, it.index);
			return ERR_INVALID;
		}
	return 0;
}

int condition_check(struct json condition, struct fault *fault)
{
	return check(condition, 0, fault);
}

/* --- deciding --- */

static struct slice side(struct run *r, struct deed *d, struct json text)
{
	struct slice full = reply_text(d, &r->scope, text, NULL);

	r->expanded += full.n;
	return slice_trim(full);
}

/* A service may ask thousands of times for one message, so what is compared is not kept. */
static bool compare(struct run *r, struct json c)
{
	const struct op *op = op_of(json_get(c, "op"));
	struct deed d = r->deed;
	struct arena arena;
	bool holds;

	arena_init(&arena);
	d.arena = &arena;
	holds = op && op->holds(side(r, &d, json_get(c, "left")), side(r, &d, json_get(c, "right")));
	arena_free(&arena);
	return holds;
}

/* Ends, because it was checked how deep it is when it was saved. */
static bool list_holds(struct run *r, struct json list, bool all)
{
	for (struct json_iter it = json_each(list); json_next(&it);)
		if (condition_holds(r, it.value) != all)
			return !all;
	return all;
}

bool condition_holds(struct run *r, struct json c)
{
	if (json_type(json_get(c, "all")) != JSON_NONE)
		return list_holds(r, json_get(c, "all"), true);
	if (json_type(json_get(c, "any")) != JSON_NONE)
		return list_holds(r, json_get(c, "any"), false);
	return compare(r, c);
}
