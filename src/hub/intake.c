/*
 * Events that callers post, on their way through the hub. An incoming message is received like any other. A status of a
 * message that the hub has is applied to it, and goes to its status_url. To the rest, what is stored is added where an
 * event names a contact, a phone or a state only by its id.
 *
 * What was posted is never lost or changed by that: its members are laid over what is stored, and an event is told even
 * when its status comes too late to change the message; it is the caller's word, under the caller's id. A known id is
 * found before anything is saved, so nothing is done twice.
 *
 * Most events are of projects that use nothing of the hub. They go the old, short way: which projects have objects is
 * known in memory, read once for each and from then on told by whoever saves the first one.
 */
#include "hub/intake.h"

#include <assert.h>

#include "base/list.h"
#include "base/mem.h"
#include "hub/hub_impl.h"
#include "hub/message_parts.h"
#include "hub/notice.h"
#include "hub/state.h"

/* --- which projects have objects --- */

struct known_project {
	struct map_node node;
	bool has_objects;
	size_t id_bytes;
	char id[];
};

/* No secret key: the ids of projects are the operator's. */
static uint64_t hash_project(struct slice project)
{
	static const struct hash_key key = { 1, 2 };

	return hash_bytes(&key, project);
}

/* Under the lock. */
static struct known_project *find_project(const struct hub *h, struct slice project, uint64_t hash)
{
	for (struct map_node *n = map_first(&h->projects, hash); n; n = map_next(n, hash)) {
		struct known_project *p = CONTAINER_OF(n, struct known_project, node);

		if (slice_eq(slice_of(p->id, p->id_bytes), project))
			return p;
	}
	return NULL;
}

/* Under the lock, for writing. What is known stays: a project that has objects was told of while we read that not. */
static struct known_project *know_project(struct hub *h, struct slice project, uint64_t hash)
{
	struct known_project *p = find_project(h, project, hash);

	if (p)
		return p;
	p = mem_zalloc(sizeof(*p) + project.n);
	memcpy(p->id, project.p, project.n);
	p->id_bytes = project.n;
	map_add(&h->projects, &p->node, hash);
	return p;
}

void intake_note(struct hub *h, struct slice project)
{
	uint64_t hash = hash_project(project);
	struct known_project *p;
	bool known;

	pthread_rwlock_rdlock(&h->projects_lock);
	p = find_project(h, project, hash);
	known = p && p->has_objects;
	pthread_rwlock_unlock(&h->projects_lock);
	if (known)
		return;
	pthread_rwlock_wrlock(&h->projects_lock);
	know_project(h, project, hash)->has_objects = true;
	pthread_rwlock_unlock(&h->projects_lock);
}

void intake_forget(struct hub *h)
{
	struct map_node *n;

	while ((n = map_walk(&h->projects, NULL)) != NULL) {
		map_del(&h->projects, n);
		mem_free(CONTAINER_OF(n, struct known_project, node));
	}
}

struct look {
	struct slice project;
	bool found;
};

static bool is_one(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct look *look = ctx;

	(void)value, (void)id, (void)text;
	look->found = true;
	return false;
}

static void look_for_objects(void *ctx, struct book *b)
{
	struct look *look = ctx;

	for (uint16_t kind = KIND_MESSAGE; kind < KINDS && !look->found; kind++) {
		struct object_query q = { .project = look->project, .kind = kind };

		book_walk(b, &q, false, is_one, look);
	}
}

static bool read_project(struct hub *h, struct slice project, uint64_t hash)
{
	struct look look = { .project = project };
	struct known_project *p;

	node_book_read(h->node, look_for_objects, &look);
	pthread_rwlock_wrlock(&h->projects_lock);
	p = know_project(h, project, hash);
	p->has_objects = p->has_objects || look.found;
	look.found = p->has_objects;
	pthread_rwlock_unlock(&h->projects_lock);
	return look.found;
}

bool intake_wants(struct hub *h, struct slice project, const struct event *ev)
{
	uint64_t hash = hash_project(project);
	struct known_project *p;
	bool known, wanted;

	if (ev->type == EVENT_INCOMING_MESSAGE)
		return true;
	pthread_rwlock_rdlock(&h->projects_lock);
	p = find_project(h, project, hash);
	known = p != NULL;
	wanted = p && p->has_objects;
	pthread_rwlock_unlock(&h->projects_lock);
	return known ? wanted : read_project(h, project, hash);
}

/* --- what is stored, under what was posted --- */

static bool is_kept_out(struct slice name, const char *const *kept_out)
{
	if (name.n == 0 || name.p[0] == '_' || slice_find(name, '\0') < name.n)
		return true; /* the last: members of records have names that end there */
	return slice_among(name, kept_out);
}

void intake_lay(struct deed *d, struct record *rec, struct json posted, const char *const *kept_out)
{
	struct buf name;

	buf_init(&name, json_raw(posted).n);
	for (struct json_iter it = json_each(posted); json_next(&it);) {
		struct slice key = json_text_slice(it.key, &name);

		if (!json_is_nil(it.value) && !is_kept_out(key, kept_out))
			message_member_set(rec, arena_str(d->arena, key), it.value);
	}
	buf_free(&name);
}

static void put_member(struct json_writer *w, const struct json_iter *it)
{
	json_key_same(w, it->key);
	json_put_raw(w, json_raw(it->value));
}

/* The stored members that were not posted, e164 (JSON, may be empty) among them, then the posted ones. */
static void put_laid(struct deed *d, struct record *rec, struct json posted, struct slice e164, struct json_writer *w)
{
	struct json_writer inner;
	struct json_doc doc;
	struct buf stored, name;

	buf_init(&stored, (size_t)64 << 20);
	json_doc_init(&doc);
	json_writer_init(&inner, &stored);
	record_write(d, rec, &inner);
	buf_init(&name, stored.n);
	json_parse(&doc, buf_slice(&stored), &json_limits_default, NULL); /* a record writes JSON */
	json_begin_object(w);
	for (struct json_iter it = json_each(json_root(&doc)); json_next(&it);)
		if (json_is_nil(json_get_slice(posted, json_text_slice(it.key, &name))))
			put_member(w, &it);
	if (e164.n > 0 && record_raw(rec, "from_number_e164").n == 0) {
		json_key(w, "from_number_e164");
		json_put_raw(w, e164);
	}
	for (struct json_iter it = json_each(posted); json_next(&it);)
		if (!json_is_nil(it.value))
			put_member(w, &it);
	json_end_object(w);
	json_doc_free(&doc);
	buf_free(&name);
	buf_free(&stored);
}

/* --- objects that are named by their ids --- */

static struct slice text_of(struct deed *d, struct json v)
{
	struct slice text;
	struct buf scratch;

	buf_init(&scratch, json_raw(v).n);
	text = arena_slice(d->arena, json_text_slice(v, &scratch));
	buf_free(&scratch);
	return text;
}

/* Has it no members but these? */
static bool has_only(struct json object, const char *const *names)
{
	for (struct json_iter it = json_each(object); json_next(&it);) {
		size_t i = 0;

		while (names[i] && !json_is(it.key, names[i]))
			i++;
		if (!names[i] && !json_is_nil(it.value))
			return false;
	}
	return true;
}

static struct record *find_named(struct deed *d, const struct event *ev, const char *object, const char *member,
				 enum kind kind)
{
	static const char *const id_only[] = { "id", NULL };
	struct json root = json_root(&ev->doc), posted = json_get(root, object);
	struct json id = json_is_nil(posted) ? json_get(json_get(root, "message"), member) : json_get(posted, "id");

	if (json_is_nil(id) || !has_only(posted, id_only))
		return NULL;
	return record_load(d, kind, text_of(d, id));
}

/* A state is a contact's in a service: those two name it. */
static struct record *find_state(struct deed *d, const struct event *ev)
{
	static const char *const ids_only[] = { "id", "service_id", "contact_id", NULL };
	struct json posted = json_get(json_root(&ev->doc), "state");
	struct json service = json_get(posted, "service_id"), contact = json_get(posted, "contact_id");

	if (json_is_nil(service) || json_is_nil(contact) || !has_only(posted, ids_only))
		return NULL;
	return state_find(d, text_of(d, service), text_of(d, contact));
}

/* --- telling --- */

/* An event that is posted, and what the store has to say about its objects. */
struct telling {
	struct event *event;
	struct {
		const char *name;
		struct record *stored;
	} objects[4];
	struct slice e164;
};

static struct record *stored_for(const struct telling *t, struct json key)
{
	for (size_t i = 0; i < sizeof(t->objects) / sizeof(t->objects[0]); i++)
		if (json_is(key, t->objects[i].name))
			return t->objects[i].stored;
	return NULL;
}

static void put_stored(struct deed *d, const struct telling *t, struct record *rec, struct json posted,
		       struct json_writer *w)
{
	bool is_message = rec == t->objects[0].stored;

	put_laid(d, rec, posted,
		 is_message && json_is_nil(json_get(posted, "from_number_e164")) ? t->e164 : SLICE_LIT(""), w);
}

/* Where it goes, if to one place, and the trace that it came with. */
static void put_own(struct deed *d, const struct telling *t, struct json_writer *w)
{
	struct record *message = t->objects[0].stored;
	struct slice trace = json_escaped_text(event_postrider(t->event, "traceparent"));

	if (message && t->event->type == EVENT_SEND_STATUS && notice_url_write(d, message, trace, w))
		return;
	if (trace.n == 0)
		return;
	json_key(w, "postrider");
	json_begin_object(w);
	json_member_string(w, "traceparent", trace);
	json_end_object(w);
}

static void write_telling(struct deed *d, const struct telling *t, struct json_writer *w)
{
	struct json root = json_root(&t->event->doc);

	json_begin_object(w);
	for (struct json_iter it = json_each(root); json_next(&it);) {
		struct record *stored = stored_for(t, it.key);

		if (json_is(it.key, "postrider"))
			continue;
		if (!stored) {
			put_member(w, &it);
			continue;
		}
		json_key_slice(w, json_escaped_text(it.key));
		put_stored(d, t, stored, it.value, w);
	}
	for (size_t i = 0; i < sizeof(t->objects) / sizeof(t->objects[0]); i++)
		if (t->objects[i].stored && json_is_nil(json_get(root, t->objects[i].name))) {
			json_key(w, t->objects[i].name);
			put_stored(d, t, t->objects[i].stored, (struct json){ 0 }, w);
		}
	put_own(d, t, w);
	json_end_object(w);
}

static int64_t tell(struct deed *d, const struct telling *t)
{
	struct json_writer w;
	struct event *ev;
	struct buf text;
	int64_t seq;

	buf_init(&text, (size_t)64 << 20);
	json_writer_init(&w, &text);
	write_telling(d, t, &w);
	assert(!buf_failed(&text));
	ev = event_make(buf_slice(&text), d->project, d->now_ms);
	buf_free(&text);
	seq = book_event(d->book, ev);
	event_unref(&ev);
	return seq;
}

int64_t intake_tell(struct deed *d, struct event *ev, struct record *message, struct record *contact,
		    struct record *phone)
{
	struct telling t = {
		.event = ev,
		.objects = { { "message", message },
			     { "contact",
			       contact ? contact : find_named(d, ev, "contact", "contact_id", KIND_CONTACT) },
			     { "phone", phone ? phone : find_named(d, ev, "phone", "phone_id", KIND_PHONE) },
			     { "state", find_state(d, ev) } },
	};
	bool any = false;

	if (message && ev->type == EVENT_INCOMING_MESSAGE)
		t.e164 = notice_e164(d, message, phone);
	for (size_t i = 0; i < sizeof(t.objects) / sizeof(t.objects[0]); i++)
		any = any || t.objects[i].stored;
	return any ? tell(d, &t) : book_event(d->book, ev);
}

/* --- by type --- */

/* The id of an object beside the message, or as the message names it. */
static struct slice named_id(struct deed *d, struct json root, const char *object, const char *member)
{
	struct json id = json_get(json_get(root, object), "id");

	return text_of(d, json_is_nil(id) ? json_get(json_get(root, "message"), member) : id);
}

static int64_t take_incoming(struct deed *d, struct event *ev)
{
	struct json root = json_root(&ev->doc), message = json_get(root, "message");
	struct record *known = record_load(d, KIND_MESSAGE, ev->message_id);
	struct message_receive m = { .id = ev->message_id, .event = ev, .more = message };
	struct fault fault = NO_FAULT;
	struct record *made;
	int64_t seq = 0;

	if (known)
		return intake_tell(d, ev, NULL, message_contact(d, known), message_phone(d, known));
	m.from_number = text_of(d, json_get(message, "from_number"));
	m.to_number = text_of(d, json_get(message, "to_number"));
	m.content = text_of(d, json_get(message, "content"));
	m.message_type = text_of(d, json_get(message, "message_type"));
	m.simulated = json_type(json_get(message, "simulated")) == JSON_TRUE;
	m.phone_id = named_id(d, root, "phone", "phone_id");
	m.contact = json_get(root, "contact");
	/* It was accepted: were it refused here, it would at least be told as it is. */
	return message_take(d, &m, &made, &seq, &fault) == 0 ? seq : book_event(d->book, ev);
}

/* What a posted status may change of a message is what gateways know: price, times, parts, … */
static const char *const status_kept_out[] = { "id",	   "direction",	 "project_id",	  "contact_id",
					       "phone_id", "service_id", "broadcast_id",  "status",
					       "vars",	   "label_ids",	 "error_message", "error_code",
					       NULL };

static int64_t take_status(struct deed *d, struct event *ev)
{
	struct record *m = record_load(d, KIND_MESSAGE, ev->message_id);
	struct json posted = json_get(json_root(&ev->doc), "message");
	struct fault ignored = NO_FAULT;
	struct slice before;
	bool forward;
	int64_t seq;

	if (!m || !slice_is(record_text(m, "direction"), "outgoing"))
		return intake_tell(d, ev, NULL, NULL, NULL);
	before = record_text(m, "status");
	intake_lay(d, m, posted, status_kept_out);
	if (!json_is_nil(json_get(posted, "vars")))
		record_vars_merge(m, "vars", json_get(posted, "vars"), "vars", &ignored);
	forward =
		status_step(d, m, text_of(d, json_get(posted, "status")), text_of(d, json_get(posted, "error_message")),
			    text_of(d, json_get(posted, "error_code")));
	seq = intake_tell(d, ev, m, message_contact(d, m), NULL);
	if (seq == 0)
		return 0;
	if (forward)
		status_count(d, m, before);
	record_save(d, m);
	return seq;
}

static int64_t take(struct deed *d, struct event *ev)
{
	switch (ev->type) {
	case EVENT_INCOMING_MESSAGE:
		return take_incoming(d, ev);
	case EVENT_SEND_STATUS:
		return take_status(d, ev);
	default:
		return intake_tell(d, ev, NULL, NULL, NULL);
	}
}

void intake_events(struct deed *d, struct event *const *events, size_t count, int64_t *seqs, bool *duplicates)
{
	for (size_t i = 0; i < count; i++) {
		seqs[i] = take(d, events[i]);
		duplicates[i] = seqs[i] == 0;
	}
}
