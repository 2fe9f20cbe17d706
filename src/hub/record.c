#include "hub/record.h"

struct record *record_new(struct deed *d, enum kind kind, const char *id)
{
	(void)d;
	(void)kind;
	(void)id;
	return NULL;
}

struct record *record_load(struct deed *d, enum kind kind, struct slice id)
{
	(void)d;
	(void)kind;
	(void)id;
	return NULL;
}

struct record *record_read(struct deed *d, enum kind kind, struct slice id, struct slice text)
{
	(void)d;
	(void)kind;
	(void)id;
	(void)text;
	return NULL;
}

void record_save(struct deed *d, struct record *r)
{
	(void)d;
	(void)r;
}

void record_delete(struct deed *d, struct record *r)
{
	(void)d;
	(void)r;
}

enum kind record_kind(const struct record *r)
{
	(void)r;
	return 0;
}

struct slice record_id(const struct record *r)
{
	(void)r;
	return SLICE_LIT("");
}

bool record_is_new(const struct record *r)
{
	(void)r;
	return 0;
}

struct slice record_raw(const struct record *r, const char *name)
{
	(void)r;
	(void)name;
	return SLICE_LIT("");
}

struct slice record_text(struct record *r, const char *name)
{
	(void)r;
	(void)name;
	return SLICE_LIT("");
}

int64_t record_i64(const struct record *r, const char *name, int64_t otherwise)
{
	(void)r;
	(void)name;
	(void)otherwise;
	return 0;
}

bool record_true(const struct record *r, const char *name)
{
	(void)r;
	(void)name;
	return 0;
}

void record_set(struct record *r, const char *name, struct slice json)
{
	(void)r;
	(void)name;
	(void)json;
}

void record_set_text(struct record *r, const char *name, struct slice text)
{
	(void)r;
	(void)name;
	(void)text;
}

void record_set_i64(struct record *r, const char *name, int64_t v)
{
	(void)r;
	(void)name;
	(void)v;
}

void record_set_bool(struct record *r, const char *name, bool v)
{
	(void)r;
	(void)name;
	(void)v;
}

void record_unset(struct record *r, const char *name)
{
	(void)r;
	(void)name;
}

void record_set_due(struct record *r, int64_t due_ms)
{
	(void)r;
	(void)due_ms;
}

int64_t record_due(const struct record *r)
{
	(void)r;
	return 0;
}

struct slice record_var_raw(const struct record *r, const char *object, struct slice name)
{
	(void)r;
	(void)object;
	(void)name;
	return SLICE_LIT("");
}

int record_var_set(struct record *r, const char *object, struct slice name, struct slice json, struct fault *fault)
{
	(void)r;
	(void)object;
	(void)name;
	(void)json;
	(void)fault;
	return 0;
}

int record_vars_merge(struct record *r, const char *object, struct json values, const char *param, struct fault *fault)
{
	(void)r;
	(void)object;
	(void)values;
	(void)param;
	(void)fault;
	return 0;
}

bool record_list_has(const struct record *r, const char *list, struct slice id)
{
	(void)r;
	(void)list;
	(void)id;
	return 0;
}

bool record_list_add(struct record *r, const char *list, struct slice id)
{
	(void)r;
	(void)list;
	(void)id;
	return 0;
}

bool record_list_remove(struct record *r, const char *list, struct slice id)
{
	(void)r;
	(void)list;
	(void)id;
	return 0;
}

bool record_list_at(const struct record *r, const char *list, size_t index, struct slice *ret)
{
	(void)r;
	(void)list;
	(void)index;
	(void)ret;
	return 0;
}

void record_write(const struct deed *d, const struct record *r, struct json_writer *w)
{
	(void)d;
	(void)r;
	(void)w;
}
