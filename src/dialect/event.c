/*
 * Events at the door: validates what a caller posted and makes the one normalised form that is stored, routed and rendered. The flow:
 * the members of the object are sorted into slots in one walk (`collect`), checked against the table of what each type needs, and written
 * anew with type, id, time and origin in front.
 *
 * The nodes of the new text are not made by parsing it again: a member that is copied as it is keeps its nodes too, moved by
 * two distances (one in the text, one in the array). Everything lives in one block of memory: struct, nodes, text, then the decoded copies of
 * id, message id and project. So an event costs one allocation, and its size is known exactly.
 */
#include "dialect/event.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/digest.h"
#include "base/map.h"
#include "base/mem.h"

#define ID_MAX	    255
#define ESCAPED_MAX (6 * ID_MAX)
#define TIME_MAX    253402300799.0 /* the last second of the year 9999 */

enum member {
	MEMBER_TYPE,
	MEMBER_ID,
	MEMBER_TIME,
	MEMBER_ORIGIN,
	MEMBER_MESSAGE, /* from here on: passed on as it came */
	MEMBER_CONTACT,
	MEMBER_PHONE,
	MEMBER_STATE,
	MEMBER_BROADCAST,
	MEMBER_UPDATE_TYPE,
	MEMBERS
};

static const struct slice member_names[MEMBERS] = {
	[MEMBER_TYPE] = SLICE_LIT("type"),	     [MEMBER_ID] = SLICE_LIT("id"),
	[MEMBER_TIME] = SLICE_LIT("time"),	     [MEMBER_ORIGIN] = SLICE_LIT("origin"),
	[MEMBER_MESSAGE] = SLICE_LIT("message"),     [MEMBER_CONTACT] = SLICE_LIT("contact"),
	[MEMBER_PHONE] = SLICE_LIT("phone"),	     [MEMBER_STATE] = SLICE_LIT("state"),
	[MEMBER_BROADCAST] = SLICE_LIT("broadcast"), [MEMBER_UPDATE_TYPE] = SLICE_LIT("update_type"),
};

static const char *const type_words[EVENT_TYPES] = {
	[EVENT_INCOMING_MESSAGE] = "incoming_message", [EVENT_SEND_STATUS] = "send_status",
	[EVENT_SEND_BROADCAST] = "send_broadcast",     [EVENT_CONTACT_UPDATE] = "contact_update",
	[EVENT_MESSAGE_METADATA] = "message_metadata",
};

#define ORIGINS (ORIGIN_SCRIPT + 1)
static const char *const origin_words[ORIGINS] = {
	[ORIGIN_PLATFORM] = "platform",
	[ORIGIN_WEB] = "web",
	[ORIGIN_API] = "api",
	[ORIGIN_SCRIPT] = "script",
};

/* The members of one event object; null ones are left out. */
struct parts {
	struct json v[MEMBERS];
	size_t text, nodes; /* of the members that are passed on: bytes with comma and colon, nodes with keys */
};

static uint32_t node_span(struct json v)
{
	return v.doc->nodes[v.at].next - v.at;
}

static enum member member_of(struct json key)
{
	for (enum member m = 0; m < MEMBERS; m++)
		if (slice_eq(json_escaped_text(key), member_names[m]))
			return m;
	for (enum member m = 0; m < MEMBERS; m++) /* written with escapes, by a caller with humour */
		if (json_is(key, member_names[m].p))
			return m;
	return MEMBERS;
}

static bool passed_on(enum member m)
{
	return m >= MEMBER_MESSAGE;
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
		if (passed_on(m)) {
			ret->text += json_raw(it.key).n + json_raw(it.value).n + 2;
			ret->nodes += 1 + node_span(it.value);
		}
	}
}

const char *event_type_word(enum event_type t)
{
	assert(t < EVENT_TYPES);
	return type_words[t];
}

enum event_type event_type_of(struct slice word)
{
	for (enum event_type t = 0; t < EVENT_TYPES; t++)
		if (slice_is(word, type_words[t]))
			return t;
	return EVENT_TYPES;
}

static enum event_type read_type(struct json v)
{
	for (enum event_type t = 0; t < EVENT_TYPES; t++)
		if (json_is(v, type_words[t]))
			return t;
	return EVENT_TYPES;
}

/* ORIGINS when v is no known word. */
static enum event_origin read_origin(struct json v)
{
	enum event_origin o = ORIGIN_PLATFORM;

	if (json_is_nil(v))
		return o;
	while (o < ORIGINS && !json_is(v, origin_words[o]))
		o++;
	return o;
}

/* --- checks of what came from outside --- */

#define KNOWN_TYPES "incoming_message, send_status, send_broadcast, contact_update or message_metadata"

static int check_type(const struct parts *p, enum event_type *ret, struct fault *fault)
{
	struct json v = p->v[MEMBER_TYPE];

	if (json_is_nil(v))
		return fault_param(fault, "type", "missing; say which kind of event this is: " KNOWN_TYPES);
	if (json_type(v) != JSON_STRING)
		return fault_param(fault, "type", "is %s; write one of " KNOWN_TYPES, json_type_name(json_type(v)));
	*ret = read_type(v);
	if (*ret == EVENT_TYPES)
		return fault_param(fault, "type", "is no event type that is known; write one of " KNOWN_TYPES);
	return 0;
}

static bool is_visible_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return true;
}

static int check_id(const struct parts *p, struct buf *scratch, struct fault *fault)
{
	struct json v = p->v[MEMBER_ID];
	struct slice text;

	if (json_is_nil(v))
		return 0;
	if (json_type(v) != JSON_STRING)
		return fault_param(fault, "id", "is %s; write a string, or leave it out and one is made",
				   json_type_name(json_type(v)));
	text = json_text_slice(v, scratch);
	if (text.n < 1 || text.n > ID_MAX)
		return fault_param(fault, "id", "has %zu bytes; use 1 to %d", text.n, ID_MAX);
	if (!is_visible_ascii(text))
		return fault_param(fault, "id",
				   "holds a blank, a control or a non-ASCII character; use visible ASCII only");
	return 0;
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

static int check_origin(const struct parts *p, enum event_origin *ret, struct fault *fault)
{
	*ret = read_origin(p->v[MEMBER_ORIGIN]);
	if (*ret == ORIGINS)
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

/* A string of 1 to 255 bytes, or a number, which is as good as its text. */
static int check_name(struct json v, const char *name, struct fault *fault)
{
	enum json_type type = json_type(v);
	size_t n = json_raw(v).n;

	if (type != JSON_STRING && type != JSON_NUMBER)
		return fault_param(fault, name, "is %s; write a string or a number", json_type_name(type));
	if (type == JSON_STRING)
		n = json_escaped_text(v)
			    .n; /* escapes count as they are written: the bound is there against abuse only */
	if (n < 1 || n > ID_MAX)
		return fault_param(fault, name, "has %zu bytes; use 1 to %d", n, ID_MAX);
	return 0;
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

static int check_needs(const struct parts *p, enum event_type type, struct fault *fault)
{
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		const struct need *need = &needs[i];
		struct json v;

		if (need->type != type)
			continue;
		v = json_get(p->v[need->object], need->name);
		if (json_is_nil(v))
			return inside(need->object,
				      fault_param(fault, need->name, "missing; %s events need it", type_words[type]),
				      fault);
		if (check_name(v, need->name, fault) != 0)
			return inside(need->object, ERR_INVALID, fault);
	}
	return 0;
}

/* `update_type` stands beside the object in our own examples and inside it in what Telerivet's REST objects suggest: both are taken, the
 * outer one first. */
static int check_update_type(const struct parts *p, enum event_type type, struct fault *fault)
{
	enum member object = type == EVENT_CONTACT_UPDATE ? MEMBER_CONTACT : MEMBER_MESSAGE;
	struct json v = p->v[MEMBER_UPDATE_TYPE];

	if (type != EVENT_CONTACT_UPDATE && type != EVENT_MESSAGE_METADATA)
		return 0;
	if (json_is_nil(v))
		v = json_get_slice(p->v[object], member_names[MEMBER_UPDATE_TYPE]);
	if (json_is_nil(v))
		return fault_param(fault, "update_type", "missing; %s events need it, beside or inside \"%s\"",
				   type_words[type], member_names[object].p);
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
static int check_message(struct json message, struct fault *fault)
{
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

static int check(const struct parts *p, struct buf *scratch, enum event_type *ret_type, enum event_origin *ret_origin,
		 struct fault *fault)
{
	if (check_type(p, ret_type, fault) != 0 || check_id(p, scratch, fault) != 0 || check_time(p, fault) != 0 ||
	    check_origin(p, ret_origin, fault) != 0 || check_objects(p, fault) != 0 || check_ids(p, fault) != 0 ||
	    check_needs(p, *ret_type, fault) != 0 || check_update_type(p, *ret_type, fault) != 0 ||
	    check_message(p->v[MEMBER_MESSAGE], fault) != 0)
		return ERR_INVALID;
	return 0;
}

/* --- making --- */

/* FNV-1a, mixed. Unkeyed on purpose: it decides the same after a restart. A caller who makes ids collide only
 * makes his own messages wait for each other. */
static uint64_t hash_thing(char kind, struct slice id)
{
	uint64_t h = 0xcbf29ce484222325u ^ (uint8_t)kind;

	for (size_t i = 0; i < id.n; i++)
		h = (h ^ (uint8_t)id.p[i]) * 0x100000001b3u;
	h = hash_u64(h);
	return h ? h : 1;
}

static struct json message_id_of(const struct parts *p)
{
	return json_get_slice(p->v[MEMBER_MESSAGE], member_names[MEMBER_ID]);
}

static uint64_t order_hash(const struct parts *p, struct slice message_id, struct buf *scratch)
{
	struct json contact = json_get_slice(p->v[MEMBER_CONTACT], member_names[MEMBER_ID]);
	struct json broadcast = json_get_slice(p->v[MEMBER_BROADCAST], member_names[MEMBER_ID]);

	if (message_id.n > 0)
		return hash_thing('m', message_id);
	if (!json_is_nil(contact))
		return hash_thing('c', json_text_slice(contact, scratch));
	if (!json_is_nil(broadcast))
		return hash_thing('b', json_text_slice(broadcast, scratch));
	return 0;
}

/* What the block of an event is divided into. */
struct sizes {
	size_t nodes, text;
	struct slice id, message_id, project;
};

static struct slice put(char **at, struct slice s)
{
	struct slice copy = slice_of(*at, s.n);

	if (s.n > 0)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return copy;
}

/* Text and nodes are left to be written; ret_text is where the text goes. */
static struct event *make(const struct sizes *sizes, char **ret_text)
{
	size_t bytes = sizeof(struct event) + sizes->nodes * sizeof(struct json_node) + sizes->text + sizes->id.n +
		       sizes->message_id.n + sizes->project.n;
	struct event *e = mem_alloc(bytes);
	struct json_node *nodes = (struct json_node *)(void *)(e + 1);
	char *text = (char *)(nodes + sizes->nodes), *at = text + sizes->text;

	memset(e, 0, sizeof(*e));
	atomic_init(&e->refs, 1);
	e->bytes = bytes;
	e->text = slice_of(text, sizes->text);
	e->doc = (struct json_doc){ text, sizes->text, nodes, (uint32_t)sizes->nodes, 0 };
	e->id = put(&at, sizes->id);
	e->message_id = put(&at, sizes->message_id);
	e->project = put(&at, sizes->project);
	*ret_text = text;
	return e;
}

/* Writes the normalised text together with its nodes. */
struct writer {
	char *text;
	size_t n;
	struct json_node *nodes;
	uint32_t count;
};

static void write_text(struct writer *w, struct slice s)
{
	memcpy(w->text + w->n, s.p, s.n);
	w->n += s.n;
}

/* One value without children; for a string s is without quotes. */
static void write_leaf(struct writer *w, enum json_type type, bool escaped, struct slice s)
{
	bool quoted = type == JSON_STRING;

	if (quoted)
		w->text[w->n++] = '"';
	w->nodes[w->count] = (struct json_node){ .start = (uint32_t)w->n,
						 .len = (uint32_t)s.n,
						 .next = w->count + 1,
						 .type = (uint8_t)type,
						 .escaped = escaped };
	w->count++;
	write_text(w, s);
	if (quoted)
		w->text[w->n++] = '"';
}

static void write_key(struct writer *w, enum member m)
{
	w->text[w->n++] = m == MEMBER_TYPE ? '{' : ',';
	write_leaf(w, JSON_STRING, false, member_names[m]);
	w->text[w->n++] = ':';
}

/* A value with all that is inside it, text and nodes moved to their new places. */
static void write_value(struct writer *w, struct json v)
{
	struct slice raw = json_raw(v);
	const struct json_node *from = &v.doc->nodes[v.at];
	uint32_t span = node_span(v), next_shift = w->count - v.at;
	uint32_t start_shift = (uint32_t)w->n - (uint32_t)(raw.p - v.doc->text); /* wraps round, and back when added */

	for (uint32_t i = 0; i < span; i++) {
		struct json_node *to = &w->nodes[w->count + i];

		*to = from[i];
		to->start += start_shift;
		to->next += next_shift;
	}
	w->count += span;
	write_text(w, raw);
}

static void write_rest(struct writer *w, struct json object)
{
	struct json_iter it = json_each(object);

	while (json_next(&it)) {
		if (json_is_nil(it.value) || !passed_on(member_of(it.key)))
			continue;
		w->text[w->n++] = ',';
		write_value(w, it.key);
		w->text[w->n++] = ':';
		write_value(w, it.value);
	}
}

/* The four members that every normalised event begins with. */
struct front {
	struct slice type, id, time, origin; /* as they stand in the text, strings without quotes */
	bool id_escaped;
	char made_id[ID_BYTES], made_time[24];
};

static size_t front_bytes(const struct front *f)
{
	return sizeof("{'type':'','id':'','time':,'origin':''") - 1 + f->type.n + f->id.n + f->time.n + f->origin.n;
}
#define FRONT_NODES 9 /* the object, four keys, four values */

static void choose_front(struct front *f, const struct parts *p, const struct event *kind, int64_t now_ms)
{
	struct json id = p->v[MEMBER_ID], time = p->v[MEMBER_TIME];

	f->type = slice_str(type_words[kind->type]);
	f->origin = slice_str(origin_words[kind->origin]);
	f->id_escaped = !json_is_nil(id) && id.doc->nodes[id.at].escaped;
	f->id = json_escaped_text(id);
	f->time = json_raw(time);
	if (json_is_nil(id)) {
		id_make(f->made_id, "e");
		f->id = slice_str(f->made_id);
	}
	if (json_is_nil(time)) {
		snprintf(f->made_time, sizeof(f->made_time), "%" PRId64, now_ms / 1000);
		f->time = slice_str(f->made_time);
	}
}

static void write_front(struct writer *w, const struct front *f)
{
	write_key(w, MEMBER_TYPE);
	write_leaf(w, JSON_STRING, false, f->type);
	write_key(w, MEMBER_ID);
	write_leaf(w, JSON_STRING, f->id_escaped, f->id);
	write_key(w, MEMBER_TIME);
	write_leaf(w, JSON_NUMBER, false, f->time);
	write_key(w, MEMBER_ORIGIN);
	write_leaf(w, JSON_STRING, false, f->origin);
}

static void write_all(struct event *e, char *text, const struct front *front, struct json object)
{
	struct writer w = { text, 0, e->doc.nodes, 1 };

	write_front(&w, front);
	write_rest(&w, object);
	w.text[w.n++] = '}';
	w.nodes[0] = (struct json_node){ .start = 0, .len = (uint32_t)w.n, .next = w.count, .type = JSON_OBJECT };
	assert(w.n == e->text.n && w.count == e->doc.count);
}

/* kind: its type and origin are what the new event gets. */
static struct event *build(struct json object, const struct parts *p, const struct event *kind, struct slice project,
			   int64_t now_ms)
{
	struct sizes sizes = { .project = project };
	struct buf id_text, message_text;
	struct front front;
	struct event *e;
	char *text;

	buf_init(&id_text, ESCAPED_MAX);
	buf_init(&message_text, ESCAPED_MAX);
	choose_front(&front, p, kind, now_ms);
	sizes.id = json_is_nil(p->v[MEMBER_ID]) ? front.id : json_text_slice(p->v[MEMBER_ID], &id_text);
	sizes.message_id = json_text_slice(message_id_of(p), &message_text);
	sizes.nodes = FRONT_NODES + p->nodes;
	sizes.text = front_bytes(&front) + p->text + 1;
	e = make(&sizes, &text);
	e->type = kind->type;
	e->origin = kind->origin;
	e->accepted_ms = now_ms;
	e->order_hash = order_hash(p, e->message_id, &id_text);
	write_all(e, text, &front, object);
	buf_free(&id_text);
	buf_free(&message_text);
	return e;
}

int event_parse(struct json object, struct slice project, int64_t now_ms, struct event **ret, struct fault *fault)
{
	struct event kind = { 0 };
	struct parts parts;
	struct buf scratch;
	int err;

	if (json_type(object) != JSON_OBJECT)
		return fault_param(fault, "", "the event is %s; write an object", json_type_name(json_type(object)));
	collect(object, &parts);
	buf_init(&scratch, json_raw(object).n);
	err = check(&parts, &scratch, &kind.type, &kind.origin, fault);
	buf_free(&scratch);
	if (err == 0)
		*ret = build(object, &parts, &kind, project, now_ms);
	return err;
}

/* --- what the store kept --- */

/* Only what later code relies on: a rule of event_parse that grows stricter must not make stored events unreadable. */
static bool shape_is_right(const struct parts *p)
{
	if (read_type(p->v[MEMBER_TYPE]) == EVENT_TYPES || json_type(p->v[MEMBER_ID]) != JSON_STRING ||
	    json_type(p->v[MEMBER_TIME]) != JSON_NUMBER || read_origin(p->v[MEMBER_ORIGIN]) == ORIGINS)
		return false;
	return check_objects(p, NULL) == 0;
}

static struct event *copy_of(const struct json_doc *doc, const struct parts *p, struct slice project)
{
	struct sizes sizes = { .nodes = doc->count, .text = doc->len, .project = project };
	struct buf id_text, message_text;
	struct event *e;
	char *text;

	buf_init(&id_text, doc->len);
	buf_init(&message_text, doc->len);
	sizes.id = json_text_slice(p->v[MEMBER_ID], &id_text);
	sizes.message_id = json_text_slice(message_id_of(p), &message_text);
	e = make(&sizes, &text);
	memcpy(text, doc->text, doc->len);
	memcpy(e->doc.nodes, doc->nodes, doc->count * sizeof(*doc->nodes));
	e->order_hash = order_hash(p, e->message_id, &id_text);
	e->type = read_type(p->v[MEMBER_TYPE]);
	e->origin = read_origin(p->v[MEMBER_ORIGIN]);
	buf_free(&id_text);
	buf_free(&message_text);
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
	ok = ok && shape_is_right(&parts);
	if (ok) {
		e = copy_of(&doc, &parts, project);
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

struct json event_path(const struct event *e, struct slice path)
{
	return json_path(json_root(&e->doc), path);
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
