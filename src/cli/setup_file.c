/*
 * The shape of the set-up file. It is checked whole before the first call, so that a slip on its last line does not
 * leave half of it applied; the settings themselves are judged by the daemon, which knows its presets and limits.
 * Which members are settings is said here, for endpoints by the dialect's own table: what a newer daemon shows besides
 * (counters, times, states) does not get into an export.
 */
#include "cli/setup_file.h"

#include <stdio.h>

#include "dialect/endpoint_field.h"

typedef bool is_setting(struct slice name);

static bool is_one_of(struct slice name, const char *const *names)
{
	while (*names && !slice_is(name, *names))
		names++;
	return *names != NULL;
}

static bool is_project_setting(struct slice name)
{
	static const char *const names[] = { "name", "organization_id", "notify_emails", "timezone", NULL };

	return is_one_of(name, names);
}

static bool is_endpoint_setting(struct slice name)
{
	return field_is_group(name) || field_find(slice_str(""), name) != NULL;
}

static bool is_phone_setting(struct slice name)
{
	static const char *const names[] = { "name",   "phone_type",  "phone_number", "country",
					     "config", "send_paused", "vars",	      NULL };

	return is_one_of(name, names);
}

static bool is_service_setting(struct slice name)
{
	static const char *const names[] = { "name",	  "service_type",  "active",	 "priority",
					     "phone_ids", "message_types", "apply_mode", "contact_number_filter",
					     "direction", "show_action",   "config",	 "vars",
					     NULL };

	return is_one_of(name, names);
}

const struct setup_list setup_lists[] = {
	{ "endpoints", "endpoint", true, is_endpoint_setting },
	{ "phones", "phone", false, is_phone_setting },
	{ "services", "service", false, is_service_setting },
	{ NULL, NULL, false, NULL },
};

static bool is_list(struct slice name, bool project)
{
	for (const struct setup_list *list = setup_lists; list->name; list++)
		if (slice_is(name, list->name))
			return project || list->organizations;
	return false;
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

static bool is_project_member(struct slice name)
{
	return slice_is(name, "id") || is_project_setting(name) || is_list(name, true);
}

static bool is_organization_member(struct slice name)
{
	return slice_is(name, "id") || is_list(name, false);
}

static int members_check(struct json element, is_setting *known, struct fault *fault)
{
	struct buf name;
	int rc = 0;

	buf_init(&name, 4096);
	for (struct json_iter it = json_each(element); rc == 0 && json_next(&it);) {
		struct slice text = json_text_slice(it.key, &name);

		if (!known(text))
			rc = fault_param(fault, "", "there is no member '%.*s' here; see `postrider help apply`",
					 SLICE_ARG(text));
	}
	buf_free(&name);
	return rc;
}

static int element_check(struct json array, struct json element, uint32_t index, const struct setup_list *list,
			 struct fault *fault)
{
	char what[40];
	int rc;

	snprintf(what, sizeof(what), "%s %s", strchr("aeiou", list->one[0]) ? "an" : "a", list->one);
	rc = type_check(element, JSON_OBJECT, what, fault);
	return rc != 0 ? rc : id_check(array, element, index, fault);
}

static int list_check(struct json owner, const struct setup_list *list, struct fault *fault)
{
	struct json array = json_get(owner, list->name);
	int rc;

	if (json_is_nil(array))
		return 0;
	rc = type_check(array, JSON_ARRAY, list->name, fault);
	if (rc != 0)
		fault_within(fault, "%s", list->name);
	for (struct json_iter it = json_each(array); rc == 0 && json_next(&it);) {
		rc = element_check(array, it.value, it.index, list, fault);
		if (rc != 0)
			fault_within(fault, "%s[%u]", list->name, it.index);
	}
	return rc;
}

static int owner_check(struct json array, struct json element, uint32_t index, bool project, struct fault *fault)
{
	int rc = type_check(element, JSON_OBJECT, project ? "a project" : "an organization", fault);

	if (rc == 0)
		rc = id_check(array, element, index, fault);
	if (rc == 0)
		rc = members_check(element, project ? is_project_member : is_organization_member, fault);
	for (const struct setup_list *list = setup_lists; rc == 0 && list->name; list++)
		rc = list_check(element, list, fault);
	return rc;
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
		rc = members_check(root, is_top_member, fault);
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
	return !slice_is(name, "id") && !is_list(name, true);
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

void setup_write_element(const struct setup_list *list, struct json element, struct json_writer *w)
{
	members_write(element, list->is_setting, w);
}

/* --- comparing --- */

static bool same_value(struct json a, struct json b);

static bool same_text(struct json a, struct json b)
{
	struct buf ta, tb;
	bool same;

	buf_init(&ta, json_raw(a).n + 1);
	buf_init(&tb, json_raw(b).n + 1);
	same = slice_eq(json_text_slice(a, &ta), json_text_slice(b, &tb));
	buf_free(&ta);
	buf_free(&tb);
	return same;
}

static bool same_elements(struct json a, struct json b)
{
	struct json_iter ia = json_each(a), ib = json_each(b);
	bool more;

	while ((more = json_next(&ia)) && json_next(&ib))
		if (!same_value(ia.value, ib.value))
			return false;
	return !more && !json_next(&ib);
}

/* Are the members of b that count there in a, and the same? */
static bool has_members(struct json a, struct json b, is_setting *counts)
{
	struct buf name;
	bool same = true;

	buf_init(&name, 4096);
	for (struct json_iter it = json_each(b); same && json_next(&it);) {
		struct slice text = json_text_slice(it.key, &name);

		if (!counts || counts(text))
			same = same_value(json_get_slice(a, text), it.value);
	}
	buf_free(&name);
	return same;
}

/* In whatever order members stand; as deep as the reader lets a text be. */
static bool same_value(struct json a, struct json b)
{
	if (json_type(a) != json_type(b))
		return false;
	switch (json_type(b)) {
	case JSON_OBJECT:
		return has_members(a, b, NULL) && has_members(b, a, NULL);
	case JSON_ARRAY:
		return same_elements(a, b);
	case JSON_STRING:
		return same_text(a, b);
	default:
		return slice_eq(json_raw(a), json_raw(b));
	}
}

bool setup_same_project(struct json a, struct json b)
{
	return has_members(a, b, is_project_setting);
}

bool setup_same_element(const struct setup_list *list, struct json a, struct json b)
{
	return has_members(a, b, list->is_setting);
}
