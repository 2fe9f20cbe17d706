/* Labels of messages: as groups are for contacts, but without more than a name and variables. */
#include "hub/contact_parts.h"
#include "hub/group.h"
#include "hub/notice.h"

bool message_label(struct deed *d, struct record *message, struct record *label, bool on)
{
	struct slice id = record_id(label);

	if (on && record_list_count(message, "label_ids") >= MESSAGE_LABELS_ALL)
		return false;
	if (!(on ? record_list_add : record_list_remove)(message, "label_ids", id))
		return false;
	record_set_i64(message, "time_updated", d->now_ms / 1000);
	record_save(d, message);
	notice_metadata(d, message, NULL, on ? "add_label" : "remove_label");
	return true;
}

struct record *label_find(struct deed *d, struct slice id_or_name, bool make)
{
	struct record *label = record_load(d, KIND_LABEL, id_or_name);

	if (!label && id_or_name.n > 0)
		label = record_first(d, KIND_LABEL, FIELD_NAME, id_or_name);
	if (label || !make || id_or_name.n == 0)
		return label;
	label = record_new(d, KIND_LABEL, NULL);
	record_set_text(label, "name", id_or_name);
	record_set(label, "vars", SLICE_LIT("{}"));
	record_save(d, label);
	return label;
}

/* --- REST --- */

int rest_labels(struct rest *r)
{
	static const struct list_field fields[] = { { "name", LIST_TEXT, FIELD_NAME, true }, { 0 } };
	static const struct list_spec list = { .kind = KIND_LABEL, .fields = fields, .order = FIELD_ID };

	return rest_list(r, &list, FIELD_ID, SLICE_LIT(""));
}

int rest_label(struct rest *r)
{
	struct record *label;
	int err = rest_load(r, KIND_LABEL, r->id, &label);

	if (!err)
		rest_write(r, label);
	return err;
}

int rest_label_put(struct rest *r)
{
	static const char *const known[] = { "name", NULL };
	struct slice name;
	int err = rest_only(r, known);

	if (!err)
		err = rest_name(r, &name);
	if (!err)
		rest_write(r, label_find(&r->deed, name, true));
	return err;
}

int rest_label_change(struct rest *r)
{
	static const char *const known[] = { "name", "vars", NULL };
	struct record *label;
	int err = rest_load(r, KIND_LABEL, r->id, &label);

	if (!err)
		err = rest_only(r, known);
	if (!err)
		err = rest_rename(r, label);
	if (err)
		return err;
	record_save(&r->deed, label);
	rest_write(r, label);
	return 0;
}

int rest_label_delete(struct rest *r)
{
	return rest_delete_list(r, KIND_LABEL, KIND_MESSAGE, FIELD_LABEL, "label_ids");
}

int rest_label_messages(struct rest *r)
{
	struct record *label;
	int err = rest_load(r, KIND_LABEL, r->id, &label);

	return err ? err : rest_messages_with(r, FIELD_LABEL, r->id);
}

static int change_label(struct rest *r, bool on)
{
	struct record *label, *message;
	int err = rest_load(r, KIND_LABEL, r->id, &label);

	if (!err)
		err = rest_load(r, KIND_MESSAGE, r->other, &message);
	if (err)
		return err;
	if (on && !record_list_has(message, "label_ids", r->id) &&
	    record_list_count(message, "label_ids") >= MESSAGE_LABELS_ALL)
		return fault_param(r->deed.fault, "", "the message has %d labels, more cannot be; take one off",
				   MESSAGE_LABELS_ALL);
	message_label(&r->deed, message, label, on);
	rest_write(r, message);
	return 0;
}

int rest_label_add(struct rest *r)
{
	return change_label(r, true);
}

int rest_label_remove(struct rest *r)
{
	return change_label(r, false);
}
