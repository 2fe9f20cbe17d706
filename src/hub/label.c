#include "hub/contact.h"
#include "hub/rest.h"

struct record *label_find(struct deed *d, struct slice id_or_name, bool make)
{
	(void)d;
	(void)id_or_name;
	(void)make;
	return NULL;
}

bool message_label(struct deed *d, struct record *message, struct record *label, bool on)
{
	(void)d;
	(void)message;
	(void)label;
	(void)on;
	return 0;
}

int rest_labels(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_label(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_label_put(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_label_change(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_label_delete(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_label_messages(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_label_add(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_label_remove(struct rest *r)
{
	(void)r;
	return 0;
}
