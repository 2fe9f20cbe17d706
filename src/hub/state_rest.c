/* The REST calls about where contacts stand in a service. */
#include "hub/rest.h"
#include "hub/state.h"

int rest_service_states(struct rest *r)
{
	static const struct list_field fields[] = {
		{ "id", LIST_TEXT, FIELD_ID, false },
		{ "contact_id", LIST_TEXT, FIELD_CONTACT, false },
		{ "vars", LIST_VARS, FIELD_ID, false },
		{ 0 },
	};
	static const struct list_spec spec = { .kind = KIND_STATE, .fields = fields, .order = FIELD_ID };
	struct record *service;
	int err = rest_load(r, KIND_SERVICE, r->id, &service);

	return err ? err : rest_list(r, &spec, FIELD_SERVICE, r->id);
}

/* The state, or one that has no id and no time: it is nowhere. Both service and contact must be there. */
static int load(struct rest *r, struct record **ret)
{
	struct record *found;
	int err = rest_load(r, KIND_SERVICE, r->id, &found);

	if (!err)
		err = rest_load(r, KIND_CONTACT, r->other, &found);
	if (err)
		return err;
	*ret = state_make(&r->deed, r->id, r->other);
	return 0;
}

static void show(struct rest *r, struct record *state)
{
	if (record_raw(state, "id").n == 0)
		record_unset(state, "time_created");
	rest_write(r, state);
}

int rest_service_state(struct rest *r)
{
	struct record *state;
	int err = load(r, &state);

	if (!err)
		show(r, state);
	return err;
}

static int reset(struct rest *r, struct record *state)
{
	if (!record_is_new(state))
		record_delete(&r->deed, state);
	show(r, state_make(&r->deed, r->id, r->other));
	return 0;
}

int rest_service_state_set(struct rest *r)
{
	static const char *const names[] = { "id", "vars", NULL };
	struct json id = json_get(r->params, "id");
	struct record *state;
	int err = rest_only(r, names);

	if (!err)
		err = load(r, &state);
	if (err)
		return err;
	if (json_type(id) == JSON_NULL)
		return reset(r, state);
	if (json_type(id) != JSON_NONE)
		err = state_set_id(state, id, r->deed.fault);
	else if (record_is_new(state))
		err = fault_param(r->deed.fault, "id", "id is missing; a state without an id keeps no variables");
	if (!err)
		err = record_vars_merge(state, "vars", json_get(r->params, "vars"), "vars", r->deed.fault);
	if (err)
		return err;
	record_set_i64(state, "time_updated", r->deed.now_ms / 1000);
	record_save(&r->deed, state);
	show(r, state);
	return 0;
}

int rest_service_state_reset(struct rest *r)
{
	struct record *state;
	int err = load(r, &state);

	return err ? err : reset(r, state);
}
