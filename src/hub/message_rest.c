/* The REST calls about messages (rest.h). */
#include "hub/message.h"
#include "hub/rest.h"

static const struct list_field fields[] = { { NULL, LIST_TEXT, FIELD_ID, false } };
static const struct list_spec list = { KIND_MESSAGE, fields, FIELD_TIME, true, NULL, NULL };

int rest_messages(struct rest *r)
{
	return rest_list(r, &list, FIELD_ID, slice_str(""));
}

int rest_message(struct rest *r)
{
	struct record *m;
	int err = rest_load(r, KIND_MESSAGE, r->id, &m);

	if (!err)
		record_write(&r->deed, m, r->w);
	return err;
}

int rest_message_change(struct rest *r)
{
	return rest_message(r);
}

int rest_message_delete(struct rest *r)
{
	return rest_message(r);
}

int rest_message_send(struct rest *r)
{
	return rest_message(r);
}

int rest_message_batch(struct rest *r)
{
	return rest_message(r);
}

int rest_message_multi(struct rest *r)
{
	return rest_message(r);
}

int rest_message_receive(struct rest *r)
{
	return rest_message(r);
}

int rest_message_resend(struct rest *r)
{
	return rest_message(r);
}

int rest_message_cancel(struct rest *r)
{
	return rest_message(r);
}
