/*
 * The shape of the set-up file. It is checked whole before the first call, so that a slip on its
 * last line does not leave half of it applied; the settings themselves are judged by the daemon,
 * which knows its presets and limits. Which members are settings is asked of the dialect's own
 * table: what a newer daemon shows besides (counters, times, states) does not get into an export.
 */
#include "cli/setup_file.h"

#include "dialect/endpoint_field.h"

static const char *const project_settings[] = { "name", "organization_id", "notify_emails", "timezone" };

typedef bool is_setting(struct slice name);

static bool is_project_setting(struct slice name)
{
	for (size_t i = 0; i < sizeof(project_settings) / sizeof(project_settings[0]); i++)
		if (slice_is(name, project_settings[i]))
			return true;
	return false;
}

static bool is_endpoint_setting(struct slice name)
{
	return field_is_group(name) || field_find(slice_str(""), name) != NULL;
}

/* --- checking --- */

static int type_check(struct json v, enum json_type wanted, const char *what, struct fault *fault)
{
	if (json_type(v) == wanted)
		return 0;
	return fault_param(fault, "", "%s is %s here, not %s", what, json_type_name(wanted),
			   json_type_name(json_type(v)));
}

static int id_check(struct json array, struct json element, uint32_t index, struct fault *fault)
{
	struct json id = json_get(element, "id"), other;

	if (json_type(id) != JSON_STRING || json_escaped_text(id).n == 0)
		return fault_param(fault, "id", "each needs an id, a string that you choose");
	for (struct json_iter it = json_each(array); json_next(&it) && it.index < index;) {
		other = json_get(it.value, "id");
		if (slice_eq(json_escaped_text(other), json_escaped_text(id)))
			return fault_param(fault, "id", "the id '%.*s' stands at place %u already; ids are used once",
					   SLICE_ARG(json_escaped_text(id)), it.index);
	}
	return 0;
}

/* known: its members; an owner has `id` and `endpoints` besides. */
static int members_check(struct json element, is_setting *known, bool owner, struct fault *fault)
{
	struct buf name;
	int rc = 0;

	buf_init(&name, 4096);
	for (struct json_iter it = json_each(element); rc == 0 && json_next(&it);) {
		struct slice text = json_text_slice(it.key, &name);

		if (known(text) || (owner && (slice_is(text, "id") || slice_is(text, "endpoints"))))
			continue;
		rc = fault_param(fault, "", "there is no member '%.*s' here; see `postrider help apply`",
				 SLICE_ARG(text));
	}
	buf_free(&name);
	return rc;
}

static int endpoint_check(struct json array, struct json element, uint32_t index, struct fault *fault)
{
	int rc = type_check(element, JSON_OBJECT, "an endpoint", fault);

	return rc != 0 ? rc : id_check(array, element, index, fault);
}

static int endpoints_check(struct json owner, struct fault *fault)
{
	struct json array = json_get(owner, "endpoints");
	int rc;

	if (json_is_nil(array))
		return 0;
	rc = type_check(array, JSON_ARRAY, "endpoints", fault);
	if (rc != 0)
		fault_within(fault, "endpoints");
	for (struct json_iter it = json_each(array); rc == 0 && json_next(&it);) {
		rc = endpoint_check(array, it.value, it.index, fault);
		if (rc != 0)
			fault_within(fault, "endpoints[%u]", it.index);
	}
	return rc;
}

static bool nothing_known(struct slice name)
{
	(void)name;
	return false;
}

static int owner_check(struct json array, struct json element, uint32_t index, bool project, struct fault *fault)
{
	int rc = type_check(element, JSON_OBJECT, project ? "a project" : "an organization", fault);

	if (rc == 0)
		rc = id_check(array, element, index, fault);
	if (rc == 0)
		rc = members_check(element, project ? is_project_setting : nothing_known, true, fault);
	return rc != 0 ? rc : endpoints_check(element, fault);
}

static int owners_check(struct json root, const char *name, bool project, struct fault *fault)
{
	struct json array = json_get(root, name);
	int rc;

	if (json_is_nil(array))
		return 0;
	rc = type_check(array, JSON_ARRAY, name, fault);
	if (rc != 0)
		fault_within(fault, "%s", name);
	for (struct json_iter it = json_each(array); rc == 0 && json_next(&it);) {
		rc = owner_check(array, it.value, it.index, project, fault);
		if (rc != 0)
			fault_within(fault, "%s[%u]", name, it.index);
	}
	return rc;
}

static bool is_top_member(struct slice name)
{
	return slice_is(name, "projects") || slice_is(name, "organizations");
}

int setup_check(struct json root, struct fault *fault)
{
	int rc = type_check(root, JSON_OBJECT, "the file's value", fault);

	if (rc == 0)
		rc = members_check(root, is_top_member, false, fault);
	if (rc == 0)
		rc = owners_check(root, "projects", true, fault);
	return rc != 0 ? rc : owners_check(root, "organizations", false, fault);
}

/* --- writing --- */

static void members_write(struct json element, is_setting *wanted, struct json_writer *w)
{
	struct buf name;

	buf_init(&name, 4096);
	for (struct json_iter it = json_each(element); json_next(&it);) {
		struct slice text = json_text_slice(it.key, &name);

		if (!wanted(text))
			continue;
		json_key_slice(w, text);
		json_put_raw(w, json_raw(it.value));
	}
	buf_free(&name);
}

static bool is_body_member(struct slice name)
{
	return !slice_is(name, "id") && !slice_is(name, "endpoints");
}

void setup_write_body(struct json element, struct json_writer *w)
{
	json_begin_object(w);
	members_write(element, is_body_member, w);
	json_end_object(w);
}

void setup_write_project(struct json project, struct json_writer *w)
{
	members_write(project, is_project_setting, w);
}

void setup_write_endpoint(struct json endpoint, struct json_writer *w)
{
	members_write(endpoint, is_endpoint_setting, w);
}

/* --- comparing --- */

/* The daemon writes both in the same way, so equal settings are equal text. */
static bool same(struct json a, struct json b, is_setting *counts)
{
	struct buf name;
	bool equal = true;

	buf_init(&name, 4096);
	for (struct json_iter it = json_each(b); equal && json_next(&it);) {
		struct slice text = json_text_slice(it.key, &name);
		struct json before = json_get_slice(a, text);

		if (counts(text))
			equal = json_type(before) != JSON_NONE && slice_eq(json_raw(before), json_raw(it.value));
	}
	buf_free(&name);
	return equal;
}

bool setup_same_project(struct json a, struct json b)
{
	return same(a, b, is_project_setting);
}

bool setup_same_endpoint(struct json a, struct json b)
{
	return same(a, b, is_endpoint_setting);
}
