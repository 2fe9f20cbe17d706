/*
 * What may stand in the list of actions of a service, checked when it is saved, so that a run meets no surprise: a row
 * for each type of action says which members it has.
 */
#include "hub/service_parts.h"

#define ACTIONS_MAX 200 /* in all, those inside ifs included */
#define TEXT_MAX    ((size_t)16384)
#define MEMBERS_MAX 8

enum member_kind { MEMBER_TEXT, MEMBER_SCALAR, MEMBER_WEBHOOK, MEMBER_CONDITION, MEMBER_ACTIONS };

struct member {
	const char *name;
	enum member_kind kind;
	bool optional;
};

static const struct action_row {
	const char *type;
	struct member members[MEMBERS_MAX];
} rows[] = {
	{ "notify_webhook",
	  { { "url", MEMBER_WEBHOOK, false },
	    { "secret", MEMBER_TEXT, true },
	    { "ports", MEMBER_WEBHOOK, true },
	    { "retry", MEMBER_WEBHOOK, true },
	    { "timeout_ms", MEMBER_WEBHOOK, true },
	    { "tls", MEMBER_WEBHOOK, true } } },
	{ "log_message", { { "text", MEMBER_TEXT, false } } },
	{ "set_variable", { { "name", MEMBER_TEXT, false }, { "value", MEMBER_SCALAR, false } } },
	{ "send_reply", { { "content", MEMBER_TEXT, false } } },
	{ "send_message", { { "to_number", MEMBER_TEXT, false }, { "content", MEMBER_TEXT, false } } },
	{ "add_group", { { "group", MEMBER_TEXT, false } } },
	{ "remove_group", { { "group", MEMBER_TEXT, false } } },
	{ "add_label", { { "label", MEMBER_TEXT, false } } },
	{ "email",
	  { { "to", MEMBER_TEXT, false }, { "subject", MEMBER_TEXT, false }, { "text", MEMBER_TEXT, false } } },
	{ "stop", { { NULL, MEMBER_TEXT, true } } },
	{ "if",
	  { { "condition", MEMBER_CONDITION, false },
	    { "then", MEMBER_ACTIONS, false },
	    { "else", MEMBER_ACTIONS, true } } },
};

struct check {
	struct fault *fault;
	uint32_t count; /* actions so far */
};

static int not_known(struct json key, const char *const *names, struct fault *fault)
{
	char name[60];
	struct buf list;
	int err;

	slice_copy(name, sizeof(name), json_escaped_text(key));
	buf_init(&list, 400);
	for (size_t i = 0; names[i]; i++)
		buf_addf(&list, "%s%s", i == 0 ? "" : ", ", names[i]);
	err = fault_param(fault, name, "is not known; there is %s", buf_str(&list));
	buf_free(&list);
	return err;
}

int check_members(struct json object, const char *const *names, struct fault *fault)
{
	for (struct json_iter it = json_each(object); json_next(&it);) {
		const char *const *known = names;

		while (*known && !json_is(it.key, *known))
			known++;
		if (!*known)
			return not_known(it.key, names, fault);
	}
	return 0;
}

int check_text(struct json object, const char *name, bool needed, struct fault *fault)
{
	struct json v = json_get(object, name);

	if (json_is_nil(v))
		return needed ? fault_param(fault, name, "missing; write a text") : 0;
	if (json_type(v) != JSON_STRING)
		return fault_param(fault, name, "must be a text, not %s", json_type_name(json_type(v)));
	if (needed && json_raw(v).n == 2)
		return fault_param(fault, name, "is empty; write a text");
	if (json_raw(v).n > TEXT_MAX)
		return fault_param(fault, name, "is too long; use at most %zu bytes", TEXT_MAX);
	return 0;
}

static int check_scalar(struct json object, const char *name, struct fault *fault)
{
	switch (json_type(json_get(object, name))) {
	case JSON_NONE:
		return fault_param(fault, name, "missing; write a text, a number, true, false or null");
	case JSON_ARRAY:
	case JSON_OBJECT:
		return fault_param(fault, name, "must be a text, a number, true, false or null");
	default:
		return json_type(json_get(object, name)) == JSON_STRING ? check_text(object, name, false, fault) : 0;
	}
}

static int check_list(struct check *c, struct json list, uint32_t depth);

static int check_condition(struct check *c, struct json action, const char *name)
{
	int err = condition_check(json_get(action, name), c->fault);

	if (err)
		fault_within(c->fault, "%s", name);
	return err;
}

static int check_actions(struct check *c, struct json action, const struct member *m, uint32_t depth)
{
	struct json list = json_get(action, m->name);
	int err = m->optional && json_is_nil(list) ? 0 : check_list(c, list, depth + 1);

	if (err)
		fault_within(c->fault, "%s", m->name);
	return err;
}

static int check_member(struct check *c, struct json action, const struct member *m, uint32_t depth)
{
	switch (m->kind) {
	case MEMBER_TEXT:
		return check_text(action, m->name, !m->optional, c->fault);
	case MEMBER_SCALAR:
		return check_scalar(action, m->name, c->fault);
	case MEMBER_CONDITION:
		return check_condition(c, action, m->name);
	case MEMBER_ACTIONS:
		return check_actions(c, action, m, depth);
	default: /* all of a webhook's settings are looked at together */
		return m->optional ? 0 : webhook_check(action, c->fault);
	}
}

static const struct action_row *row_of(struct json type)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (json_is(type, rows[i].type))
			return &rows[i];
	return NULL;
}

static int check_action(struct check *c, struct json action, uint32_t depth)
{
	const struct action_row *row = row_of(json_get(action, "type"));
	const char *names[MEMBERS_MAX + 2] = { "type" };
	size_t count = 0;
	int err;

	if (json_type(action) != JSON_OBJECT)
		return fault_param(c->fault, "", "an action is an object: {\"type\":\"send_reply\",\"content\":\"…\"}");
	if (!row)
		return fault_param(
			c->fault, "type",
			"must be notify_webhook, log_message, set_variable, send_reply, send_message, add_group, "
			"remove_group, add_label, email, stop or if");
	if (++c->count > ACTIONS_MAX)
		return fault_param(c->fault, "", "a service has at most %d actions", ACTIONS_MAX);
	while (count < MEMBERS_MAX && row->members[count].name) {
		names[count + 1] = row->members[count].name;
		count++;
	}
	err = check_members(action, names, c->fault);
	for (size_t i = 0; !err && i < count; i++)
		err = check_member(c, action, &row->members[i], depth);
	return err;
}

static int check_list(struct check *c, struct json list, uint32_t depth)
{
	int err = 0;

	if (json_type(list) != JSON_ARRAY)
		return fault_param(c->fault, "", "must be a list of actions");
	if (depth > RULES_DEPTH)
		return fault_param(c->fault, "", "ifs stand inside each other more than %d deep", RULES_DEPTH);
	for (struct json_iter it = json_each(list); !err && json_next(&it);) {
		err = check_action(c, it.value, depth);
		if (err)
			fault_within(c->fault, "[%u]", it.index);
	}
	return err;
}

int rules_check(struct json actions, struct fault *fault)
{
	struct check c = { .fault = fault };

	return check_list(&c, actions, 0);
}

void rules_webhooks(struct json actions, void (*fn)(void *ctx, struct json action), void *ctx)
{
	for (struct json_iter it = json_each(actions); json_next(&it);) {
		if (json_is(json_get(it.value, "type"), "notify_webhook"))
			fn(ctx, it.value);
		rules_webhooks(json_get(it.value, "then"), fn, ctx);
		rules_webhooks(json_get(it.value, "else"), fn, ctx);
	}
}
