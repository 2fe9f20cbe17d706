#include "hub/rest.h"

int rest_phones(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_phone(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_phone_create(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_phone_change(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_phone_delete(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_phone_messages(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_routes(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_route(struct rest *r)
{
	return rest_not_implemented(r);
}
