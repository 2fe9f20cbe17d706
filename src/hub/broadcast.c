/* Broadcasts: one content to many (rest.h, tick.h). */
#include "hub/message.h"
#include "hub/rest.h"

static const struct list_field fields[] = { { NULL, LIST_TEXT, FIELD_ID, false } };
static const struct list_spec list = { KIND_BROADCAST, fields, FIELD_TIME, true, NULL, NULL };

int rest_broadcasts(struct rest *r)
{
	return rest_list(r, &list, FIELD_ID, slice_str(""));
}

int rest_broadcast(struct rest *r)
{
	struct record *b;
	int err = rest_load(r, KIND_BROADCAST, r->id, &b);

	if (!err)
		record_write(&r->deed, b, r->w);
	return err;
}

int rest_broadcast_send(struct rest *r)
{
	return rest_broadcast(r);
}

int rest_broadcast_cancel(struct rest *r)
{
	return rest_broadcast(r);
}

void broadcast_step(struct deed *d, struct record *broadcast)
{
	record_set_due(broadcast, 0);
	record_save(d, broadcast);
}
