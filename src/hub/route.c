#include "hub/route.h"

struct record *route_choose(struct deed *d, struct slice route_id, struct record *contact, struct fault *fault)
{
	(void)d, (void)route_id, (void)contact;
	fault_set(fault, "not_found", "route_id", "no phone");
	return NULL;
}

struct record *route_by_number(struct deed *d, struct slice number)
{
	(void)d, (void)number;
	return NULL;
}

void route_send(struct deed *d, struct record *message, struct record *phone)
{
	(void)d, (void)message, (void)phone;
}

void route_report(struct deed *d, const struct report *r)
{
	(void)d, (void)r;
}

void route_step(struct deed *d, struct record *message)
{
	(void)d, (void)message;
}

struct record *route_with_number(struct deed *d, struct slice number)
{
	(void)d, (void)number;
	return NULL;
}

void route_release(struct deed *d, struct record *phone)
{
	(void)d, (void)phone;
}
