/* Messages: received, sent, and what becomes of them (message.h). */
#include "hub/message.h"

int message_send(struct deed *d, const struct message_send *s, struct record **ret, struct fault *fault)
{
	struct record *m = record_new(d, KIND_MESSAGE, NULL);

	(void)fault;
	record_set_text(m, "direction", SLICE_LIT("outgoing"));
	record_set_text(m, "status", SLICE_LIT("queued"));
	record_set_text(m, "to_number", s->to_number);
	record_set_text(m, "content", s->content);
	record_save(d, m);
	if (ret)
		*ret = m;
	return 0;
}

int message_receive(struct deed *d, const struct message_receive *r, struct record **ret, struct fault *fault)
{
	struct record *m = record_new(d, KIND_MESSAGE, NULL);

	(void)fault;
	record_set_text(m, "direction", SLICE_LIT("incoming"));
	record_set_text(m, "from_number", r->from_number);
	record_set_text(m, "content", r->content);
	record_save(d, m);
	if (ret)
		*ret = m;
	return 0;
}

bool message_status(struct deed *d, struct record *message, const char *status, struct slice error_message,
		    struct slice error_code)
{
	(void)error_message;
	(void)error_code;
	record_set_text(message, "status", slice_str(status));
	record_save(d, message);
	return true;
}

void message_clicked(struct deed *d, struct record *message)
{
	record_set_i64(message, "time_clicked", d->now_ms / 1000);
	record_save(d, message);
}

int message_var(struct deed *d, struct record *message, struct slice name, struct slice json, struct fault *fault)
{
	int err = record_var_set(message, "vars", name, json, fault);

	if (!err)
		record_save(d, message);
	return err;
}

void message_star(struct deed *d, struct record *message, bool on)
{
	record_set_bool(message, "starred", on);
	record_save(d, message);
}

struct record *message_contact(struct deed *d, struct record *message)
{
	return record_load(d, KIND_CONTACT, record_text(message, "contact_id"));
}

struct record *message_phone(struct deed *d, struct record *message)
{
	return record_load(d, KIND_PHONE, record_text(message, "phone_id"));
}
