/*
 * What is wrong with an event as it came from outside: one small function for each rule, one table for what each type
 * needs. The first fault is named by its path inside the event, with the reason and the cure.
 *
 * Refused is only what postrider itself decides by, or what would break the promise to some receiver. All other
 * properties are the caller's own affair and are passed on as they are.
 */
#include "dialect/event_parts.h"

#define TIME_MAX 253402300799.0 /* the last second of the year 9999 */

#define KNOWN_TYPES "incoming_message, send_status, send_broadcast, contact_update or message_metadata"

static int check_type(const struct parts *p, struct fault *fault)
{
	struct json v = p->v[MEMBER_TYPE];

	if (json_is_nil(v))
		return fault_param(fault, "type", "missing; say which kind of event this is: " KNOWN_TYPES);
	if (json_type(v) != JSON_STRING)
		return fault_param(fault, "type", "is %s; write one of " KNOWN_TYPES, json_type_name(json_type(v)));
	if (p->type >= EVENT_POSTED && p->type < EVENT_TYPES)
		return fault_param(fault, "type", "is told by postrider itself; post one of " KNOWN_TYPES);
	if (p->type == EVENT_TYPES)
		return fault_param(fault, "type", "is no event type that is known; write one of " KNOWN_TYPES);
	return 0;
}

static int check_reserved(const struct parts *p, struct fault *fault)
{
	if (!json_is_nil(p->v[MEMBER_POSTRIDER]))
		return fault_param(fault, member_names[MEMBER_POSTRIDER].p,
				   "is reserved for events that postrider itself makes; choose another name");
	return 0;
}

static bool is_visible_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return true;
}

static int check_id_text(struct slice text, struct fault *fault)
{
	if (text.n < 1 || text.n > EVENT_ID_MAX)
		return fault_param(fault, "id", "has %zu bytes; use 1 to %d", text.n, EVENT_ID_MAX);
	if (!is_visible_ascii(text))
		return fault_param(fault, "id",
				   "holds a blank, a control or a non-ASCII character; use visible ASCII only");
	return 0;
}

static int check_id(const struct parts *p, struct fault *fault)
{
	struct json v = p->v[MEMBER_ID];
	struct buf decoded;
	int err;

	if (json_is_nil(v))
		return 0;
	if (json_type(v) != JSON_STRING)
		return fault_param(fault, "id", "is %s; write a string, or leave it out and one is made",
				   json_type_name(json_type(v)));
	buf_init(&decoded, json_raw(v).n);
	err = check_id_text(json_text_slice(v, &decoded), fault);
	buf_free(&decoded);
	return err;
}

static int check_time(const struct parts *p, struct fault *fault)
{
	struct json v = p->v[MEMBER_TIME];
	double seconds;

	if (json_is_nil(v))
		return 0;
	if (json_type(v) != JSON_NUMBER || !json_double(v, &seconds))
		return fault_param(fault, "time", "is no number; write Unix seconds, for example 1547125204");
	if (seconds < 0 || seconds > TIME_MAX)
		return fault_param(fault, "time",
				   "is outside the years 1970 to 9999; write Unix seconds, not milliseconds");
	return 0;
}

static int check_origin(const struct parts *p, struct fault *fault)
{
	if (p->origin == ORIGINS)
		return fault_param(fault, "origin", "is none of platform, web, api, script; leave it out for platform");
	return 0;
}

static int check_objects(const struct parts *p, struct fault *fault)
{
	for (enum member m = MEMBER_MESSAGE; m <= MEMBER_BROADCAST; m++)
		if (!json_is_nil(p->v[m]) && json_type(p->v[m]) != JSON_OBJECT)
			return fault_param(fault, member_names[m].p, "is %s; write an object, or leave it out",
					   json_type_name(json_type(p->v[m])));
	return 0;
}

/* Puts the object's name before what the fault names. */
static int inside(enum member m, int err, struct fault *fault)
{
	if (err != 0)
		fault_within(fault, "%s", member_names[m].p);
	return err;
}

/* A string of 1 to 255 bytes without NUL, or a number, which is as good as its text. */
static int check_name(struct json v, const char *name, struct fault *fault)
{
	enum json_type type = json_type(v);
	struct buf decoded;
	struct slice text;
	int err = 0;

	if (type != JSON_STRING && type != JSON_NUMBER)
		return fault_param(fault, name, "is %s; write a string or a number", json_type_name(type));
	buf_init(&decoded, json_raw(v).n);
	text = json_text_slice(v, &decoded);
	if (text.n < 1 || text.n > EVENT_ID_MAX)
		err = fault_param(fault, name, "has %zu bytes; use 1 to %d", text.n, EVENT_ID_MAX);
	else if (slice_find(text, '\0') < text.n)
		err = fault_param(fault, name, "holds a NUL character; leave it out");
	buf_free(&decoded);
	return err;
}

static int check_ids(const struct parts *p, struct fault *fault)
{
	static const enum member with_id[] = { MEMBER_MESSAGE, MEMBER_CONTACT, MEMBER_BROADCAST };

	for (size_t i = 0; i < sizeof(with_id) / sizeof(with_id[0]); i++) {
		struct json id = json_get_slice(p->v[with_id[i]], member_names[MEMBER_ID]);

		if (!json_is_nil(id) && check_name(id, "id", fault) != 0)
			return inside(with_id[i], ERR_INVALID, fault);
	}
	return 0;
}

static const struct need {
	enum event_type type;
	enum member object;
	const char *name;
} needs[] = {
	{ EVENT_SEND_STATUS, MEMBER_MESSAGE, "id" },	  { EVENT_SEND_STATUS, MEMBER_MESSAGE, "status" },
	{ EVENT_INCOMING_MESSAGE, MEMBER_MESSAGE, "id" }, { EVENT_INCOMING_MESSAGE, MEMBER_MESSAGE, "from_number" },
	{ EVENT_MESSAGE_METADATA, MEMBER_MESSAGE, "id" }, { EVENT_CONTACT_UPDATE, MEMBER_CONTACT, "id" },
	{ EVENT_SEND_BROADCAST, MEMBER_BROADCAST, "id" },
};

static int check_needs(const struct parts *p, struct fault *fault)
{
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		const struct need *need = &needs[i];
		struct json v;

		if (need->type != p->type)
			continue;
		v = json_get(p->v[need->object], need->name);
		if (json_is_nil(v))
			return inside(
				need->object,
				fault_param(fault, need->name, "missing; %s events need it", event_type_word(p->type)),
				fault);
		if (check_name(v, need->name, fault) != 0)
			return inside(need->object, ERR_INVALID, fault);
	}
	return 0;
}

/*
 * `update_type` stands beside the object in our own examples and inside it in
 * what Telerivet's REST objects suggest: both are taken, the outer one first.
 */
static int check_update_type(const struct parts *p, struct fault *fault)
{
	enum member object = p->type == EVENT_CONTACT_UPDATE ? MEMBER_CONTACT : MEMBER_MESSAGE;
	struct json v = p->v[MEMBER_UPDATE_TYPE];

	if (p->type != EVENT_CONTACT_UPDATE && p->type != EVENT_MESSAGE_METADATA)
		return 0;
	if (json_is_nil(v))
		v = json_get_slice(p->v[object], member_names[MEMBER_UPDATE_TYPE]);
	if (json_is_nil(v))
		return fault_param(fault, "update_type", "missing; %s events need it, beside or inside \"%s\"",
				   event_type_word(p->type), member_names[object].p);
	if (json_type(v) != JSON_STRING)
		return fault_param(fault, "update_type", "is %s; write a string", json_type_name(json_type(v)));
	return 0;
}

static int check_fields(struct json fields, struct fault *fault)
{
	struct json_iter it = json_each(fields);

	if (json_is_nil(fields))
		return 0;
	if (json_type(fields) != JSON_ARRAY)
		return fault_param(fault, "fields", "is %s; write an array of at most 99 strings or numbers",
				   json_type_name(json_type(fields)));
	while (json_next(&it)) {
		if (it.index >= 99)
			return fault_param(fault, "fields", "has more than 99 elements; leave out the rest");
		if (json_type(it.value) == JSON_ARRAY || json_type(it.value) == JSON_OBJECT) {
			fault_param(fault, "", "is %s; write a string, a number, a boolean or null",
				    json_type_name(json_type(it.value)));
			fault_within(fault, "fields[%u]", it.index);
			return ERR_INVALID;
		}
	}
	return 0;
}

static int check_string(struct json object, const char *name, struct fault *fault)
{
	struct json v = json_get(object, name);

	if (json_is_nil(v) || json_type(v) == JSON_STRING)
		return 0;
	return fault_param(fault, name, "is %s; write a string", json_type_name(json_type(v)));
}

/* What the dialects decide by must have the right shape; all other properties are the caller's own affair. */
static int check_message(const struct parts *p, struct fault *fault)
{
	struct json message = p->v[MEMBER_MESSAGE];
	struct json direction = json_get(message, "direction");

	if (json_is_nil(message))
		return 0;
	if (check_string(message, "status", fault) != 0 || check_string(message, "message_type", fault) != 0 ||
	    check_fields(json_get(message, "fields"), fault) != 0)
		return inside(MEMBER_MESSAGE, ERR_INVALID, fault);
	if (!json_is_nil(direction) && !json_is(direction, "incoming") && !json_is(direction, "outgoing"))
		return fault_param(
			fault, "message.direction",
			"is neither \"incoming\" nor \"outgoing\"; leave it out for the default of the type");
	return 0;
}

/* A number that needs a look: nearly none has an exponent, or digits enough to leave the range without one. */
static bool may_overflow(struct slice number)
{
	return number.n > 300 || memchr(number.p, 'e', number.n) || memchr(number.p, 'E', number.n);
}

/*
 * Numbers keep their text, so none is too long for us; but one beyond a double's range has no meaning for whoever reads
 * it later, and many a JSON reader refuses the whole request for it.
 */
int event_check_numbers(struct json object, struct fault *fault)
{
	const struct json_node *nodes = object.doc->nodes;

	for (struct json v = object; v.at < nodes[object.at].next; v.at++) {
		double number;

		if (nodes[v.at].type == JSON_NUMBER && may_overflow(json_raw(v)) && !json_double(v, &number))
			return fault_param(
				fault, "",
				"holds the number %.*s, which is beyond the range of a double; write it as a string",
				(int)(json_raw(v).n < 40 ? json_raw(v).n : 40), json_raw(v).p);
	}
	return 0;
}

int event_check(const struct parts *p, struct fault *fault)
{
	static int (*const checks[])(const struct parts *, struct fault *) = {
		check_type, check_id,	 check_time,	    check_origin,  check_objects,
		check_ids,  check_needs, check_update_type, check_message, check_reserved,
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (checks[i](p, fault) != 0)
			return ERR_INVALID;
	return 0;
}

/* Only what later code relies on: a rule of event_parse that grows stricter must not make stored events unreadable. */
bool event_shape_is_right(const struct parts *p)
{
	if ((p->type == EVENT_TYPES && !p->order) || json_type(p->v[MEMBER_ID]) != JSON_STRING ||
	    json_type(p->v[MEMBER_TIME]) != JSON_NUMBER || p->origin == ORIGINS)
		return false;
	return check_objects(p, NULL) == 0;
}

bool event_made_is_right(const struct parts *p)
{
	struct json order = p->v[MEMBER_POSTRIDER];
	int64_t to = 0;

	if ((p->type == EVENT_TYPES && !p->order) || p->origin == ORIGINS)
		return false;
	if (check_id(p, NULL) != 0 || check_time(p, NULL) != 0 || check_objects(p, NULL) != 0 ||
	    check_ids(p, NULL) != 0 || check_message(p, NULL) != 0)
		return false;
	order = json_get(order, "to");
	return json_is_nil(order) || (json_i64(order, &to) && to > 0);
}
