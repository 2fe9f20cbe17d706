/*
 * The REST calls about services, and the service log.
 *
 * A service's webhook is an internal endpoint beside its object. A new service makes it in the commit that stores the
 * object. When the URL changes, the endpoint changes first: a crash in between leaves a service that calls the new URL
 * and shows the old one, until the caller, who got no answer, asks again. When a service is deleted its object goes
 * first, so that nothing is sent any more; what is left behind by a crash then is an endpoint that nobody calls.
 */
#include "base/digest.h"
#include "hub/beside.h"
#include "hub/service_parts.h"

#define ANSWER_MAX   ((size_t)1 << 20)
#define SETTINGS_MAX ((size_t)1 << 18)
#define STATES_PART  1000 /* states deleted in one commit */

/* --- lists and single ones --- */

static bool has_context(struct rest *r, struct record *service)
{
	const struct service_type *type = service_type_of(record_text(service, "service_type"));
	struct slice wanted;
	struct json_doc doc;
	bool has;
	int err;

	if (!rest_text(r, "context", &wanted, &err) || !type)
		return true;
	json_doc_init(&doc);
	has = !json_parse(&doc, slice_str(type->contexts), &json_limits_default, NULL) &&
	      json_type(json_get_slice(json_root(&doc), wanted)) != JSON_NONE;
	json_doc_free(&doc);
	return has;
}

/* The copy in the hand is not saved. */
static void show_secrets(struct rest *r, struct record *service)
{
	record_set(service, "config", record_raw(service, "_config"));
	rest_write(r, service);
}

int rest_services(struct rest *r)
{
	static const struct list_field fields[] = {
		{ "name", LIST_TEXT, FIELD_NAME, true },
		{ "priority", LIST_NUMBER, FIELD_PRIORITY, true },
		{ "active", LIST_BOOL, FIELD_ID, false },
		{ "service_type", LIST_TEXT, FIELD_ID, false },
		{ "context", LIST_OWN, FIELD_ID, false },
		{ "reveal", LIST_OWN, FIELD_ID, false },
		{ 0 },
	};
	static const struct list_spec masked = {
		.kind = KIND_SERVICE, .fields = fields, .order = FIELD_PRIORITY, .keep = has_context
	};
	static const struct list_spec revealed = { .kind = KIND_SERVICE,
						   .fields = fields,
						   .order = FIELD_PRIORITY,
						   .keep = has_context,
						   .show = show_secrets };
	bool reveal = false;
	int err = rest_reveal(r, &reveal);

	return err ? err : rest_list(r, reveal ? &revealed : &masked, FIELD_ID, SLICE_LIT(""));
}

int rest_service(struct rest *r)
{
	struct record *service;
	bool reveal = false;
	int err = rest_reveal(r, &reveal);

	if (!err)
		err = rest_load(r, KIND_SERVICE, r->id, &service);
	if (!err)
		(reveal ? show_secrets : rest_write)(r, service);
	return err;
}

int rest_service_config(struct rest *r)
{
	struct record *service;
	int err = rest_load(r, KIND_SERVICE, r->id, &service);

	if (!err)
		json_put_raw(r->w, record_raw(service, "config"));
	return err;
}

/* --- changing: a call that opens commits itself --- */

struct edit {
	struct rest *r;
	/* what the commits of the call work with; config: the parameters are a config, not a service's; put: they are
	 * all of a service, which may not be there yet */
	bool config, put;
	/* set anew by each run of a step */
	int err;
	bool more;
	struct fault fault;
	struct buf answer;
	struct buf before, after; /* configs, with secrets */
	bool has_webhook;
};

typedef int edit_fn(struct edit *e, struct rest *r);

struct step {
	struct edit *edit;
	edit_fn *fn;
};

/* One step of the call over a book, with an arena and a fault of its own, for it may run again. */
static void run_step(void *ctx, struct book *b)
{
	struct step *step = ctx;
	struct edit *e = step->edit;
	struct rest r = *e->r;
	struct json_writer w;
	struct arena arena;

	arena_init(&arena);
	e->fault = (struct fault)NO_FAULT;
	buf_reset(&e->answer);
	buf_reset(&e->before);
	buf_reset(&e->after);
	json_writer_init(&w, &e->answer);
	r.w = &w;
	r.deed.book = b;
	r.deed.now_ms = book_now_ms(b);
	r.deed.arena = &arena;
	r.deed.fault = &e->fault;
	e->err = step->fn(e, &r);
	arena_free(&arena);
}

static int finish(struct edit *e, int err)
{
	if (!err && e->err)
		*e->r->deed.fault = e->fault;
	return err ? err : e->err;
}

static int look(struct edit *e, edit_fn *fn)
{
	struct step step = { e, fn };

	node_book_read(e->r->node, run_step, &step);
	return finish(e, 0);
}

static int commit(struct edit *e, edit_fn *fn)
{
	struct step step = { e, fn };

	return finish(e, node_book_wait(e->r->node, run_step, &step));
}

static void edit_begin(struct edit *e, struct rest *r)
{
	*e = (struct edit){ .r = r };
	buf_init(&e->answer, ANSWER_MAX);
	buf_init(&e->before, ANSWER_MAX);
	buf_init(&e->after, ANSWER_MAX);
}

/* It held secrets. */
static void wipe(struct buf *b)
{
	if (b->p)
		mem_wipe(b->p, b->cap);
	buf_free(b);
}

static int edit_end(struct edit *e, int err)
{
	if (!err && e->answer.n > 0)
		json_put_raw(e->r->w, buf_slice(&e->answer));
	buf_free(&e->answer);
	wipe(&e->before);
	wipe(&e->after);
	return err;
}

/* --- endpoints --- */

static bool has_webhook(struct record *service)
{
	return slice_is(record_text(service, "service_type"), "incoming_message_webhook");
}

static int parsed(struct json_doc *doc, struct slice text)
{
	json_doc_init(doc);
	return json_parse(doc, text, &json_limits_default, NULL);
}

static void settings_of(struct slice config, struct buf *out)
{
	struct json_doc doc;

	if (!parsed(&doc, config))
		webhook_settings(json_root(&doc), out);
	json_doc_free(&doc);
}

static int make_endpoint(struct rest *r, struct record *service)
{
	struct buf id, settings;
	uint64_t number;

	buf_init(&id, 255);
	buf_init(&settings, SETTINGS_MAX);
	webhook_service_id(record_id(service), &id);
	settings_of(record_raw(service, "_config"), &settings);
	number = book_endpoint(r->deed.book, r->deed.project, buf_slice(&id), buf_slice(&settings), r->deed.fault);
	buf_free(&settings);
	buf_free(&id);
	if (!number)
		fault_within(r->deed.fault, "config");
	return number ? 0 : ERR_INVALID;
}

static int change_endpoint(struct edit *e)
{
	struct rest *r = e->r;
	struct buf id, settings;
	int err;

	buf_init(&id, 255);
	buf_init(&settings, SETTINGS_MAX);
	webhook_service_id(r->id, &id);
	settings_of(buf_slice(&e->after), &settings);
	err = node_internal_endpoint(r->node, r->deed.project, buf_slice(&id), buf_slice(&settings), r->deed.fault);
	if (err == ERR_INVALID)
		fault_within(r->deed.fault, "config");
	buf_free(&settings);
	buf_free(&id);
	return err;
}

static int drop_endpoint(struct rest *r, struct slice id)
{
	struct fault ignored = NO_FAULT;
	int err = node_internal_endpoint_delete(r->node, r->deed.project, id, &ignored);

	return err == ERR_NOT_FOUND ? 0 : err;
}

/* Drops endpoints of actions, but those that `kept` still names. */
struct drop {
	struct edit *e;
	struct json kept;
	struct slice id; /* of the endpoint that is looked for */
	bool found;
	int err;
};

static void look_kept(void *ctx, struct json action)
{
	struct drop *drop = ctx;
	struct buf id;

	buf_init(&id, 255);
	webhook_action_id(drop->e->r->id, action, &id);
	drop->found |= slice_eq(buf_slice(&id), drop->id);
	buf_free(&id);
}

static void drop_action(void *ctx, struct json action)
{
	struct drop *drop = ctx;
	struct buf id;

	buf_init(&id, 255);
	webhook_action_id(drop->e->r->id, action, &id);
	drop->id = buf_slice(&id);
	drop->found = false;
	rules_webhooks(json_get(drop->kept, "actions"), look_kept, drop);
	if (!drop->found && !drop->err)
		drop->err = drop_endpoint(drop->e->r, drop->id);
	buf_free(&id);
}

/* What waits for one of them ends then, and its run goes on without it. */
static int drop_actions(struct edit *e, struct slice before, struct slice after)
{
	struct drop drop = { .e = e };
	struct json_doc old, new;

	if (!parsed(&new, after))
		drop.kept = json_root(&new);
	if (!parsed(&old, before))
		rules_webhooks(json_get(json_root(&old), "actions"), drop_action, &drop);
	json_doc_free(&old);
	json_doc_free(&new);
	return drop.err;
}

/* --- create --- */

static int create(struct edit *e, struct rest *r)
{
	struct record *service = record_new(&r->deed, KIND_SERVICE, NULL);
	int err = service_read(r, service);

	(void)e;
	if (!err && has_webhook(service))
		err = make_endpoint(r, service);
	if (err)
		return err;
	record_save(&r->deed, service);
	rest_write(r, service);
	return 0;
}

int rest_service_create(struct rest *r)
{
	struct edit e;

	edit_begin(&e, r);
	return edit_end(&e, commit(&e, create));
}

/* --- change, put --- */

/* A new one of this id, with what an old one has by itself, and not because somebody said so. */
static struct record *begin_anew(struct rest *r)
{
	static const char *const kept[] = {
		"service_type", "time_created", "priority", "vars", "_config", "_revision"
	};
	struct record *service = record_new(&r->deed, KIND_SERVICE, arena_str(r->deed.arena, r->id));
	struct record *old = record_load(&r->deed, KIND_SERVICE, r->id);

	for (size_t i = 0; old && i < sizeof(kept) / sizeof(kept[0]); i++)
		record_set(service, kept[i], record_raw(old, kept[i]));
	return service;
}

/* The service as it will be; not saved. */
static int changed(struct edit *e, struct rest *r, struct record **ret)
{
	struct record *service = NULL;
	int err = 0;

	if (e->put)
		service = begin_anew(r);
	else
		err = rest_load(r, KIND_SERVICE, r->id, &service);
	if (err)
		return err;
	buf_add_slice(&e->before, record_raw(service, "_config"));
	err = e->config ? service_read_config(r, service, r->params) : service_read(r, service);
	if (err && e->config && strncmp(r->deed.fault->param, "config.", 7) == 0)
		memmove(r->deed.fault->param, r->deed.fault->param + 7, strlen(r->deed.fault->param + 7) + 1);
	buf_add_slice(&e->after, record_raw(service, "_config"));
	e->has_webhook = has_webhook(service);
	*ret = service;
	return err;
}

static int look_changed(struct edit *e, struct rest *r)
{
	struct record *service;

	return changed(e, r, &service);
}

static int save_changed(struct edit *e, struct rest *r)
{
	struct record *service;
	int err = changed(e, r, &service);

	if (!err && e->before.n == 0 && e->has_webhook)
		err = make_endpoint(r, service);
	if (err)
		return err;
	record_save(&r->deed, service);
	if (e->config)
		json_put_raw(r->w, record_raw(service, "config"));
	else
		rest_write(r, service);
	return 0;
}

/* The action webhooks have endpoints of their own: they are made when they are first called. */
static void webhook_beside(struct deed *d, struct slice service_id, struct buf *ret_id, struct buf *ret_settings)
{
	struct record *service = record_load(d, KIND_SERVICE, service_id);

	webhook_service_id(service_id, ret_id);
	if (service && has_webhook(service))
		settings_of(record_raw(service, "_config"), ret_settings);
}

static int change(struct edit *e)
{
	int err = look(e, look_changed);

	if (!err && e->before.n > 0 && e->has_webhook && !slice_eq(buf_slice(&e->before), buf_slice(&e->after)))
		err = change_endpoint(e);
	if (!err)
		err = commit(e, save_changed);
	if (!err)
		err = beside_settle(e->r, e->r->id, webhook_beside);
	if (!err && e->before.n > 0)
		err = drop_actions(e, buf_slice(&e->before), buf_slice(&e->after));
	return edit_end(e, err);
}

int rest_service_change(struct rest *r)
{
	struct edit e;

	edit_begin(&e, r);
	return change(&e);
}

int rest_service_config_change(struct rest *r)
{
	struct edit e;

	edit_begin(&e, r);
	e.config = true;
	return change(&e);
}

int rest_service_put(struct rest *r)
{
	struct edit e;
	int err = rest_own_id(r);

	if (err)
		return err;
	edit_begin(&e, r);
	e.put = true;
	return change(&e);
}

/* --- delete --- */

static int delete_service(struct edit *e, struct rest *r)
{
	struct record *service;
	int err = rest_load(r, KIND_SERVICE, r->id, &service);

	if (err)
		return err;
	buf_add_slice(&e->before, record_raw(service, "_config"));
	e->has_webhook = has_webhook(service);
	record_delete(&r->deed, service);
	return 0;
}

struct states {
	struct deed *d;
	struct slice service, ids[STATES_PART];
	size_t count;
};

static bool note_state(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct states *s = ctx;

	(void)text;
	if (!slice_eq(value, s->service))
		return false;
	s->ids[s->count++] = arena_slice(s->d->arena, id);
	return s->count < STATES_PART;
}

static int delete_states(struct edit *e, struct rest *r)
{
	struct states *s = arena_zalloc(r->deed.arena, sizeof(*s));
	struct object_query q = {
		.project = r->deed.project, .kind = KIND_STATE, .field = FIELD_SERVICE, .from = r->id
	};

	s->d = &r->deed;
	s->service = r->id;
	book_walk(r->deed.book, &q, false, note_state, s);
	for (size_t i = 0; i < s->count; i++)
		book_delete(r->deed.book, r->deed.project, KIND_STATE, s->ids[i]);
	e->more = s->count == STATES_PART;
	return 0;
}

static int drop_all(struct edit *e)
{
	struct slice config = arena_slice(e->r->deed.arena, buf_slice(&e->before));
	struct buf id;
	int err = 0;

	if (e->has_webhook) {
		buf_init(&id, 255);
		webhook_service_id(e->r->id, &id);
		err = drop_endpoint(e->r, buf_slice(&id));
		buf_free(&id);
	}
	return err ? err : drop_actions(e, config, SLICE_LIT("{}"));
}

int rest_service_delete(struct rest *r)
{
	struct edit e;
	int err;

	edit_begin(&e, r);
	err = commit(&e, delete_service);
	if (!err)
		err = drop_all(&e);
	e.more = true;
	while (!err && e.more)
		err = commit(&e, delete_states);
	return edit_end(&e, err);
}

/* --- the log --- */

int rest_service_logs(struct rest *r)
{
	static const struct list_field fields[] = {
		{ "service_id", LIST_TEXT, FIELD_SERVICE, false },
		{ "message_id", LIST_TEXT, FIELD_MESSAGE, false },
		{ "contact_id", LIST_TEXT, FIELD_CONTACT, false },
		{ "time_created", LIST_TIME, FIELD_TIME, true },
		{ "type", LIST_TEXT, FIELD_ID, false },
		{ "error", LIST_BOOL, FIELD_ID, false },
		/* Telerivet's detailed statistics: there are none, and asking for them does no harm */
		{ "execution_stats", LIST_OWN, FIELD_ID, false },
		{ 0 },
	};
	static const struct list_spec spec = { .kind = KIND_SERVICE_LOG, .fields = fields, .order = FIELD_TIME };

	return rest_list(r, &spec, FIELD_ID, SLICE_LIT(""));
}
