/*
 * Phones over REST. A phone is an object, and one with a gateway has an endpoint beside it, made from its config. The
 * two cannot change in one commit: an endpoint is put in force on every shard, which takes a while. So the endpoint
 * goes first where something would be missing without it (create, change), and last where something may still use it
 * (delete). A crash in between leaves an endpoint that nobody sends to, or settings that the next change takes back.
 *
 * The config has secrets in it; it is the object's own member `_config`, which events never show, and lists only to an
 * admin who asks for it.
 */
#include "hub/beside.h"
#include "hub/phone_type.h"
#include "hub/rest.h"

#define CONFIG	     "_config"
#define SETTINGS_MAX ((size_t)1024 * 1024)
#define NAME_MAX     ((size_t)200)
#define NUMBER_MAX   ((size_t)64)
#define ID_MAX	     300

/* --- showing --- */

static void lend_config(struct record *phone)
{
	struct json_doc doc;
	struct buf masked;

	json_doc_init(&doc);
	buf_init(&masked, SETTINGS_MAX);
	if (json_parse(&doc, record_raw(phone, CONFIG), &json_limits_default, NULL) == 0) {
		phone_config_mask(json_root(&doc), &masked);
		record_set(phone, "config", buf_slice(&masked));
	}
	buf_free(&masked);
	json_doc_free(&doc);
}

/* The copy in the hand is shown and never saved, so the config may stand in it. */
static void show(struct rest *r, struct record *phone)
{
	lend_config(phone);
	rest_write(r, phone);
}

static void show_secrets(struct rest *r, struct record *phone)
{
	record_set(phone, "config", record_raw(phone, CONFIG));
	rest_write(r, phone);
}

static const struct list_field fields[] = {
	{ "name", LIST_TEXT, FIELD_NAME, true },
	{ "phone_number", LIST_TEXT, FIELD_NUMBER, true },
	{ "last_active_time", LIST_TIME, FIELD_ID, false },
	{ "phone_type", LIST_TEXT, FIELD_ID, false },
	{ "country", LIST_TEXT, FIELD_ID, false },
	{ "send_paused", LIST_BOOL, FIELD_ID, false },
	{ "reveal", LIST_OWN, FIELD_ID, false },
	{ NULL, 0, 0, false },
};
static const struct list_spec list = { .kind = KIND_PHONE, .fields = fields, .order = FIELD_ID, .show = show };
static const struct list_spec revealed = {
	.kind = KIND_PHONE, .fields = fields, .order = FIELD_ID, .show = show_secrets
};

int rest_phones(struct rest *r)
{
	bool reveal = false;
	int err = rest_reveal(r, &reveal);

	return err ? err : rest_list(r, reveal ? &revealed : &list, FIELD_ID, SLICE_LIT(""));
}

int rest_phone(struct rest *r)
{
	struct record *phone;
	bool reveal = false;
	int err = rest_reveal(r, &reveal);

	if (!err)
		err = rest_load(r, KIND_PHONE, r->id, &phone);
	if (!err)
		(reveal ? show_secrets : show)(r, phone);
	return err;
}

/* --- what is given --- */

/* A phone as a call wants it: what is checked once and then put into the object, inside the commit. */
struct edit {
	struct rest *r;
	struct slice id;
	const struct phone_type *type;
	/* of the parameters; p NULL where nothing was given */
	struct slice name, number, country;
	bool has_paused, paused;
	struct json vars;
	bool whole;	     /* what is not given is as with a new phone: create, put */
	struct slice config; /* the new one, whole; empty: as it was */
	struct record *saved;
	int err;
};

static int text_param(struct rest *r, const char *name, size_t max, struct slice *ret)
{
	struct slice text;
	int err;

	if (!rest_text(r, name, &text, &err))
		return err;
	if (text.n > max)
		return fault_param(r->deed.fault, name, "has %zu bytes; use at most %zu", text.n, max);
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
			return fault_param(r->deed.fault, name, "holds a control character; take it out");
	*ret = text;
	return 0;
}

static int country_param(struct rest *r, struct slice *ret)
{
	struct slice text = slice_of(NULL, 0);
	char *upper;
	int err = text_param(r, "country", 80, &text);

	if (err || !text.p)
		return err;
	upper = arena_str(r->deed.arena, text);
	for (size_t i = 0; i < text.n; i++)
		if (upper[i] >= 'a' && upper[i] <= 'z')
			upper[i] = (char)(upper[i] - 32);
	if (text.n != 2 || upper[0] < 'A' || upper[0] > 'Z' || upper[1] < 'A' || upper[1] > 'Z')
		return fault_param(r->deed.fault, "country", "must be a code of two letters, as SE (ISO 3166-1)");
	*ret = slice_of(upper, 2);
	return 0;
}

static int read_edit(struct edit *e)
{
	struct rest *r = e->r;
	int err = text_param(r, "name", NAME_MAX, &e->name);

	if (!err)
		err = text_param(r, "phone_number", NUMBER_MAX, &e->number);
	if (!err)
		err = country_param(r, &e->country);
	if (!err)
		err = rest_bool(r, "send_paused", &e->paused);
	e->has_paused = !json_is_nil(json_get(r->params, "send_paused"));
	e->vars = json_get(r->params, "vars");
	return err;
}

static void set_given(struct record *phone, const char *name, struct slice text)
{
	if (text.p)
		record_set_text(phone, name, text);
}

static int apply(struct edit *e, struct record *phone, struct fault *fault)
{
	int err = json_is_nil(e->vars) ? 0 : record_vars_merge(phone, "vars", e->vars, "vars", fault);

	if (err)
		return err;
	set_given(phone, "name", e->name);
	set_given(phone, "phone_number", e->number);
	set_given(phone, "country", e->country);
	if (e->has_paused)
		record_set_bool(phone, "send_paused", e->paused);
	if (e->config.n > 0)
		record_set(phone, CONFIG, e->config);
	return 0;
}

/* --- the endpoint beside it --- */

/* Of the phone as it is stored. */
static void gateway_beside(struct deed *d, struct slice phone_id, struct buf *ret_id, struct buf *ret_settings)
{
	struct record *phone = record_load(d, KIND_PHONE, phone_id);
	const struct phone_type *type = phone ? phone_type_find(record_text(phone, "phone_type")) : NULL;
	struct fault ignored = NO_FAULT; /* the config was checked when it was stored */
	struct json_doc config;

	phone_endpoint_id(phone_id, ret_id);
	json_doc_init(&config);
	if (type && type->settings && json_parse(&config, record_raw(phone, CONFIG), &json_limits_default, NULL) == 0)
		phone_settings(type, json_root(&config), !record_true(phone, "send_paused"), ret_settings, &ignored);
	json_doc_free(&config);
}

/* A phone that is paused keeps its orders: its endpoint takes them and sends nothing until it is active again. */
static int put_endpoint(struct edit *e, struct json config, bool paused)
{
	struct buf settings, id;
	int err;

	buf_init(&settings, SETTINGS_MAX);
	buf_init(&id, ID_MAX);
	phone_endpoint_id(e->id, &id);
	err = phone_settings(e->type, config, !paused, &settings, e->r->deed.fault);
	if (!err) {
		err = node_internal_endpoint(e->r->node, e->r->deed.project, buf_slice(&id), buf_slice(&settings),
					     e->r->deed.fault);
		if (err == ERR_INVALID)
			fault_within(e->r->deed.fault, "config");
	}
	buf_free(&settings);
	buf_free(&id);
	return err;
}

static int drop_endpoint(struct edit *e)
{
	struct fault fault = NO_FAULT;
	struct buf id;
	int err;

	buf_init(&id, ID_MAX);
	phone_endpoint_id(e->id, &id);
	err = node_internal_endpoint_delete(e->r->node, e->r->deed.project, buf_slice(&id), &fault);
	buf_free(&id);
	return err == ERR_NOT_FOUND ? 0 : err;
}

static int replace_config(struct json old, struct json config, struct buf *out, struct fault *fault)
{
	int err = 0;

	if (json_is_nil(config))
		buf_add_str(out, "{}");
	else
		err = phone_config_replace(old, config, out, fault);
	if (err)
		fault_within(fault, "config");
	return err;
}

/* The new config whole, in the arena, and parsed. */
static int merge_config(struct edit *e, struct json_doc *ret)
{
	struct json patch = json_get(e->r->params, "config");
	struct slice before = e->saved ? record_raw(e->saved, CONFIG) : SLICE_LIT("");
	struct json_doc old;
	struct buf merged;
	int err;

	json_doc_init(&old);
	buf_init(&merged, SETTINGS_MAX);
	err = json_parse(&old, before.n > 0 ? before : SLICE_LIT("{}"), &json_limits_default, NULL);
	if (!err && e->whole)
		err = replace_config(json_root(&old), patch, &merged, e->r->deed.fault);
	else if (!err && !json_is_nil(patch))
		phone_config_merge(json_root(&old), patch, &merged);
	if (!err && merged.n > 0)
		e->config = arena_slice(e->r->deed.arena, buf_slice(&merged));
	if (!err)
		err = json_parse(ret, e->config.n > 0 ? e->config : arena_slice(e->r->deed.arena, before),
				 &json_limits_default, NULL);
	buf_free(&merged);
	json_doc_free(&old);
	return err;
}

static int change_endpoint(struct edit *e)
{
	bool paused = e->has_paused || e->whole ? e->paused : record_true(e->saved, "send_paused");
	struct json_doc config;
	int err;

	json_doc_init(&config);
	err = merge_config(e, &config);
	if (!err)
		err = put_endpoint(e, json_root(&config), paused);
	json_doc_free(&config);
	return err;
}

/* --- commits of a blocking call --- */

static struct deed deed_in(const struct edit *e, struct book *b)
{
	struct deed d = e->r->deed;

	d.book = b;
	d.now_ms = book_now_ms(b);
	return d;
}

/* A fault of the call, or one of the commit. */
static int commit(struct edit *e, book_fn *fn)
{
	int err = node_book_wait(e->r->node, fn, e);

	return err ? err : e->err;
}

/* As it is now: a copy for checking, whose text is the arena's. */
static void read_phone(void *ctx, struct book *b)
{
	struct edit *e = ctx;
	struct deed d = deed_in(e, b);

	e->saved = record_load(&d, KIND_PHONE, e->id);
}

/* --- create, put --- */

static void make_id(void *ctx, struct book *b)
{
	struct edit *e = ctx;
	struct deed d = deed_in(e, b);
	char id[HUB_ID_BYTES];

	kind_id(d.hub, KIND_PHONE, d.now_ms, id);
	e->id = slice_str(arena_str(d.arena, slice_str(id)));
}

/* What a phone of this id has by itself, and not because somebody said so. */
static void keep(struct deed *d, struct record *phone)
{
	static const char *const kept[] = { "time_created", "last_active_time", "vars" };
	struct record *old = record_load(d, KIND_PHONE, record_id(phone));

	for (size_t i = 0; old && i < sizeof(kept) / sizeof(kept[0]); i++)
		record_set(phone, kept[i], record_raw(old, kept[i]));
}

static void make_phone(void *ctx, struct book *b)
{
	struct edit *e = ctx;
	struct deed d = deed_in(e, b);

	e->saved = record_new(&d, KIND_PHONE, arena_str(d.arena, e->id));
	keep(&d, e->saved);
	record_set_text(e->saved, "phone_type", slice_str(e->type->name));
	record_set_bool(e->saved, "send_paused", false);
	e->err = apply(e, e->saved, d.fault);
	if (!e->err)
		record_save(&d, e->saved);
}

static int read_type(struct edit *e)
{
	struct slice name = SLICE_LIT("");
	struct buf known;
	int err = rest_need(e->r, "phone_type", &name);

	if (err)
		return err;
	e->type = phone_type_find(name);
	if (e->type)
		return 0;
	buf_init(&known, 200);
	phone_type_list(&known);
	err = fault_param(e->r->deed.fault, "phone_type", "is \"%.*s\"; there are %s", SLICE_HEAD(name, 40),
			  buf_str(&known));
	buf_free(&known);
	return err;
}

static bool is_empty_object(struct json v)
{
	struct json_iter it = json_each(v);

	return json_is_nil(v) || (json_type(v) == JSON_OBJECT && !json_next(&it));
}

/* Without a gateway a config would be believed and never looked at. */
static int refuse_config(struct edit *e, struct json config)
{
	if (is_empty_object(config))
		return 0;
	return fault_param(e->r->deed.fault, "config", "a phone of type %s has no gateway and takes no config",
			   e->type->name);
}

/* Variables are checked on an object that is thrown away, before the endpoint is touched. */
static int check_vars(struct edit *e, struct record *scratch)
{
	return json_is_nil(e->vars) ? 0 : record_vars_merge(scratch, "vars", e->vars, "vars", e->r->deed.fault);
}

/* Messages that wait for one kind of gateway are nothing for another. */
static int check_type(struct edit *e)
{
	if (!e->saved || slice_is(record_text(e->saved, "phone_type"), e->type->name))
		return 0;
	return fault_param(e->r->deed.fault, "phone_type",
			   "cannot be changed; delete the phone first, or make another");
}

static int prepare_new(struct edit *e)
{
	int err = read_type(e);

	if (!err)
		err = check_type(e);
	if (!err)
		err = read_edit(e);
	if (!err)
		err = check_vars(e, record_read(&e->r->deed, KIND_PHONE, SLICE_LIT("PN"), SLICE_LIT("{}")));
	if (!err && !e->name.p)
		e->name = slice_str(e->type->name);
	if (!err && !e->type->settings)
		err = refuse_config(e, json_get(e->r->params, "config"));
	if (!err && e->id.n == 0)
		err = commit(e, make_id);
	return err || !e->type->settings ? err : change_endpoint(e);
}

static int make(struct edit *e)
{
	static const char *const known[] = { "name",   "phone_type",  "phone_number", "country",
					     "config", "send_paused", "vars",	      NULL };
	int err = rest_only(e->r, known);
	bool first = !e->saved;

	if (!err)
		err = prepare_new(e);
	if (!err) {
		err = commit(e, make_phone);
		if (err && e->type->settings && first)
			drop_endpoint(e);
	}
	if (!err)
		err = beside_settle(e->r, e->id, gateway_beside);
	if (!err)
		show(e->r, e->saved);
	return err;
}

int rest_phone_create(struct rest *r)
{
	struct edit e = { .r = r, .whole = true };

	return make(&e);
}

int rest_phone_put(struct rest *r)
{
	struct edit e = { .r = r, .id = r->id, .whole = true };
	int err = rest_own_id(r);

	if (err)
		return err;
	node_book_read(r->node, read_phone, &e);
	return make(&e);
}

/* --- change --- */

static void change_phone(void *ctx, struct book *b)
{
	struct edit *e = ctx;
	struct deed d = deed_in(e, b);

	e->saved = record_load(&d, KIND_PHONE, e->id);
	e->err = e->saved ? apply(e, e->saved, d.fault) : rest_none(e->r, KIND_PHONE, e->id);
	if (!e->err)
		record_save(&d, e->saved);
}

static int prepare_change(struct edit *e)
{
	struct json config = json_get(e->r->params, "config");
	int err = read_edit(e);

	if (err)
		return err;
	node_book_read(e->r->node, read_phone, e);
	if (!e->saved)
		return rest_none(e->r, KIND_PHONE, e->id);
	e->type = phone_type_find(record_text(e->saved, "phone_type"));
	err = check_vars(e, e->saved);
	if (!err && (!e->type || !e->type->settings))
		return refuse_config(e, config);
	if (!err && (e->has_paused || !json_is_nil(config)))
		err = change_endpoint(e);
	return err;
}

int rest_phone_change(struct rest *r)
{
	static const char *const known[] = { "name", "phone_number", "country", "send_paused", "config", "vars", NULL };
	struct edit e = { .r = r, .id = r->id };
	int err = rest_only(r, known);

	if (!err)
		err = prepare_change(&e);
	if (!err)
		err = commit(&e, change_phone);
	if (!err)
		err = beside_settle(r, e.id, gateway_beside);
	if (!err)
		show(r, e.saved);
	return err;
}

/* --- delete --- */

static void delete_phone(void *ctx, struct book *b)
{
	struct edit *e = ctx;
	struct deed d = deed_in(e, b);
	struct record *phone = record_load(&d, KIND_PHONE, e->id);

	e->err = phone ? 0 : rest_none(e->r, KIND_PHONE, e->id);
	if (phone)
		record_delete(&d, phone);
}

/* Orders that wait end as deleted, and their messages as failed. */
int rest_phone_delete(struct rest *r)
{
	struct edit e = { .r = r, .id = r->id };
	int err = commit(&e, delete_phone);

	return err ? err : drop_endpoint(&e);
}

int rest_phone_messages(struct rest *r)
{
	struct record *phone;
	int err = rest_load(r, KIND_PHONE, r->id, &phone);

	return err ? err : rest_messages_with(r, FIELD_PHONE, r->id);
}

/* --- custom routes: combinations of phones, of which there are none --- */

static bool is_route(struct rest *r, struct record *phone)
{
	(void)r;
	(void)phone;
	return false;
}

/* Parameters are checked and answered as for any list. */
int rest_routes(struct rest *r)
{
	static const struct list_field names[] = { { "name", LIST_TEXT, FIELD_NAME, true }, { NULL, 0, 0, false } };
	static const struct list_spec none = {
		.kind = KIND_PHONE, .fields = names, .order = FIELD_ID, .keep = is_route
	};

	return rest_list(r, &none, FIELD_ID, SLICE_LIT(""));
}

int rest_route(struct rest *r)
{
	fault_set(r->deed.fault, "not_found", "",
		  "there is no route \"%.*s\": messages go by phones here, see …/phones", SLICE_HEAD(r->id, 80));
	return ERR_NOT_FOUND;
}
