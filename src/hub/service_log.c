#include "hub/service.h"

void service_log_add(struct deed *d, const struct service_log *entry)
{
	(void)d, (void)entry;
}
