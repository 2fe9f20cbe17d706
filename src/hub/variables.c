#include "hub/variables.h"

void variables_expand(struct deed *d, struct reply_scope *scope, struct slice text, struct buf *out, struct buf *notes)
{
	(void)d, (void)scope, (void)notes;
	buf_add_slice(out, text);
}

bool variable_read(struct deed *d, struct reply_scope *scope, struct slice name, struct buf *out)
{
	(void)d, (void)scope, (void)name, (void)out;
	return false;
}

int variable_set(struct deed *d, struct reply_scope *scope, struct slice name, struct json value, struct fault *fault)
{
	(void)d, (void)scope, (void)value;
	return fault_param(fault, "", "\"%.*s\" is not known", SLICE_ARG(name));
}
