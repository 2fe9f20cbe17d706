/* What is told (notice.h). */
#include "hub/notice.h"

struct slice notice_incoming(struct deed *d, struct record *message, struct record *contact, struct record *phone,
			     const struct notice_call *call)
{
	(void)d;
	(void)contact;
	(void)phone;
	(void)call;
	return record_id(message);
}

void notice_status(struct deed *d, struct record *message, struct record *contact)
{
	(void)d;
	(void)message;
	(void)contact;
}

void notice_broadcast(struct deed *d, struct record *broadcast, struct slice recipients_str, struct slice user_name,
		      struct slice user_email)
{
	(void)d;
	(void)broadcast;
	(void)recipients_str;
	(void)user_name;
	(void)user_email;
}

void notice_contact(struct deed *d, struct record *contact, const char *update_type)
{
	(void)d;
	(void)contact;
	(void)update_type;
}

void notice_metadata(struct deed *d, struct record *message, struct record *contact, const char *update_type)
{
	(void)d;
	(void)message;
	(void)contact;
	(void)update_type;
}

void notice_order(struct deed *d, struct record *message, uint64_t endpoint, struct slice extra)
{
	(void)d;
	(void)message;
	(void)endpoint;
	(void)extra;
}
