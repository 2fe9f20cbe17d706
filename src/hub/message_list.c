/* The list of messages: by what it can be filtered and sorted. */
#include "hub/message.h"
#include "hub/rest.h"

static const struct list_field fields[] = {
	{ "direction", LIST_TEXT, FIELD_ID, false },
	{ "message_type", LIST_TEXT, FIELD_ID, false },
	{ "source", LIST_TEXT, FIELD_ID, false },
	{ "starred", LIST_BOOL, FIELD_STARRED, false },
	{ "status", LIST_TEXT, FIELD_STATUS, false },
	{ "time_created", LIST_TIME, FIELD_TIME, true },
	{ "time_sent", LIST_TIME, FIELD_ID, false },
	{ "from_number", LIST_TEXT, FIELD_ID, false },
	{ "to_number", LIST_TEXT, FIELD_ID, false },
	{ "content", LIST_TEXT, FIELD_ID, false },
	{ "simulated", LIST_BOOL, FIELD_ID, false },
	{ "external_id", LIST_TEXT, FIELD_EXTERNAL, false },
	{ "contact_id", LIST_TEXT, FIELD_CONTACT, false },
	{ "phone_id", LIST_TEXT, FIELD_PHONE, false },
	{ "broadcast_id", LIST_TEXT, FIELD_BROADCAST, false },
	{ "scheduled_id", LIST_TEXT, FIELD_ID, false },
	{ "service_id", LIST_TEXT, FIELD_SERVICE, false },
	{ "vars", LIST_VARS, FIELD_ID, false },
	{ "label_id", LIST_OWN, FIELD_ID, false },
	{ "group_id", LIST_OWN, FIELD_ID, false },
	{ NULL, LIST_TEXT, FIELD_ID, false },
};

/* A message is in a group when its contact is. */
static bool is_in_group(struct rest *r, struct record *rec)
{
	struct slice group;
	struct record *contact;
	int err;

	if (!rest_text(r, "group_id", &group, &err))
		return true;
	contact = message_contact(&r->deed, rec);
	return contact && record_list_has(contact, "group_ids", group);
}

static const struct list_spec list = { .kind = KIND_MESSAGE, .fields = fields, .order = FIELD_TIME };
static const struct list_spec list_of_group = {
	.kind = KIND_MESSAGE, .fields = fields, .order = FIELD_TIME, .keep = is_in_group
};

int rest_messages_with(struct rest *r, enum field where, struct slice value)
{
	bool of_group = !json_is_nil(json_get(r->params, "group_id"));

	/* asking every message is left out where it is not needed: counting then reads no message at all */
	return rest_list(r, of_group ? &list_of_group : &list, where, value);
}

int rest_messages(struct rest *r)
{
	struct slice label;
	int err;

	if (rest_text(r, "label_id", &label, &err))
		return rest_messages_with(r, FIELD_LABEL, label);
	return err ? err : rest_messages_with(r, FIELD_ID, SLICE_LIT(""));
}
