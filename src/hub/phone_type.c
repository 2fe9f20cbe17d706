/*
 * Types of phones: one row each. The type `http` is any gateway there is: its config is the settings of an endpoint, by
 * templates, and what is said here is only what suits a gateway better than a customer's webhook. The type `kannel` is
 * that with the settings of Kannel's sendsms call written by us.
 *
 * A secret is never in an event and never in the text of a template: it is the endpoint's `secret`, which templates
 * write as {SECRET} and everything that shows an exchange masks.
 */
#include "hub/phone_type.h"

#include "base/text.h"
#include "hub/hub.h"
#include "hub/kannel.h"

#define MASK		SLICE_LIT("***")
#define DLR_MASK_ALL	31
#define SETTINGS_MAX	((size_t)1024 * 1024)
#define KANNEL_TEXT_MAX 256
/* A gateway is near and comes back soon; what it does not take within a day nobody wants any more. */
#define RETRY "{\"delays_s\":[5,30,60,300,600,1800,3600],\"max_age_s\":86400}"

/* --- reading a config --- */

static const struct json absent;

static bool has(struct json config, const char *name)
{
	return !json_is_nil(json_get(config, name));
}

/* Copies a member as it is, or the fallback (NULL: nothing) where there is none. */
static void copy_member(struct json config, const char *name, const char *fallback, struct json_writer *w)
{
	if (!has(config, name) && !fallback)
		return;
	json_key(w, name);
	json_put_raw(w, has(config, name) ? json_raw(json_get(config, name)) : slice_str(fallback));
}

static int need_text(struct json config, const char *name, struct buf *out, struct fault *fault)
{
	struct json v = json_get(config, name);

	if (json_type(v) != JSON_STRING)
		return fault_param(fault, name,
				   json_is_nil(v) ? "is missing; the type needs url, username and password"
						  : "must be a string");
	json_text(v, out);
	if (out->n == 0 || buf_failed(out))
		return fault_param(fault, name, "must have 1 to %zu bytes", out->max);
	if (slice_eq(buf_slice(out), MASK))
		return fault_param(fault, name, "is the mask that secrets are shown as; give the secret itself");
	return 0;
}

/* A member that is not in the list; the first one is named. */
static int only(struct json config, const char *const *known, const char *why, struct fault *fault)
{
	struct json_iter it = json_each(config);
	struct buf name;
	int err = 0;

	buf_init(&name, sizeof(fault->param));
	while (!err && json_next(&it)) {
		struct slice text = json_text_slice(it.key, &name);

		if (!slice_among(text, known)) {
			err = fault_param(fault, "", "%s", why);
			slice_copy(fault->param, sizeof(fault->param), text);
		}
	}
	buf_free(&name);
	return err;
}

/* --- kannel --- */

static const char *const kannel_known[] = { "url",   "username",    "password",	  "smsc",  "dlr_mask", "timeout_ms",
					    "retry", "concurrency", "rate_per_s", "ports", "tls",      NULL };

/* What does not change goes into the URL, where any text can be written. */
static void add_argument(struct buf *url, const char *name, struct slice value)
{
	buf_add_char(url, memchr(buf_str(url), '?', url->n) ? '&' : '?');
	buf_add_str(url, name);
	buf_add_char(url, '=');
	percent_add(url, value);
}

static int kannel_url(struct json config, struct buf *url, struct fault *fault)
{
	struct buf text;
	int64_t mask = DLR_MASK_ALL;
	int err = need_text(config, "url", url, fault);

	buf_init(&text, KANNEL_TEXT_MAX);
	if (!err)
		err = need_text(config, "username", &text, fault);
	if (!err)
		add_argument(url, "username", buf_slice(&text));
	buf_reset(&text);
	if (!err && has(config, "smsc")) {
		err = need_text(config, "smsc", &text, fault);
		add_argument(url, "smsc", buf_slice(&text));
	}
	if (!err && has(config, "dlr_mask") &&
	    (!json_i64(json_get(config, "dlr_mask"), &mask) || mask < 0 || mask > 31))
		err = fault_param(fault, "dlr_mask",
				  "must be a whole number from 0 to 31: the sum of 1 delivered, 2 not "
				  "delivered, 4 buffered, 8 accepted, 16 rejected");
	buf_reset(&text);
	buf_add_i64(&text, mask);
	if (!err)
		add_argument(url, "dlr-mask", buf_slice(&text));
	buf_free(&text);
	return err;
}

static void kannel_fields(struct json_writer *w)
{
	static const char *const fields[][2] = {
		{ "password", "{SECRET}" },
		{ "from", "{message.from_number}" },
		{ "to", "{message.to_number}" },
		{ "text", "{message.content}" },
		{ "charset", "UTF-8" },
		{ "coding", "{message.coding}" },
		{ "dlr-url", "{message.dlr_url}" },
	};

	json_key(w, "fields");
	json_begin_object(w);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		json_member_str(w, fields[i][0], fields[i][1]);
	json_end_object(w);
}

static int kannel_settings(struct json config, struct json_writer *w, struct fault *fault)
{
	struct buf url, password;
	int err = only(config, kannel_known,
		       "is no setting of a kannel phone; there are url, username, password, smsc, dlr_mask, "
		       "timeout_ms, retry, concurrency, rate_per_s, ports and tls",
		       fault);

	buf_init(&url, 4096);
	buf_init(&password, KANNEL_TEXT_MAX);
	if (!err)
		err = kannel_url(config, &url, fault);
	if (!err)
		err = need_text(config, "password", &password, fault);
	if (!err) {
		json_member_str(w, "method", "GET");
		json_member_str(w, "content_type", "query");
		json_member_string(w, "url", buf_slice(&url));
		json_member_string(w, "secret", buf_slice(&password));
		kannel_fields(w);
		/* "0: Accepted for delivery", "3: Queued for later delivery" */
		json_key(w, "success");
		json_put_raw(
			w, SLICE_LIT("{\"statuses\":\"2xx\",\"ack\":\"body_prefix\",\"body_prefix\":[\"0:\",\"3:\"]}"));
		copy_member(config, "retry", RETRY, w);
		for (const char *const *name = kannel_known + 5; *name; name++)
			if (strcmp(*name, "retry") != 0)
				copy_member(config, *name, NULL, w);
	}
	buf_free(&password);
	buf_free(&url);
	return err;
}

/* --- http --- */

/* What of an endpoint's settings is not the config's to say, or is not for the endpoint. */
static const char *const not_for_http[] = { "active",	      "events",		 "message_types", "statuses",
					    "filter",	      "reports",	 "name",	  "url_from_event",
					    "final_statuses", "newest_replaces", "actions",	  NULL };
static const char *const http_own[] = { "external_id_path", "external_id_prefix", NULL };

static int check_own(struct json config, struct fault *fault)
{
	for (size_t i = 0; http_own[i]; i++)
		if (has(config, http_own[i]) && json_type(json_get(config, http_own[i])) != JSON_STRING)
			return fault_param(fault, http_own[i], "must be a string");
	return 0;
}

static int http_settings(struct json config, struct json_writer *w, struct fault *fault)
{
	struct json_iter it = json_each(config);
	bool preset = has(config, "preset");
	struct buf name;
	int err = check_own(config, fault);

	buf_init(&name, SETTINGS_MAX);
	while (!err && json_next(&it)) {
		struct slice text = json_text_slice(it.key, &name);

		if (slice_among(text, http_own))
			continue;
		if (slice_among(text, not_for_http)) {
			err = fault_param(fault, "", "is not the gateway's to say; leave it out");
			slice_copy(fault->param, sizeof(fault->param), text);
			continue;
		}
		json_key_slice(w, text);
		json_put_raw(w, json_raw(it.value));
	}
	buf_free(&name);
	if (!err && !preset && !has(config, "retry"))
		copy_member(absent, "retry", RETRY, w);
	return err;
}

/* --- test --- */

static const char *const texts[] = { "sms", NULL };
static const char *const texts_and_media[] = { "sms", "mms", "chat", NULL };

static const struct phone_type types[] = {
	{ "test", NULL, NULL, NULL },
	{ "kannel", kannel_settings, kannel_order, texts },
	{ "http", http_settings, NULL, texts_and_media },
};
#define TYPES (sizeof(types) / sizeof(types[0]))

const struct phone_type *phone_type_find(struct slice name)
{
	for (size_t i = 0; i < TYPES; i++)
		if (slice_is(name, types[i].name))
			return &types[i];
	return NULL;
}

bool phone_type_sends(const struct phone_type *type, struct slice message_type)
{
	return !type->sends || slice_among(message_type, type->sends);
}

void phone_type_list(struct buf *out)
{
	for (size_t i = 0; i < TYPES; i++)
		buf_addf(out, "%s%s", i ? ", " : "", types[i].name);
}

void phone_endpoint_id(struct slice phone_id, struct buf *out)
{
	buf_add_str(out, PHONE_ENDPOINT);
	buf_add_slice(out, phone_id);
}

int phone_settings(const struct phone_type *type, struct json config, bool active, struct buf *out, struct fault *fault)
{
	struct json_writer w;
	int err;

	if (!json_is_nil(config) && json_type(config) != JSON_OBJECT)
		return fault_param(fault, "config", "must be an object, not %s", json_type_name(json_type(config)));
	json_writer_init(&w, out);
	json_begin_object(&w);
	json_member_bool(&w, "active", active);
	json_member_bool(&w, "reports", true);
	/* Messages are no events of each other; and a gateway that fails for days is still the way out. */
	if (!has(config, "order"))
		json_member_str(&w, "order", "none");
	if (!has(config, "headers_extra"))
		json_member_bool(&w, "headers_extra", false);
	if (!has(config, "disable_after_s"))
		json_member_i64(&w, "disable_after_s", 0);
	err = type->settings(config, &w, fault);
	if (err)
		fault_within(fault, "config");
	json_end_object(&w);
	return err;
}

/* --- secrets in a config --- */

static bool is_secret(struct slice name)
{
	static const char *const secrets[] = { "password", "secret", "previous_secret", "client_key", NULL };

	return slice_among(name, secrets);
}

/* Secrets stand at the top, or in a group there (auth, tls). Masked, or, when they are masked already, left out. */
static void copy_without_secrets(struct json v, bool mask, int depth, struct json_writer *w)
{
	struct json_iter it = json_each(v);
	struct buf name;

	buf_init(&name, SETTINGS_MAX);
	json_begin_object(w);
	while (json_next(&it)) {
		struct slice text = json_text_slice(it.key, &name);
		bool secret = is_secret(text) && json_type(it.value) == JSON_STRING;

		if (secret && !mask && json_is(it.value, "***"))
			continue;
		json_key_slice(w, text);
		if (secret && mask)
			json_put_string(w, MASK);
		else if (depth > 0 && json_type(it.value) == JSON_OBJECT)
			copy_without_secrets(it.value, mask, depth - 1, w);
		else
			json_put_raw(w, json_raw(it.value));
	}
	json_end_object(w);
	buf_free(&name);
}

void phone_config_mask(struct json config, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	copy_without_secrets(config, true, 1, &w);
}

static int copy_with_secrets(struct json v, struct json old, int depth, struct json_writer *w, struct fault *fault)
{
	struct json_iter it = json_each(v);
	struct buf name;
	int err = 0;

	buf_init(&name, SETTINGS_MAX);
	json_begin_object(w);
	while (!err && json_next(&it)) {
		struct slice text = json_text_slice(it.key, &name);
		struct json before = json_get_slice(old, text);
		bool masked = is_secret(text) && json_is(it.value, "***");

		if (masked && json_type(before) != JSON_STRING) {
			err = fault_param(fault, "",
					  "is a mask, and there is no secret behind it yet; give the secret itself");
		} else {
			json_key_slice(w, text);
			if (depth > 0 && json_type(it.value) == JSON_OBJECT)
				err = copy_with_secrets(it.value, before, depth - 1, w, fault);
			else
				json_put_raw(w, json_raw(masked ? before : it.value));
		}
		if (err)
			fault_within(fault, "%.*s", SLICE_ARG(text));
	}
	if (!err)
		json_end_object(w);
	buf_free(&name);
	return err;
}

int phone_config_replace(struct json old, struct json config, struct buf *out, struct fault *fault)
{
	struct json_writer w;

	if (json_type(config) != JSON_OBJECT) { /* refused when settings are made of it */
		buf_add_slice(out, json_raw(config));
		return 0;
	}
	json_writer_init(&w, out);
	return copy_with_secrets(config, old, 1, &w, fault);
}

void phone_config_merge(struct json old, struct json patch, struct buf *out)
{
	struct json_writer w;
	struct json_doc doc;
	struct buf rest;

	if (json_type(patch) != JSON_OBJECT) { /* refused when settings are made of it */
		buf_add_slice(out, json_raw(patch));
		return;
	}
	json_doc_init(&doc);
	buf_init(&rest, SETTINGS_MAX);
	json_writer_init(&w, &rest);
	copy_without_secrets(patch, false, 1, &w);
	if (json_parse(&doc, buf_slice(&rest), &json_limits_default, NULL) == 0)
		endpoint_merge(old, json_root(&doc), out);
	buf_free(&rest);
	json_doc_free(&doc);
}
