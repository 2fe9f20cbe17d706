#include "hub/route.h"

int kannel_received(struct deed *d, struct json params)
{
	(void)params;
	return fault_set(d->fault, "not_found", "to", "no phone");
}

int kannel_reported(struct deed *d, struct json params)
{
	(void)params;
	return fault_set(d->fault, "not_found", "mid", "no message");
}

bool kannel_signed(struct hub *h, struct slice project, struct slice mid, struct slice sig)
{
	(void)h, (void)project, (void)mid, (void)sig;
	return false;
}
