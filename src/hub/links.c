#include "hub/route.h"

struct slice links_shorten(struct deed *d, struct record *message, struct slice content)
{
	(void)d, (void)message;
	return content;
}

struct slice links_follow(struct deed *d, struct slice code)
{
	(void)d, (void)code;
	return SLICE_LIT("");
}
