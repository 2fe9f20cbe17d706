/*
 * The REST calls of contacts. A call that changes contacts first makes all changes in the hand - one contact for
 * get or create, up to 200 for an import - and writes only when nothing was found wrong. Each kind of change is
 * told as its own contact_update; a contact that is new is told once.
 */
#include "hub/contact_parts.h"
#include "hub/group.h"
#include "hub/notice.h"
#include "hub/record_parts.h"

#define IMPORT_MAX 200

/* A contact in the hand, and what has changed in it. */
struct edit {
	struct record *contact;
	bool made, updated, vars;
	int blocked; /* 1: is blocked now, -1: is no more */
};

/* Groups that contacts are put into or taken out of. */
struct regroup {
	struct record *add[CONTACT_GROUPS_MAX], *remove[CONTACT_GROUPS_MAX];
	size_t add_count, remove_count;
};

static const char *const members[] = { "name", "phone_number", "send_blocked", "conversation_status",
				       "default_route_id" };

/* --- reading what is to be changed --- */

/* The same number written differently is no change: the first spelling stays. */
static bool is_same_number(struct deed *d, struct record *contact, struct slice json)
{
	struct slice old = record_text(contact, "phone_number");

	return old.n > 0 && slice_eq(keys_text(d->arena, FIELD_NUMBER, old),
				     keys_text(d->arena, FIELD_NUMBER, record_decode(d->arena, json)));
}

static void note_change(struct edit *e, const char *member)
{
	if (strcmp(member, "send_blocked") == 0)
		e->blocked = record_true(e->contact, member) ? 1 : -1;
	else
		e->updated = true;
}

static int edit_member(struct rest *r, struct edit *e, const char *member)
{
	struct json value = json_get(r->params, member);
	struct slice old = record_raw(e->contact, member);
	int err;

	if (json_type(value) == JSON_NONE ||
	    (strcmp(member, "phone_number") == 0 && is_same_number(&r->deed, e->contact, json_raw(value))))
		return 0;
	err = contact_set(&r->deed, e->contact, slice_str(member), json_raw(value), r->deed.fault);
	if (!err && !slice_eq(old, record_raw(e->contact, member)))
		note_change(e, member);
	return err;
}

static int edit_members(struct rest *r, struct edit *e)
{
	struct slice old_vars = record_raw(e->contact, "vars");
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(members) / sizeof(members[0]); i++)
		err = edit_member(r, e, members[i]);
	if (!err)
		err = record_vars_merge(e->contact, "vars", json_get(r->params, "vars"), "vars", r->deed.fault);
	e->vars = !slice_eq(old_vars, record_raw(e->contact, "vars"));
	if (e->vars || e->blocked || e->updated)
		record_set_i64(e->contact, "time_updated", r->deed.now_ms / 1000);
	return err;
}

static int read_groups(struct rest *r, const char *param, struct record *groups[CONTACT_GROUPS_MAX], size_t *ret_count)
{
	struct json list = json_get(r->params, param);
	struct json_iter it = json_each(list);

	if (!json_is_nil(list) && json_type(list) != JSON_ARRAY)
		return fault_param(r->deed.fault, param, "this is %s; send an array of ids",
				   json_type_name(json_type(list)));
	while (json_next(&it)) {
		struct slice id = record_decode(r->deed.arena, json_raw(it.value));

		if (*ret_count == CONTACT_GROUPS_MAX)
			return fault_param(r->deed.fault, param, "these are too many; send at most %d",
					   CONTACT_GROUPS_MAX);
		groups[*ret_count] = record_load(&r->deed, KIND_GROUP, id);
		if (!groups[(*ret_count)++])
			return fault_param(r->deed.fault, param, "there is no group \"%.*s\" in this project",
					   SLICE_HEAD(id, 80));
	}
	return 0;
}

static int read_regroup(struct rest *r, struct regroup *ret)
{
	int err = read_groups(r, "add_group_ids", ret->add, &ret->add_count);

	return err ? err : read_groups(r, "remove_group_ids", ret->remove, &ret->remove_count);
}

/* Would the contact be in more groups than one can be? */
static int check_groups(struct rest *r, const struct edit *e, const struct regroup *g)
{
	size_t count = record_list_count(e->contact, "group_ids");

	for (size_t i = 0; i < g->add_count; i++)
		count += !record_list_has(e->contact, "group_ids", record_id(g->add[i]));
	if (count <= CONTACT_GROUPS_MAX)
		return 0;
	return fault_param(r->deed.fault, "add_group_ids", "a contact can be in %d groups; take it out of others first",
			   CONTACT_GROUPS_MAX);
}

/* --- writing --- */

static void edit_write(struct deed *d, struct edit *e, struct regroup *g)
{
	struct deed quiet = *d;

	if (e->made) {
		quiet.origin = ORIGIN_API; /* its groups are part of what is told as `add` */
		record_save(d, e->contact);
	} else if (e->updated || e->vars || e->blocked) {
		record_save(d, e->contact);
		if (e->updated)
			notice_contact(d, e->contact, "update");
		if (e->vars)
			notice_contact(d, e->contact, "update_field");
		if (e->blocked)
			notice_contact(d, e->contact, e->blocked > 0 ? "block_send" : "unblock_send");
	}
	for (size_t i = 0; i < g->remove_count; i++)
		contact_group(&quiet, e->contact, g->remove[i], false);
	for (size_t i = 0; i < g->add_count; i++)
		contact_group(&quiet, e->contact, g->add[i], true);
	if (e->made)
		notice_contact(d, e->contact, "add");
}

/* --- finding --- */

/* By a variable, which is not indexed: all contacts are looked at, those first that can have it by their text. */
struct search {
	struct deed *d;
	struct slice name, wanted, quoted;
	struct record *found;
};

static bool has_variable(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct search *s = ctx;
	struct record *rec;

	(void)value;
	if (!memmem(text.p, text.n, s->quoted.p, s->quoted.n))
		return true;
	rec = record_read(s->d, KIND_CONTACT, id, text);
	if (rec && slice_eq(record_decode(s->d->arena, record_var_raw(rec, "vars", s->name)), s->wanted))
		s->found = rec;
	return !s->found;
}

static struct record *find_by_variable(struct deed *d, struct slice name, struct slice wanted)
{
	struct object_query q = { .project = d->project, .kind = KIND_CONTACT, .field = FIELD_TIME };
	struct search s = { .d = d, .name = name, .wanted = wanted };
	struct buf b;

	buf_init(&b, 256);
	buf_addf(&b, "\"%.*s\":", SLICE_ARG(name));
	s.quoted = buf_slice(&b);
	book_walk(d->book, &q, true, has_variable, &s);
	buf_free(&b);
	return s.found;
}

static int find_variable(struct rest *r, struct slice name, struct record **ret)
{
	struct slice raw = json_raw(json_get_slice(json_get(r->params, "vars"), name));
	struct slice wanted = record_decode(r->deed.arena, raw);

	if (!record_var_name(name))
		return fault_param(r->deed.fault, "lookup_key", "\"%.*s\" is no name of a variable",
				   SLICE_HEAD(name, 80));
	if (wanted.n == 0)
		return fault_param(r->deed.fault, "vars", "the variable that lookup_key names is missing; send it");
	*ret = find_by_variable(&r->deed, name, wanted);
	return 0;
}

static int find_by_id(struct rest *r, struct record **ret)
{
	struct slice id;
	int err = rest_need(r, "id", &id);

	return err ? err : rest_load(r, KIND_CONTACT, id, ret);
}

/* By its number; a contact that has none, by its name. */
static int find_by_number(struct rest *r, struct record **ret)
{
	struct slice number = SLICE_LIT(""), name = SLICE_LIT("");
	int err;

	rest_text(r, "phone_number", &number, &err);
	if (!err)
		rest_text(r, "name", &name, &err);
	if (!err)
		*ret = number.n > 0 ? contact_find(&r->deed, number) : contact_by_name(&r->deed, name);
	return err;
}

static int find_by_name(struct rest *r, struct record **ret)
{
	struct slice name;
	int err = rest_need(r, "name", &name);

	if (!err)
		*ret = contact_by_name(&r->deed, name);
	return err;
}

/* The contact that the parameters mean; *ret stays NULL when there is none. */
static int find_contact(struct rest *r, struct slice key, struct record **ret)
{
	struct slice vars = SLICE_LIT("vars.");

	if (key.n == 0 || slice_is(key, "phone_number"))
		return find_by_number(r, ret);
	if (slice_is(key, "name"))
		return find_by_name(r, ret);
	if (slice_is(key, "id"))
		return find_by_id(r, ret);
	if (slice_starts(key, vars))
		return find_variable(r, slice_from(key, vars.n), ret);
	if (slice_is(key, "none"))
		return 0;
	return fault_param(r->deed.fault, "lookup_key",
			   "\"%.*s\" is no way to find a contact; send phone_number, name, id, vars.NAME or none",
			   SLICE_HEAD(key, 80));
}

/* Finds or makes the contact, and changes it in the hand. */
static int edit_begin(struct rest *r, struct slice key, struct edit *e)
{
	int err = e->contact ? 0 : find_contact(r, key, &e->contact);

	if (err)
		return err;
	if (!e->contact) {
		e->contact = contact_draft(&r->deed, SLICE_LIT(""), SLICE_LIT(""));
		e->made = true;
	}
	err = edit_members(r, e);
	if (!err && record_raw(e->contact, "phone_number").n == 0 && record_raw(e->contact, "name").n == 0)
		err = fault_param(r->deed.fault, "phone_number", "a contact needs a phone_number or a name; send one");
	return err;
}

/* --- one contact --- */

int rest_contact(struct rest *r)
{
	struct record *contact;
	int err = rest_load(r, KIND_CONTACT, r->id, &contact);

	if (!err)
		rest_write(r, contact);
	return err;
}

static int edit_end(struct rest *r, struct edit *e)
{
	struct regroup groups = { 0 };
	int err = read_regroup(r, &groups);

	if (!err)
		err = check_groups(r, e, &groups);
	if (err)
		return err;
	edit_write(&r->deed, e, &groups);
	rest_write(r, e->contact);
	return 0;
}

int rest_contact_put(struct rest *r)
{
	static const char *const known[] = { "name",	      "phone_number",	     "lookup_key", "id",
					     "send_blocked",  "conversation_status", "vars",	   "default_route_id",
					     "add_group_ids", "remove_group_ids",    NULL };
	struct slice key = SLICE_LIT("");
	struct edit e = { 0 };
	int err = rest_only(r, known);

	if (!err)
		rest_text(r, "lookup_key", &key, &err);
	if (!err)
		err = edit_begin(r, key, &e);
	return err ? err : edit_end(r, &e);
}

int rest_contact_change(struct rest *r)
{
	static const char *const known[] = { "name",
					     "phone_number",
					     "send_blocked",
					     "conversation_status",
					     "default_route_id",
					     "vars",
					     "add_group_ids",
					     "remove_group_ids",
					     NULL };
	struct edit e = { 0 };
	int err = rest_load(r, KIND_CONTACT, r->id, &e.contact);

	if (!err)
		err = rest_only(r, known);
	if (!err)
		err = edit_begin(r, SLICE_LIT(""), &e);
	return err ? err : edit_end(r, &e);
}

/* --- deleting --- */

struct gathered {
	struct deed *d;
	struct slice *ids;
	size_t count, cap;
};

static bool gather(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct gathered *g = ctx;

	(void)value;
	(void)text;
	if (g->count == g->cap) {
		struct slice *old = g->ids;

		g->cap += g->cap + 16;
		g->ids = arena_alloc(g->d->arena, g->cap * sizeof(*g->ids));
		if (g->count > 0)
			memcpy(g->ids, old, g->count * sizeof(*old));
	}
	g->ids[g->count++] = arena_slice(g->d->arena, id);
	return true;
}

/* As many as the project has services. */
static void delete_states(struct deed *d, struct record *contact)
{
	struct object_query q = record_query(d, KIND_STATE, FIELD_CONTACT, record_id(contact));
	struct gathered g = { .d = d };

	book_walk(d->book, &q, false, gather, &g);
	for (size_t i = 0; i < g.count; i++)
		book_delete(d->book, d->project, KIND_STATE, g.ids[i]);
}

static void leave_groups(struct deed *d, struct record *contact)
{
	struct slice id;

	for (size_t i = 0; record_list_at(contact, "group_ids", i, &id); i++) {
		struct record *group = record_load(d, KIND_GROUP, id);

		if (!group)
			continue;
		record_set_i64(group, "num_members", record_i64(group, "num_members", 0) - 1);
		record_save(d, group);
	}
}

/* Its messages stay, with its id. */
int rest_contact_delete(struct rest *r)
{
	struct record *contact;
	int err = rest_load(r, KIND_CONTACT, r->id, &contact);

	if (err)
		return err;
	delete_states(&r->deed, contact);
	leave_groups(&r->deed, contact);
	notice_contact(&r->deed, contact, "delete");
	record_delete(&r->deed, contact);
	return 0;
}

/* --- many --- */

static bool is_same_text(struct rest *r, struct record *contact, const char *member, enum field field)
{
	struct slice text = SLICE_LIT("");
	int err;

	rest_text(r, member, &text, &err);
	return text.n > 0 && slice_eq(keys_text(r->deed.arena, field, text),
				      keys_text(r->deed.arena, field, record_text(contact, member)));
}

/* An import may name a contact twice: the second one is the first, and not another copy of it. */
static struct record *named_before(struct rest *r, struct slice key, struct edit *edits, size_t count)
{
	bool by_number = key.n == 0 || slice_is(key, "phone_number");
	struct slice vars = SLICE_LIT("vars.");
	struct slice wanted = SLICE_LIT(""), wanted_id = SLICE_LIT("");

	if (slice_starts(key, vars)) {
		key = slice_from(key, vars.n);
		wanted = record_decode(r->deed.arena, json_raw(json_get_slice(json_get(r->params, "vars"), key)));
	}
	if (slice_is(key, "id"))
		wanted_id = record_decode(r->deed.arena, json_raw(json_get(r->params, "id")));
	for (size_t i = 0; i < count; i++) {
		struct record *contact = edits[i].contact;

		if (slice_eq(record_id(contact), wanted_id) ||
		    (by_number && is_same_text(r, contact, "phone_number", FIELD_NUMBER)) ||
		    (wanted.n > 0 &&
		     slice_eq(wanted, record_decode(r->deed.arena, record_var_raw(contact, "vars", key)))))
			return contact;
	}
	return NULL;
}

static int import_one(struct rest *r, struct json_iter *it, struct slice key, struct edit *edits)
{
	static const char *const known[] = { "name",	     "phone_number",	    "id", "vars",
					     "send_blocked", "conversation_status", NULL };
	struct rest item = *r;
	struct edit *e = &edits[it->index];
	int err;

	item.params = it->value;
	if (json_type(it->value) != JSON_OBJECT)
		err = fault_param(r->deed.fault, "", "this is %s; send an object with phone_number, name, vars",
				  json_type_name(json_type(it->value)));
	else
		err = rest_only(&item, known);
	if (!err && !slice_is(key, "none"))
		e->contact = named_before(&item, key, edits, it->index);
	if (!err)
		err = edit_begin(&item, key, e);
	if (err)
		fault_within(r->deed.fault, "contacts[%u]", it->index);
	return err;
}

static void answer_import(struct rest *r, const struct edit *edits, size_t count)
{
	int64_t made = 0;

	json_begin_object(r->w);
	json_key(r->w, "contacts");
	json_begin_array(r->w);
	for (size_t i = 0; i < count; i++) {
		json_begin_object(r->w);
		json_member_string(r->w, "id", record_id(edits[i].contact));
		json_member_bool(r->w, "created", edits[i].made);
		json_end_object(r->w);
		made += edits[i].made;
	}
	json_end_array(r->w);
	json_member_i64(r->w, "num_created", made);
	json_end_object(r->w);
}

static int read_import(struct rest *r, struct edit *edits, size_t *ret_count, struct regroup *groups)
{
	struct json list = json_get(r->params, "contacts"), route = json_get(r->params, "default_route_id");
	struct json_iter it = json_each(list);
	struct slice key = SLICE_LIT("");
	int err = read_regroup(r, groups);

	if (!err)
		rest_text(r, "lookup_key", &key, &err);
	if (!err && json_type(list) != JSON_ARRAY)
		err = fault_param(r->deed.fault, "contacts", "the contacts are missing; send an array of objects");
	while (!err && json_next(&it)) {
		if (it.index == IMPORT_MAX)
			return fault_param(r->deed.fault, "contacts", "these are too many; send at most %d at once",
					   IMPORT_MAX);
		err = import_one(r, &it, key, edits);
		if (!err && json_type(route) != JSON_NONE)
			err = contact_set(&r->deed, edits[it.index].contact, SLICE_LIT("default_route_id"),
					  json_raw(route), r->deed.fault);
		if (!err)
			err = check_groups(r, &edits[it.index], groups);
		edits[it.index].updated |= json_type(route) != JSON_NONE;
		*ret_count = it.index + 1;
	}
	return err;
}

int rest_contacts_import(struct rest *r)
{
	static const char *const known[] = { "contacts",	 "lookup_key",	     "add_group_ids",
					     "remove_group_ids", "default_route_id", NULL };
	struct edit *edits = arena_zalloc(r->deed.arena, IMPORT_MAX * sizeof(*edits));
	struct regroup groups = { 0 };
	size_t count = 0;
	int err = rest_only(r, known);

	if (!err)
		err = read_import(r, edits, &count, &groups);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++)
		edit_write(&r->deed, &edits[i], &groups);
	answer_import(r, edits, count);
	return 0;
}

/* --- lists --- */

int rest_contacts_with(struct rest *r, enum field where, struct slice value)
{
	static const struct list_field fields[] = {
		{ "group_id", LIST_OWN, FIELD_ID, false },
		{ "name", LIST_TEXT, FIELD_NAME, true },
		{ "phone_number", LIST_TEXT, FIELD_NUMBER, true },
		{ "time_created", LIST_TIME, FIELD_TIME, false },
		{ "last_message_time", LIST_TIME, FIELD_UPDATED, true },
		{ "last_incoming_message_time", LIST_TIME, FIELD_ID, false },
		{ "last_outgoing_message_time", LIST_TIME, FIELD_ID, false },
		{ "message_count", LIST_NUMBER, FIELD_ID, false },
		{ "incoming_message_count", LIST_NUMBER, FIELD_ID, false },
		{ "outgoing_message_count", LIST_NUMBER, FIELD_ID, false },
		{ "send_blocked", LIST_BOOL, FIELD_ID, false },
		{ "conversation_status", LIST_TEXT, FIELD_ID, false },
		{ "vars", LIST_VARS, FIELD_ID, false },
		{ 0 },
	};
	static const struct list_spec list = { .kind = KIND_CONTACT, .fields = fields, .order = FIELD_TIME };

	return rest_list(r, &list, where, value);
}

int rest_contacts(struct rest *r)
{
	struct slice group;
	int err;

	if (rest_text(r, "group_id", &group, &err))
		return rest_contacts_with(r, FIELD_GROUP, group);
	return err ? err : rest_contacts_with(r, FIELD_ID, SLICE_LIT(""));
}

int rest_contact_messages(struct rest *r)
{
	struct record *contact;
	int err = rest_load(r, KIND_CONTACT, r->id, &contact);

	return err ? err : rest_messages_with(r, FIELD_CONTACT, r->id);
}

int rest_contact_states(struct rest *r)
{
	static const struct list_field fields[] = {
		{ "id", LIST_TEXT, FIELD_ID, false },
		{ "vars", LIST_VARS, FIELD_ID, false },
		{ 0 },
	};
	static const struct list_spec list = { .kind = KIND_STATE, .fields = fields, .order = FIELD_ID };
	struct record *contact;
	int err = rest_load(r, KIND_CONTACT, r->id, &contact);

	return err ? err : rest_list(r, &list, FIELD_CONTACT, r->id);
}
