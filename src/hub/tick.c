#include "hub/tick.h"

int tick_start(struct hub *h, struct node *node, struct tick **ret, struct fault *fault)
{
	(void)h, (void)node, (void)fault;
	*ret = NULL;
	return 0;
}

void tick_stop(struct tick **t)
{
	*t = NULL;
}

void tick_poke(struct tick *t, int64_t due_ms)
{
	(void)t, (void)due_ms;
}

bool tick_due(struct deed *d, int64_t now_ms, uint32_t most)
{
	(void)d, (void)now_ms, (void)most;
	return false;
}
