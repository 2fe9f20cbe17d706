/*
 * Events at the door. What a caller posted is sorted into slots in one walk over its members,
 * checked (event_check.c) and written anew with type, id, time and origin in front (event_build.c):
 * the one normalised form that is stored, routed and rendered. What the store kept is in that form
 * already and is only looked at closely enough that nothing later can stumble over it.
 */
#include "dialect/event.h"

#include <assert.h>

#include "base/mem.h"
#include "dialect/event_parts.h"
#include "dialect/trace.h"

const struct slice member_names[MEMBERS] = {
	[MEMBER_TYPE] = SLICE_LIT("type"),	     [MEMBER_ID] = SLICE_LIT("id"),
	[MEMBER_TIME] = SLICE_LIT("time"),	     [MEMBER_ORIGIN] = SLICE_LIT("origin"),
	[MEMBER_MESSAGE] = SLICE_LIT("message"),     [MEMBER_CONTACT] = SLICE_LIT("contact"),
	[MEMBER_PHONE] = SLICE_LIT("phone"),	     [MEMBER_STATE] = SLICE_LIT("state"),
	[MEMBER_BROADCAST] = SLICE_LIT("broadcast"), [MEMBER_UPDATE_TYPE] = SLICE_LIT("update_type"),
	[MEMBER_ENDPOINT] = SLICE_LIT("endpoint"),   [MEMBER_POSTRIDER] = SLICE_LIT("postrider"),
};

static const char *const type_words[EVENT_TYPES + 1] = {
	[EVENT_INCOMING_MESSAGE] = "incoming_message",
	[EVENT_SEND_STATUS] = "send_status",
	[EVENT_SEND_BROADCAST] = "send_broadcast",
	[EVENT_CONTACT_UPDATE] = "contact_update",
	[EVENT_MESSAGE_METADATA] = "message_metadata",
	[EVENT_ENDPOINT_FAILING] = "endpoint_failing",
	[EVENT_ENDPOINT_RECOVERED] = "endpoint_recovered",
	[EVENT_ENDPOINT_DISABLED] = "endpoint_disabled",
	[EVENT_DEAD_LETTER] = "dead_letter",
	[EVENT_SEND_MESSAGE] = "send_message",
};

const char *const origin_words[ORIGINS] = {
	[ORIGIN_PLATFORM] = "platform",
	[ORIGIN_WEB] = "web",
	[ORIGIN_API] = "api",
	[ORIGIN_SCRIPT] = "script",
};

uint32_t node_span(struct json v)
{
	return v.doc->nodes[v.at].next - v.at;
}

enum member member_of(struct json key)
{
	for (enum member m = 0; m < MEMBERS; m++)
		if (slice_eq(json_escaped_text(key), member_names[m]))
			return m;
	for (enum member m = 0; m < MEMBERS; m++) /* written with escapes, by a caller with humour */
		if (json_is(key, member_names[m].p))
			return m;
	return MEMBERS;
}

bool member_passes(enum member m)
{
	return m >= MEMBER_MESSAGE;
}

static enum event_type read_type(struct json v)
{
	for (enum event_type t = 0; t < EVENT_TYPES; t++)
		if (json_is(v, type_words[t]))
			return t;
	return EVENT_TYPES;
}

static enum event_origin read_origin(struct json v)
{
	enum event_origin o = ORIGIN_PLATFORM;

	if (json_is_nil(v))
		return o;
	while (o < ORIGINS && !json_is(v, origin_words[o]))
		o++;
	return o;
}

static void collect(struct json object, struct parts *ret)
{
	struct json_iter it = json_each(object);

	*ret = (struct parts){ 0 };
	while (json_next(&it)) {
		enum member m;

		if (json_is_nil(it.value))
			continue;
		m = member_of(it.key);
		if (m < MEMBERS)
			ret->v[m] = it.value;
		if (member_passes(m)) {
			ret->text += json_raw(it.key).n + json_raw(it.value).n + 2;
			ret->nodes += 1 + node_span(it.value);
		}
	}
	ret->type = read_type(ret->v[MEMBER_TYPE]);
	ret->order = json_is(ret->v[MEMBER_TYPE], type_words[EVENT_SEND_MESSAGE]);
	ret->origin = read_origin(ret->v[MEMBER_ORIGIN]);
}

const char *event_type_word(enum event_type t)
{
	assert(t <= EVENT_SEND_MESSAGE);
	return type_words[t];
}

enum event_type event_type_of(struct slice word)
{
	for (enum event_type t = 0; t < EVENT_TYPES; t++)
		if (slice_is(word, type_words[t]))
			return t;
	return EVENT_TYPES;
}

int event_parse(struct json object, struct slice project, int64_t now_ms, struct event **ret, struct fault *fault)
{
	return event_parse_traced(object, SLICE_LIT(""), project, now_ms, ret, fault);
}

int event_parse_traced(struct json object, struct slice traceparent, struct slice project, int64_t now_ms,
		       struct event **ret, struct fault *fault)
{
	struct parts parts;
	int err;

	if (json_type(object) != JSON_OBJECT)
		return fault_param(fault, "", "the event is %s; write an object", json_type_name(json_type(object)));
	collect(object, &parts);
	if (trace_valid(traceparent))
		parts.trace = traceparent;
	err = event_check(&parts, fault);
	if (err == 0)
		err = event_check_numbers(object, fault);
	if (err == 0)
		*ret = event_build(object, &parts, project, now_ms);
	return err;
}

struct event *event_make(struct slice text, struct slice project, int64_t now_ms)
{
	struct parts parts;
	struct event *e;
	struct json_doc doc;
	int err;

	json_doc_init(&doc);
	err = json_parse(&doc, text, &json_limits_default, NULL);
	assert(err == 0);
	collect(json_root(&doc), &parts);
	assert(event_made_is_right(&parts));
	e = event_build(json_root(&doc), &parts, project, now_ms);
	json_doc_free(&doc);
	return e;
}

int event_load(struct slice text, struct slice project, int64_t seq, int64_t accepted_ms, struct event **ret)
{
	struct parts parts = { 0 };
	struct json_doc doc;
	struct event *e;
	bool ok;

	json_doc_init(&doc);
	ok = json_parse(&doc, text, &json_limits_default, NULL) == 0;
	if (ok)
		collect(json_root(&doc), &parts);
	ok = ok && event_shape_is_right(&parts);
	if (ok) {
		e = event_copy(&doc, &parts, project);
		e->seq = seq;
		e->accepted_ms = accepted_ms;
		*ret = e;
	}
	json_doc_free(&doc);
	return ok ? 0 : ERR_CORRUPT;
}

struct event *event_ref(struct event *e)
{
	atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
	return e;
}

void event_unref(struct event **e)
{
	struct event *mine = *e;

	*e = NULL;
	if (mine && atomic_fetch_sub_explicit(&mine->refs, 1, memory_order_acq_rel) == 1)
		mem_free(mine);
}

/* --- looking --- */

/* The hub's own member holds secrets, and paths are what customers write. */
struct json event_path(const struct event *e, struct slice path)
{
	static const struct json none;
	struct slice first = slice_of(path.p, slice_find(path, '.'));

	return slice_eq(first, member_names[MEMBER_POSTRIDER]) ? none : json_path(json_root(&e->doc), path);
}

struct json event_postrider(const struct event *e, const char *name)
{
	return json_get(json_get_slice(json_root(&e->doc), member_names[MEMBER_POSTRIDER]), name);
}

static bool holds_order(struct json object)
{
	return !json_is_nil(json_get_slice(object, member_names[MEMBER_POSTRIDER]));
}

void event_show(struct json object, struct buf *out)
{
	struct json_iter it = json_each(object);
	bool begun = false;

	if (!holds_order(object)) {
		buf_add_slice(out, json_raw(object));
		return;
	}
	while (json_next(&it)) {
		if (member_of(it.key) == MEMBER_POSTRIDER)
			continue;
		buf_add_char(out, begun ? ',' : '{');
		buf_add_slice(out, json_raw(it.key));
		buf_add_char(out, ':');
		buf_add_slice(out, json_raw(it.value));
		begun = true;
	}
	buf_add_str(out, begun ? "}" : "{}");
}

static struct json message_member(const struct event *e, const char *name)
{
	return json_get(json_get_slice(json_root(&e->doc), member_names[MEMBER_MESSAGE]), name);
}

bool event_is_incoming(const struct event *e)
{
	struct json direction = message_member(e, "direction");

	return json_is_nil(direction) ? e->type == EVENT_INCOMING_MESSAGE : json_is(direction, "incoming");
}

struct slice event_message_type(const struct event *e, struct buf *scratch)
{
	struct json v = message_member(e, "message_type");

	return json_is_nil(v) ? SLICE_LIT("sms") : json_text_slice(v, scratch);
}
