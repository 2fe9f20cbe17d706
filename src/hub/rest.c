#include "hub/rest.h"

bool rest_text(struct rest *r, const char *name, struct slice *ret, int *ret_err)
{
	(void)r;
	(void)name;
	(void)ret;
	(void)ret_err;
	return 0;
}

int rest_need(struct rest *r, const char *name, struct slice *ret)
{
	(void)r;
	(void)name;
	(void)ret;
	return 0;
}

int rest_bool(struct rest *r, const char *name, bool *ret)
{
	(void)r;
	(void)name;
	(void)ret;
	return 0;
}

int rest_i64(struct rest *r, const char *name, int64_t least, int64_t most, int64_t *ret)
{
	(void)r;
	(void)name;
	(void)least;
	(void)most;
	(void)ret;
	return 0;
}

int rest_only(struct rest *r, const char *const *names)
{
	(void)r;
	(void)names;
	return 0;
}

int rest_none(struct rest *r, enum kind kind, struct slice id)
{
	(void)r;
	(void)kind;
	(void)id;
	return 0;
}

int rest_load(struct rest *r, enum kind kind, struct slice id, struct record **ret)
{
	(void)r;
	(void)kind;
	(void)id;
	(void)ret;
	return 0;
}

int rest_not_implemented(struct rest *r)
{
	(void)r;
	return 0;
}
