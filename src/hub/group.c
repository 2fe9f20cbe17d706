/*
 * Groups of contacts. Who is in a group stands in the contact (group_ids) and in the index; the group has the number of
 * its members, so that showing it does not count them.
 */
#include "hub/group.h"

#include "hub/contact_parts.h"
#include "hub/notice.h"
#include "hub/record_parts.h"

/* --- being in one --- */

/* A group can name a variable that gets the time at which a contact joined, once. */
static void stamp(struct deed *d, struct record *contact, struct record *group)
{
	struct slice name = record_text(group, "add_time_variable");
	struct buf now;

	if (name.n == 0 || record_var_raw(contact, "vars", name).n > 0)
		return;
	buf_init(&now, 32);
	buf_add_i64(&now, d->now_ms / 1000);
	record_var_set(contact, "vars", name, buf_slice(&now), NULL);
	buf_free(&now);
}

bool contact_group(struct deed *d, struct record *contact, struct record *group, bool in)
{
	struct slice id = record_id(group);

	if (in && record_list_count(contact, "group_ids") >= CONTACT_GROUPS_MAX)
		return false;
	if (!(in ? record_list_add : record_list_remove)(contact, "group_ids", id))
		return false;
	if (in)
		stamp(d, contact, group);
	record_set_i64(contact, "time_updated", d->now_ms / 1000);
	record_save(d, contact);
	record_set_i64(group, "num_members", record_i64(group, "num_members", 0) + (in ? 1 : -1));
	record_save(d, group);
	notice_contact(d, contact, in ? "add_group" : "remove_group");
	return true;
}

struct record *group_find(struct deed *d, struct slice id_or_name, bool make)
{
	struct record *group = record_load(d, KIND_GROUP, id_or_name);

	if (!group && id_or_name.n > 0)
		group = record_first(d, KIND_GROUP, FIELD_NAME, id_or_name);
	if (group || !make || id_or_name.n == 0)
		return group;
	group = record_new(d, KIND_GROUP, NULL);
	record_set_text(group, "name", id_or_name);
	record_set_bool(group, "dynamic", false);
	record_set_i64(group, "num_members", 0);
	record_set_bool(group, "allow_sending", true);
	record_set(group, "vars", SLICE_LIT("{}"));
	record_save(d, group);
	return group;
}

/* --- REST --- */

static const struct list_field fields[] = {
	{ "name", LIST_TEXT, FIELD_NAME, true },
	{ "dynamic", LIST_BOOL, FIELD_ID, false },
	{ 0 },
};

static bool has_contact(struct rest *r, struct record *group)
{
	struct record *contact = record_load(&r->deed, KIND_CONTACT, r->id);

	return contact && record_list_has(contact, "group_ids", record_id(group));
}

int rest_groups(struct rest *r)
{
	static const struct list_spec list = { .kind = KIND_GROUP, .fields = fields, .order = FIELD_ID };

	return rest_list(r, &list, FIELD_ID, SLICE_LIT(""));
}

int rest_contact_groups(struct rest *r)
{
	static const struct list_spec list = {
		.kind = KIND_GROUP, .fields = fields, .order = FIELD_ID, .keep = has_contact
	};
	struct record *contact;
	int err = rest_load(r, KIND_CONTACT, r->id, &contact);

	return err ? err : rest_list(r, &list, FIELD_ID, SLICE_LIT(""));
}

int rest_group(struct rest *r)
{
	struct record *group;
	int err = rest_load(r, KIND_GROUP, r->id, &group);

	if (!err)
		rest_write(r, group);
	return err;
}

int rest_group_put(struct rest *r)
{
	static const char *const known[] = { "name", NULL };
	struct slice name;
	int err = rest_only(r, known);

	if (!err)
		err = rest_name(r, &name);
	if (!err)
		rest_write(r, group_find(&r->deed, name, true));
	return err;
}

static int set_variable_name(struct rest *r, struct record *group)
{
	struct slice name;
	int err;

	if (!rest_text(r, "add_time_variable", &name, &err)) {
		if (!err && json_type(json_get(r->params, "add_time_variable")) == JSON_NULL)
			record_unset(group, "add_time_variable");
		return err;
	}
	if (name.n > 0 && !record_var_name(name))
		return fault_param(r->deed.fault, "add_time_variable",
				   "no name for a variable; use 1 to 32 letters, digits and underscores");
	record_set_text(group, "add_time_variable", name);
	return 0;
}

int rest_group_change(struct rest *r)
{
	static const char *const known[] = { "name", "allow_sending", "add_time_variable", "vars", NULL };
	struct record *group;
	bool sending;
	int err = rest_load(r, KIND_GROUP, r->id, &group);

	if (!err)
		err = rest_only(r, known);
	if (err)
		return err;
	sending = record_true(group, "allow_sending");
	err = rest_bool(r, "allow_sending", &sending);
	if (!err)
		err = set_variable_name(r, group);
	if (!err)
		err = rest_rename(r, group);
	if (err)
		return err;
	record_set_bool(group, "allow_sending", sending);
	record_save(&r->deed, group);
	rest_write(r, group);
	return 0;
}

int rest_group_delete(struct rest *r)
{
	return rest_delete_list(r, KIND_GROUP, KIND_CONTACT, FIELD_GROUP, "group_ids");
}

int rest_group_contacts(struct rest *r)
{
	struct record *group;
	int err = rest_load(r, KIND_GROUP, r->id, &group);

	return err ? err : rest_contacts_with(r, FIELD_GROUP, r->id);
}

static int change_membership(struct rest *r, bool in)
{
	struct record *group, *contact;
	int err = rest_load(r, KIND_GROUP, r->id, &group);

	if (!err)
		err = rest_load(r, KIND_CONTACT, r->other, &contact);
	if (err)
		return err;
	if (in && !record_list_has(contact, "group_ids", r->id) &&
	    record_list_count(contact, "group_ids") >= CONTACT_GROUPS_MAX)
		return fault_param(r->deed.fault, "", "the contact is in %d groups, more cannot be; take it out of one",
				   CONTACT_GROUPS_MAX);
	contact_group(&r->deed, contact, group, in);
	rest_write(r, contact);
	return 0;
}

int rest_group_add(struct rest *r)
{
	return change_membership(r, true);
}

int rest_group_remove(struct rest *r)
{
	return change_membership(r, false);
}
