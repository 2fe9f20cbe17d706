#include "hub/contact.h"
#include "hub/rest.h"

struct record *group_find(struct deed *d, struct slice id_or_name, bool make)
{
	(void)d;
	(void)id_or_name;
	(void)make;
	return NULL;
}

int rest_groups(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_group(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_group_put(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_group_change(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_group_delete(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_group_contacts(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_group_add(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_group_remove(struct rest *r)
{
	(void)r;
	return 0;
}
