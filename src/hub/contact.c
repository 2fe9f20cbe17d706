#include "hub/contact.h"

struct record *contact_find(struct deed *d, struct slice number)
{
	(void)d;
	(void)number;
	return NULL;
}

struct record *contact_for_number(struct deed *d, struct slice number)
{
	(void)d;
	(void)number;
	return NULL;
}

struct record *contact_create(struct deed *d, struct slice number, struct slice name, const char *update_type)
{
	(void)d;
	(void)number;
	(void)name;
	(void)update_type;
	return NULL;
}

void contact_count(struct deed *d, struct record *contact, const struct record *message, bool incoming)
{
	(void)d;
	(void)contact;
	(void)message;
	(void)incoming;
}

int contact_set(struct deed *d, struct record *contact, struct slice member, struct slice json, struct fault *fault)
{
	(void)d;
	(void)contact;
	(void)member;
	(void)json;
	(void)fault;
	return 0;
}

bool contact_group(struct deed *d, struct record *contact, struct record *group, bool in)
{
	(void)d;
	(void)contact;
	(void)group;
	(void)in;
	return 0;
}
