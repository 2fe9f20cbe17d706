#include "hub/rest.h"

int rest_services(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_service(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_service_create(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_service_change(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_service_delete(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_service_config(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_service_config_change(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_service_invoke(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_service_states(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_service_state(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_service_state_set(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_service_state_reset(struct rest *r)
{
	return rest_not_implemented(r);
}

int rest_service_logs(struct rest *r)
{
	return rest_not_implemented(r);
}
