#include "hub/route.h"

int kannel_query(struct slice query, struct buf *ret, struct fault *fault)
{
	(void)query, (void)fault;
	buf_add_str(ret, "{}");
	return 0;
}

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
