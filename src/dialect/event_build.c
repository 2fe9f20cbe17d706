/*
 * Makes the block of memory that an event is: struct, nodes, text, then the decoded copies of id, message id and
 * project. One allocation, whose size is known before it is made.
 *
 * The nodes of the normalised text are not made by parsing it. A member that is passed
 * on as it came keeps its nodes too, moved by two distances (one in the text, one in the
 * array); only the four members in front and the object around everything are made anew.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/digest.h"
#include "base/map.h"
#include "base/mem.h"
#include "dialect/event_parts.h"

#define ESCAPED_MAX (6 * EVENT_ID_MAX)

/* FNV-1a, mixed. Unkeyed on purpose: it decides the same after a restart. A caller who makes ids collide only
 * makes his own messages wait for each other. */
static uint64_t fnv(uint64_t h, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 0x100000001b3u;
	return h;
}

/*
 * The project is part of it: an organization's endpoint gets messages of several, and equal ids are different messages.
 */
static uint64_t hash_thing(char kind, struct slice project, struct slice id)
{
	uint64_t h = hash_u64(fnv(fnv(0xcbf29ce484222325u ^ (uint8_t)kind, project) ^ project.n, id));

	return h ? h : 1;
}

/* 0 for what is none: a caller's own member of an event that was stored before the name was reserved. */
static uint64_t target_of(const struct parts *p)
{
	int64_t to = 0;

	return json_i64(json_get(p->v[MEMBER_POSTRIDER], "to"), &to) && to > 0 ? (uint64_t)to : 0;
}

static struct json message_id_of(const struct parts *p)
{
	return json_get_slice(p->v[MEMBER_MESSAGE], member_names[MEMBER_ID]);
}

static uint64_t order_hash(const struct parts *p, const struct event *e, struct buf *scratch)
{
	struct json contact = json_get_slice(p->v[MEMBER_CONTACT], member_names[MEMBER_ID]);
	struct json broadcast = json_get_slice(p->v[MEMBER_BROADCAST], member_names[MEMBER_ID]);

	if (e->message_id.n > 0)
		return hash_thing('m', e->project, e->message_id);
	if (!json_is_nil(contact))
		return hash_thing('c', e->project, json_text_slice(contact, scratch));
	if (!json_is_nil(broadcast))
		return hash_thing('b', e->project, json_text_slice(broadcast, scratch));
	if (e->type >= EVENT_POSTED && e->type < EVENT_TYPES)
		return hash_thing('e', e->project, json_text_slice(json_get(p->v[MEMBER_ENDPOINT], "path"), scratch));
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
static struct event *make(const struct parts *p, const struct sizes *sizes, char **ret_text)
{
	size_t bytes = sizeof(struct event) + sizes->nodes * sizeof(struct json_node) + sizes->text + sizes->id.n +
		       sizes->message_id.n + sizes->project.n;
	struct event *e = mem_alloc(bytes);
	struct json_node *nodes = (struct json_node *)(void *)(e + 1);
	char *text = (char *)(nodes + sizes->nodes), *at = text + sizes->text;

	memset(e, 0, sizeof(*e));
	atomic_init(&e->refs, 1);
	e->bytes = bytes;
	e->type = p->type;
	e->origin = p->origin;
	e->target = target_of(p);
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
		if (json_is_nil(it.value) || !member_passes(member_of(it.key)))
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

static void choose_front(struct front *f, const struct parts *p, int64_t now_ms)
{
	struct json id = p->v[MEMBER_ID], time = p->v[MEMBER_TIME];

	f->type = slice_str(event_type_word(p->type));
	f->origin = slice_str(origin_words[p->origin]);
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

#define TRACE_NODES 4 /* the key `postrider`, its object, and in it one key with its value */
#define TRACE_BYTES (sizeof(",'postrider':{'traceparent':''}") - 1)

/* What came as a header is no member of the caller's: it stands where no encoder looks. */
static void write_trace(struct writer *w, struct slice trace)
{
	struct json_node *object;
	size_t start;

	write_key(w, MEMBER_POSTRIDER);
	object = &w->nodes[w->count++];
	start = w->n;
	write_text(w, SLICE_LIT("{"));
	write_leaf(w, JSON_STRING, false, SLICE_LIT("traceparent"));
	write_text(w, SLICE_LIT(":"));
	write_leaf(w, JSON_STRING, false, trace);
	write_text(w, SLICE_LIT("}"));
	*object = (struct json_node){
		.start = (uint32_t)start, .len = (uint32_t)(w->n - start), .next = w->count, .type = JSON_OBJECT
	};
}

static void write_all(struct event *e, char *text, const struct front *front, const struct parts *p, struct json object)
{
	struct writer w = { text, 0, e->doc.nodes, 1 };

	write_front(&w, front);
	if (p->trace.n > 0)
		write_trace(&w, p->trace);
	write_rest(&w, object);
	w.text[w.n++] = '}';
	w.nodes[0] = (struct json_node){ .start = 0, .len = (uint32_t)w.n, .next = w.count, .type = JSON_OBJECT };
	assert(w.n == e->text.n && w.count == e->doc.count);
}

struct event *event_build(struct json object, const struct parts *p, struct slice project, int64_t now_ms)
{
	struct sizes sizes = { .project = project };
	struct buf id_text, message_text;
	struct front front;
	struct event *e;
	char *text;

	buf_init(&id_text, ESCAPED_MAX);
	buf_init(&message_text, ESCAPED_MAX);
	choose_front(&front, p, now_ms);
	sizes.id = json_is_nil(p->v[MEMBER_ID]) ? front.id : json_text_slice(p->v[MEMBER_ID], &id_text);
	sizes.message_id = json_text_slice(message_id_of(p), &message_text);
	sizes.nodes = FRONT_NODES + p->nodes;
	sizes.text = front_bytes(&front) + p->text + 1;
	if (p->trace.n > 0) {
		sizes.nodes += TRACE_NODES;
		sizes.text += TRACE_BYTES + p->trace.n;
	}
	e = make(p, &sizes, &text);
	e->accepted_ms = now_ms;
	e->order_hash = order_hash(p, e, &id_text);
	write_all(e, text, &front, p, object);
	buf_free(&id_text);
	buf_free(&message_text);
	return e;
}

struct event *event_copy(const struct json_doc *doc, const struct parts *p, struct slice project)
{
	struct sizes sizes = { .nodes = doc->count, .text = doc->len, .project = project };
	struct buf id_text, message_text;
	struct event *e;
	char *text;

	buf_init(&id_text, doc->len);
	buf_init(&message_text, doc->len);
	sizes.id = json_text_slice(p->v[MEMBER_ID], &id_text);
	sizes.message_id = json_text_slice(message_id_of(p), &message_text);
	e = make(p, &sizes, &text);
	memcpy(text, doc->text, doc->len);
	memcpy(e->doc.nodes, doc->nodes, doc->count * sizeof(*doc->nodes));
	e->order_hash = order_hash(p, e, &id_text);
	buf_free(&id_text);
	buf_free(&message_text);
	return e;
}
