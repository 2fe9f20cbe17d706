#include "hub/rest.h"

int rest_contacts(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_contact(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_contact_put(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_contact_change(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_contact_delete(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_contact_groups(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_contact_messages(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_contact_states(struct rest *r)
{
	(void)r;
	return 0;
}

int rest_contacts_import(struct rest *r)
{
	(void)r;
	return 0;
}
