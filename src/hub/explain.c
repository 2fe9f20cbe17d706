#include "hub/service.h"

void explain_failure(int code, struct slice reason, struct slice url, struct buf *out)
{
	(void)code, (void)url;
	buf_add_slice(out, reason);
}
