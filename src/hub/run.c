#include "hub/service.h"

void run_start(struct deed *d, struct record *message, struct record *contact, struct record *phone)
{
	(void)d, (void)message, (void)contact, (void)phone;
}

void run_report(struct deed *d, const struct report *r)
{
	(void)d, (void)r;
}
