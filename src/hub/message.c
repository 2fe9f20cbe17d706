/*
 * A message that exists: who it belongs to, and what is changed about it by hand. How it begins is in message_send.c
 * and message_receive.c, what becomes of it in message_status.c.
 */
#include "hub/message.h"

#include "hub/broadcast.h"
#include "hub/message_parts.h"
#include "hub/notice.h"

static struct record *load_named(struct deed *d, struct record *message, const char *member, enum kind kind)
{
	struct slice id = record_text(message, member);

	return id.n > 0 ? record_load(d, kind, id) : NULL;
}

struct record *message_contact(struct deed *d, struct record *message)
{
	return load_named(d, message, "contact_id", KIND_CONTACT);
}

struct record *message_phone(struct deed *d, struct record *message)
{
	return load_named(d, message, "phone_id", KIND_PHONE);
}

void message_clicked(struct deed *d, struct record *message)
{
	struct slice broadcast = record_text(message, "broadcast_id");

	if (record_raw(message, "time_clicked").n > 0)
		return;
	record_set_i64(message, "time_clicked", d->now_ms / 1000);
	record_set_i64(message, "time_updated", d->now_ms / 1000);
	if (broadcast.n > 0)
		broadcast_clicked(d, broadcast);
	notice_status(d, message, message_contact(d, message));
	record_save(d, message);
}

int message_var(struct deed *d, struct record *message, struct slice name, struct slice json, struct fault *fault)
{
	int err = record_var_set(message, "vars", name, json, fault);

	if (err)
		return err;
	record_set_i64(message, "time_updated", d->now_ms / 1000);
	notice_metadata(d, message, NULL, "set_variable");
	record_save(d, message);
	return 0;
}
