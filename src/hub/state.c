/*
 * Where a contact stands in a service: an id that the service chose, and variables. A contact that stands nowhere has
 * no record at all, so a state without an id is never stored, and resetting one deletes it.
 */
#include "hub/state.h"

static struct slice key(struct deed *d, struct slice service_id, struct slice contact_id)
{
	struct buf out;

	buf_init(&out, 255);
	buf_add_slice(&out, service_id);
	buf_add_char(&out, '.');
	buf_add_slice(&out, contact_id);
	return arena_take_buf(d->arena, &out);
}

struct record *state_find(struct deed *d, struct slice service_id, struct slice contact_id)
{
	return record_load(d, KIND_STATE, key(d, service_id, contact_id));
}

struct record *state_make(struct deed *d, struct slice service_id, struct slice contact_id)
{
	struct record *state = state_find(d, service_id, contact_id);

	if (state)
		return state;
	state = record_new(d, KIND_STATE, key(d, service_id, contact_id).p);
	record_set_text(state, "service_id", service_id);
	record_set_text(state, "contact_id", contact_id);
	record_set(state, "vars", SLICE_LIT("{}"));
	return state;
}

int state_set_id(struct record *state, struct json value, struct fault *fault)
{
	struct buf scratch;
	struct slice id;
	int err = 0;

	if (json_type(value) == JSON_ARRAY || json_type(value) == JSON_OBJECT)
		return fault_param(fault, "id", "a state's id is a string, not %s", json_type_name(json_type(value)));
	buf_init(&scratch, json_raw(value).n + 1);
	id = json_text_slice(value, &scratch);
	if (id.n == 0 || id.n > STATE_ID_MAX)
		err = fault_param(fault, "id", "a state's id has 1 to %d bytes, or is null to reset the state",
				  STATE_ID_MAX);
	else
		record_set_text(state, "id", id);
	buf_free(&scratch);
	return err;
}

static void put_nowhere(const struct deed *d, struct slice service_id, struct slice contact_id, struct json_writer *w)
{
	json_begin_object(w);
	json_key(w, "id");
	json_put_null(w);
	json_member_string(w, "service_id", service_id);
	json_member_string(w, "contact_id", contact_id);
	json_key(w, "vars");
	json_begin_object(w);
	json_end_object(w);
	json_member_string(w, "project_id", d->project);
	json_end_object(w);
}

void state_write(const struct deed *d, const struct record *state, struct slice service_id, struct slice contact_id,
		 struct json_writer *w)
{
	if (state)
		record_write(d, state, w);
	else
		put_nowhere(d, service_id, contact_id, w);
}
