/*
 * The REST calls about broadcasts. A broadcast is checked as one message to nobody in particular; whom it goes to is
 * a list of numbers or a group. The messages are made afterwards (broadcast.c).
 */
#include "base/text.h"
#include "hub/broadcast.h"
#include "hub/contact.h"
#include "hub/message_parts.h"
#include "hub/notice.h"
#include "hub/rest.h"

#define NUMBERS_MAX 500
#define NUMBER_MAX  64
#define TITLE_MAX   100 /* bytes of one that is made here */
#define NAMED	    2	/* recipients that are named, before "and 3 others" */

/* --- whom it goes to --- */

struct audience {
	struct json numbers; /* JSON_NONE: a group */
	struct record *group;
	struct slice exclude;
	size_t count;
	struct slice described; /* "Alice, Bob and 3 others" */
};

static int check_numbers(struct rest *r, struct audience *a)
{
	struct fault *fault = r->deed.fault;

	if (json_type(a->numbers) != JSON_ARRAY)
		return fault_param(fault, "to_numbers", "is %s; write an array of phone numbers",
				   json_type_name(json_type(a->numbers)));
	for (struct json_iter it = json_each(a->numbers); json_next(&it); a->count++) {
		size_t n = json_raw(it.value).n;

		if (it.index == NUMBERS_MAX)
			return fault_param(fault, "to_numbers", "has more than %d elements; use a group", NUMBERS_MAX);
		if ((json_type(it.value) == JSON_STRING && n > 2 && n <= NUMBER_MAX + 2) ||
		    (json_type(it.value) == JSON_NUMBER && n <= NUMBER_MAX))
			continue;
		fault_param(fault, "", "is no phone number; write a string of 1 to %d bytes", NUMBER_MAX);
		fault_within(fault, "to_numbers[%u]", it.index);
		return ERR_INVALID;
	}
	return a->count > 0 ? 0 : fault_param(fault, "to_numbers", "is empty; write at least one phone number");
}

static bool count_one(void *ctx, struct slice value, struct slice id, struct slice text)
{
	(void)value, (void)id, (void)text;
	++*(size_t *)ctx;
	return true;
}

static int find_group(struct rest *r, struct slice id, struct audience *a)
{
	struct object_query q;
	int err;

	a->group = record_load(&r->deed, KIND_GROUP, id);
	if (!a->group)
		return fault_param(r->deed.fault, "group_id", "there is no group \"%.*s\" in this project",
				   SLICE_HEAD(id, 80));
	rest_text(r, "exclude_contact_id", &a->exclude, &err);
	if (err)
		return err;
	q = record_query(&r->deed, KIND_CONTACT, FIELD_GROUP, id);
	book_walk(r->deed.book, &q, false, count_one, &a->count);
	if (a->exclude.n > 0) {
		struct record *contact = record_load(&r->deed, KIND_CONTACT, a->exclude);

		a->count -= contact && record_list_has(contact, "group_ids", id);
	}
	return 0;
}

static int find_audience(struct rest *r, struct audience *a)
{
	struct slice group;
	int err;

	a->numbers = json_get(r->params, "to_numbers");
	if (rest_text(r, "group_id", &group, &err)) {
		if (!json_is_nil(a->numbers))
			return fault_param(r->deed.fault, "to_numbers", "is given beside group_id; use one of them");
		return find_group(r, group, a);
	}
	if (err)
		return err;
	if (json_is_nil(a->numbers))
		return fault_param(r->deed.fault, "to_numbers",
				   "missing; say whom it goes to, with to_numbers or group_id");
	return check_numbers(r, a);
}

/* A contact by its name, another by the number. */
static void name_recipient(struct rest *r, struct json number, struct buf *out)
{
	struct buf scratch;
	struct slice text, name = SLICE_LIT("");
	struct record *contact;

	buf_init(&scratch, 4096);
	text = json_text_slice(number, &scratch);
	contact = contact_find(&r->deed, text);
	if (contact)
		name = record_text(contact, "name");
	buf_add_slice(out, name.n > 0 ? name : text);
	buf_free(&scratch);
}

static void describe(struct rest *r, struct audience *a)
{
	struct buf out;

	buf_init(&out, 65536);
	if (a->group)
		buf_add_slice(&out, record_text(a->group, "name"));
	for (struct json_iter it = json_each(a->numbers); json_next(&it) && it.index < NAMED;) {
		if (it.index > 0)
			buf_add_str(&out, ", ");
		name_recipient(r, it.value, &out);
	}
	if (!a->group && a->count > NAMED)
		buf_addf(&out, " and %zu other%s", a->count - NAMED, a->count > NAMED + 1 ? "s" : "");
	a->described = arena_take_buf(r->deed.arena, &out);
}

static struct slice recipients_json(struct rest *r, const struct audience *a)
{
	struct slice json;
	struct json_writer w;
	struct buf out, number;

	buf_init(&out, (size_t)1 << 20);
	buf_init(&number, 4096);
	json_writer_init(&w, &out);
	json_begin_array(&w);
	if (a->group) {
		json_begin_object(&w);
		json_member_str(&w, "type", "group");
		json_member_string(&w, "group_id", record_id(a->group));
		json_member_string(&w, "group_name", record_text(a->group, "name"));
		json_end_object(&w);
	}
	for (struct json_iter it = json_each(a->numbers); json_next(&it);) {
		json_begin_object(&w);
		json_member_str(&w, "type", "phone_number");
		json_member_string(&w, "phone_number", json_text_slice(it.value, &number));
		json_end_object(&w);
	}
	json_end_array(&w);
	json = arena_slice(r->deed.arena, buf_slice(&out));
	buf_free(&number);
	buf_free(&out);
	return json;
}

/* --- sending --- */

/* checked holds the labels and variables as a message would. */
static void set_content(struct record *b, const struct message_send *ask, const struct sending *checked)
{
	record_set_text(b, "message_type", checked->message_type);
	record_set_given(b, "content", ask->content);
	record_set_bool(b, "replace_variables", ask->replace_variables);
	record_set_bool(b, "track_clicks", ask->track_clicks);
	if (ask->track_clicks)
		record_set_i64(b, "clicked_count", 0);
	record_set_bool(b, "simulated", ask->simulated);
	record_set(b, "label_ids", record_raw(checked->message, "label_ids"));
	record_set(b, "vars", record_raw(checked->message, "vars"));
	if (!json_is_nil(ask->media))
		record_set(b, "_media_urls", json_raw(ask->media));
	record_set_given(b, "route_id", ask->route_id);
	record_set_given(b, "_priority", ask->priority);
	sending_set_given(b, ask);
}

static void set_audience(struct rest *r, struct record *b, const struct audience *a, struct slice title)
{
	record_set(b, "recipients", recipients_json(r, a));
	record_set_i64(b, "estimated_count", (int64_t)a->count);
	if (title.n == 0)
		title = utf8_cut(a->described, TITLE_MAX);
	record_set_text(b, "title", title);
	if (a->group)
		record_set_text(b, "_group_id", record_id(a->group));
	record_set_given(b, "_exclude_contact_id", a->exclude);
}

/* Checks and begins it. */
static int begin_broadcast(struct rest *r, struct record **ret)
{
	static const char *const known[] = { SENDING_PARAMS, "to_numbers",	   "group_id",
					     "title",	     "exclude_contact_id", NULL };
	struct message_send ask = { 0 };
	struct audience audience = { 0 };
	struct slice title = SLICE_LIT("");
	struct sending checked;
	int err = rest_only(r, known);

	if (!err)
		rest_text(r, "title", &title, &err);
	if (!err)
		err = rest_sending(r, &ask);
	if (!err)
		err = find_audience(r, &audience);
	if (!err)
		err = sending_check_template(&r->deed, &ask, &checked, r->deed.fault);
	if (err)
		return err;
	describe(r, &audience);
	*ret = broadcast_new(&r->deed);
	set_content(*ret, &ask, &checked);
	set_audience(r, *ret, &audience, title);
	notice_broadcast(&r->deed, *ret, audience.described, SLICE_LIT(""), SLICE_LIT(""));
	broadcast_start(&r->deed, *ret);
	return 0;
}

int rest_broadcast_send(struct rest *r)
{
	struct record *b;
	int err = begin_broadcast(r, &b);

	if (!err)
		rest_write(r, b);
	return err;
}

/* The old way to send a broadcast, with the old answer. */
int rest_message_batch(struct rest *r)
{
	struct record *b;
	int err = begin_broadcast(r, &b);

	if (err)
		return err;
	json_begin_object(r->w);
	json_member_i64(r->w, "count_queued", record_i64(b, "estimated_count", 0));
	json_member_string(r->w, "broadcast_id", record_id(b));
	json_end_object(r->w);
	return 0;
}

/* --- looking, cancelling --- */

static const struct list_field fields[] = {
	{ "time_created", LIST_TIME, FIELD_TIME, true },
	{ "last_message_time", LIST_TIME, FIELD_UPDATED, true },
	{ "status", LIST_TEXT, FIELD_ID, false },
	{ "title", LIST_TEXT, FIELD_ID, false },
	{ NULL, LIST_TEXT, FIELD_ID, false },
};
static const struct list_spec list = { .kind = KIND_BROADCAST, .fields = fields, .order = FIELD_TIME };

int rest_broadcasts(struct rest *r)
{
	return rest_list(r, &list, FIELD_ID, SLICE_LIT(""));
}

int rest_broadcast(struct rest *r)
{
	struct record *b;
	int err = rest_load(r, KIND_BROADCAST, r->id, &b);

	if (!err)
		rest_write(r, b);
	return err;
}

int rest_broadcast_cancel(struct rest *r)
{
	static const char *const known[] = { NULL };
	struct record *b = NULL;
	int err = rest_only(r, known);

	if (!err)
		err = rest_load(r, KIND_BROADCAST, r->id, &b);
	if (err)
		return err;
	if (slice_is(record_text(b, "status"), "queuing") || slice_is(record_text(b, "status"), "sending")) {
		record_set_text(b, "status", SLICE_LIT("cancelled"));
		broadcast_start(&r->deed, b);
	}
	rest_write(r, b);
	return 0;
}
