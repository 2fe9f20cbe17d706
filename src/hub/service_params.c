/*
 * A service's properties as the REST API takes them, each checked before anything is written. The config is kept twice:
 * `_config` as it is, and `config` as it is shown, without secrets.
 */
#include <stdio.h>

#include "hub/record_parts.h"
#include "hub/service_parts.h"

#define NAME_MAX    200
#define IDS_MAX	    200
#define CONFIG_MAX  ((size_t)1 << 18)
#define NAMES_TRIED 1000
#define PRIORITIES  INT64_C(1000000000)

/* --- names --- */

struct taken {
	struct slice value, id; /* the name as it stands in the index; whose it may be */
	bool is;
};

static bool look_name(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct taken *t = ctx;

	(void)text;
	if (!slice_eq(value, t->value))
		return false;
	t->is = !slice_eq(id, t->id);
	return !t->is;
}

static bool is_taken(struct rest *r, struct slice name, struct slice id)
{
	struct taken t = { .value = keys_text(r->deed.arena, FIELD_NAME, name), .id = id };
	struct object_query q = {
		.project = r->deed.project, .kind = KIND_SERVICE, .field = FIELD_NAME, .from = t.value
	};

	book_walk(r->deed.book, &q, false, look_name, &t);
	return t.is;
}

/* "Webhook", "Webhook 2", … */
static void set_free_name(struct rest *r, struct record *service, const char *name)
{
	char text[64];

	snprintf(text, sizeof(text), "%s", name);
	for (int i = 2; i < NAMES_TRIED && is_taken(r, slice_str(text), record_id(service)); i++)
		snprintf(text, sizeof(text), "%s %d", name, i);
	record_set_text(service, "name", slice_str(text));
}

static int read_name(struct rest *r, struct record *service, const char *otherwise)
{
	struct slice name;
	int err;

	if (!rest_text(r, "name", &name, &err)) {
		if (!err && record_is_new(service))
			set_free_name(r, service, otherwise);
		return err;
	}
	name = slice_trim(name);
	if (name.n == 0 || name.n > NAME_MAX)
		return fault_param(r->deed.fault, "name", "a name has 1 to %d bytes", NAME_MAX);
	if (is_taken(r, name, record_id(service)))
		return fault_param(r->deed.fault, "name", "there is a service \"%.*s\" already; choose another name",
				   SLICE_ARG(name));
	record_set_text(service, "name", name);
	return 0;
}

/* --- numbers and words --- */

struct last {
	struct rest *r;
	int64_t priority;
};

static bool look_priority(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct last *last = ctx;
	struct record *service = record_read(&last->r->deed, KIND_SERVICE, id, text);

	(void)value;
	if (service)
		last->priority = record_i64(service, "priority", 0);
	return false;
}

/* A new service comes after all others. */
static int64_t last_priority(struct rest *r)
{
	struct object_query q = {
		.project = r->deed.project, .kind = KIND_SERVICE, .field = FIELD_PRIORITY, .descending = true
	};
	struct last last = { .r = r };

	book_walk(r->deed.book, &q, true, look_priority, &last);
	return last.priority;
}

static int read_priority(struct rest *r, struct record *service)
{
	int64_t priority = record_i64(service, "priority", 0);
	int err;

	if (record_raw(service, "priority").n == 0)
		priority = last_priority(r) + 1;
	err = rest_i64(r, "priority", -PRIORITIES, PRIORITIES, &priority);
	record_set_i64(service, "priority", priority);
	return err;
}

static int read_flag(struct rest *r, struct record *service, const char *name)
{
	bool v = record_is_new(service) || record_true(service, name);
	int err = rest_bool(r, name, &v);

	record_set_bool(service, name, v);
	return err;
}

/* One of the words, the first of which counts for a new service. */
static int read_word(struct rest *r, struct record *service, const char *name, const char *const words[3])
{
	struct slice word;
	int err;

	if (!rest_text(r, name, &word, &err)) {
		if (!err && record_is_new(service))
			record_set_text(service, name, slice_str(words[0]));
		return err;
	}
	for (size_t i = 0; i < 3 && words[i]; i++)
		if (slice_is(word, words[i])) {
			record_set_text(service, name, word);
			return 0;
		}
	return fault_param(r->deed.fault, name, "must be %s%s%s or %s", words[0], words[2] ? ", " : "",
			   words[2] ? words[1] : "", words[2] ? words[2] : words[1]);
}

/* --- lists --- */

static bool phone_exists(struct rest *r, struct slice id)
{
	return record_load(&r->deed, KIND_PHONE, id) != NULL;
}

static bool type_exists(struct rest *r, struct slice word)
{
	static const char *const known[] = { "text", "call", "sms", "mms", "ussd", "ussd_session", "chat", NULL };

	(void)r;
	return slice_among(word, known);
}

/* A list of strings that are there; null and an empty one stand for all. */
static int read_list(struct rest *r, struct record *service, const char *name,
		     bool (*exists)(struct rest *r, struct slice text), const char *what)
{
	struct json list = json_get(r->params, name);

	if (json_type(list) == JSON_NONE)
		return 0;
	if (json_type(list) != JSON_NULL && json_type(list) != JSON_ARRAY)
		return fault_param(r->deed.fault, name, "must be a list, or null for all");
	record_unset(service, name);
	for (struct json_iter it = json_each(list); json_next(&it);) {
		struct slice text = record_decode(r->deed.arena, json_raw(it.value));

		if (it.index == IDS_MAX)
			return fault_param(r->deed.fault, name, "holds more than %d entries", IDS_MAX);
		if (json_type(it.value) != JSON_STRING || !exists(r, text)) {
			fault_param(r->deed.fault, "", "there is no %s \"%.*s\"", what, SLICE_HEAD(text, 80));
			fault_within(r->deed.fault, "%s[%u]", name, it.index);
			return ERR_INVALID;
		}
		record_list_add(service, name, text);
	}
	return 0;
}

/* --- config --- */

static int check_config(struct rest *r, struct record *service, struct slice text)
{
	const struct service_type *type = service_type_of(record_text(service, "service_type"));
	struct json_doc doc;
	struct buf shown;
	int err;

	json_doc_init(&doc);
	err = json_parse(&doc, text, &json_limits_default, r->deed.fault);
	if (!err)
		err = type->check(json_root(&doc), r->deed.fault);
	if (!err) {
		buf_init(&shown, 2 * CONFIG_MAX);
		config_show(json_root(&doc), &shown);
		/* a run that waits goes on with the actions it knows only as long as they are the same */
		if (!slice_eq(record_raw(service, "_config"), text))
			record_set_i64(service, "_revision", record_i64(service, "_revision", 0) + 1);
		record_set(service, "config", buf_slice(&shown));
		record_set(service, "_config", text);
		buf_free(&shown);
	}
	json_doc_free(&doc);
	return err;
}

int service_read_config(struct rest *r, struct record *service, struct json config)
{
	struct slice before = record_raw(service, "_config");
	struct json_doc old;
	struct buf text;
	int err;

	if (json_type(config) != JSON_OBJECT)
		return fault_param(r->deed.fault, "config", "must be an object of settings, not %s",
				   json_type_name(json_type(config)));
	if (json_raw(config).n > CONFIG_MAX)
		return fault_param(r->deed.fault, "config", "must be at most %zu bytes", CONFIG_MAX);
	json_doc_init(&old);
	buf_init(&text, 2 * CONFIG_MAX);
	if (before.n > 0 && json_parse(&old, before, &json_limits_default, NULL))
		before.n = 0;
	(record_is_new(service) ? config_replace : config_merge)(before.n > 0 ? json_root(&old) : (struct json){ 0 },
								 config, &text);
	err = check_config(r, service, buf_slice(&text));
	if (err)
		fault_within(r->deed.fault, "config");
	buf_free(&text);
	json_doc_free(&old);
	return err;
}

static int read_config(struct rest *r, struct record *service)
{
	struct json config = json_get(r->params, "config");

	if (json_type(config) != JSON_NONE)
		return service_read_config(r, service, config);
	return record_is_new(service) ? fault_param(r->deed.fault, "config", "config is missing; send it") : 0;
}

/* --- all of them --- */

/* Types that Telerivet has and that are not part of this. */
static bool is_theirs(struct slice type)
{
	static const char *const theirs[] = { "incoming_message_script",
					      "contact_script",
					      "message_script",
					      "data_row_script",
					      "webhook_script",
					      "voice_script",
					      "ussd_script",
					      "project_script",
					      "custom_template_instance",
					      NULL };

	return slice_among(type, theirs);
}

static int read_type(struct rest *r, struct record *service)
{
	struct slice word;
	int err = 0;

	if (record_raw(service, "service_type").n > 0) {
		if (rest_text(r, "service_type", &word, &err) && !slice_eq(word, record_text(service, "service_type")))
			return fault_param(r->deed.fault, "service_type", "cannot be changed; make another service");
		return err;
	}
	err = rest_need(r, "service_type", &word);
	if (err)
		return err;
	if (is_theirs(word))
		return fault_set(r->deed.fault, "not_implemented", "service_type",
				 "postrider runs no scripts and has no templates; use incoming_message_webhook, "
				 "custom_actions or messaging_poll");
	if (!service_type_of(word))
		return fault_param(r->deed.fault, "service_type",
				   "must be incoming_message_webhook, custom_actions or messaging_poll");
	record_set_text(service, "service_type", word);
	return 0;
}

static int read_table(struct rest *r)
{
	if (json_is_nil(json_get(r->params, "response_table_id")))
		return 0;
	return fault_set(r->deed.fault, "not_implemented", "response_table_id",
			 "postrider has no data tables; leave it out");
}

int service_read(struct rest *r, struct record *service)
{
	static const char *const names[] = { "name",	    "service_type",
					     "config",	    "vars",
					     "active",	    "response_table_id",
					     "phone_ids",   "message_types",
					     "show_action", "contact_number_filter",
					     "direction",   "priority",
					     "apply_mode",  NULL };
	static const char *const modes[] = { "unhandled", "always", NULL };
	static const char *const filters[] = { "long_number", "all", NULL };
	static const char *const directions[] = { "both", "incoming", "outgoing" };
	const struct service_type *type;
	int err = rest_only(r, names);

	if (err || (err = read_type(r, service)))
		return err;
	type = service_type_of(record_text(service, "service_type"));
	if ((err = read_name(r, service, type->name)) || (err = read_flag(r, service, "active")) ||
	    (err = read_priority(r, service)) || (err = read_table(r)) ||
	    (err = read_flag(r, service, "show_action")) || (err = read_word(r, service, "apply_mode", modes)) ||
	    (err = read_word(r, service, "contact_number_filter", filters)) ||
	    (err = read_word(r, service, "direction", directions)) ||
	    (err = read_list(r, service, "phone_ids", phone_exists, "phone")) ||
	    (err = read_list(r, service, "message_types", type_exists, "message type")))
		return err;
	record_set(service, "contexts", slice_str(type->contexts));
	err = record_vars_merge(service, "vars", json_get(r->params, "vars"), "vars", r->deed.fault);
	return err ? err : read_config(r, service);
}
