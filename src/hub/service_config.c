/*
 * Configs of services hold secrets: of a webhook, and of webhooks anywhere among actions. What is stored has them, what
 * is shown has "***", and who sends back what was shown keeps them. A secret belongs to its URL; the webhook of a
 * service is one whatever its URL, so there the secret stays when only the URL changes.
 */
#include "hub/service_parts.h"

struct copy {
	struct json_writer w;
	struct json old; /* where kept secrets are looked for; NONE: secrets are written as SECRET_SHOWN */
	bool show;
};

/* The secret that stands beside this URL somewhere in v. */
static struct json secret_of(struct json v, const char *url)
{
	struct json found = json_get(v, "secret");

	if (json_type(found) == JSON_STRING && json_is(json_get(v, "url"), url))
		return found;
	found = (struct json){ 0 };
	for (struct json_iter it = json_each(v); json_type(found) == JSON_NONE && json_next(&it);)
		found = secret_of(it.value, url);
	return found;
}

static struct json kept_secret(const struct copy *c, struct json object, bool is_top)
{
	struct json found = { 0 };
	struct buf url;

	if (is_top)
		return json_get(c->old, "secret");
	buf_init(&url, 65536);
	json_text(json_get(object, "url"), &url);
	if (url.n > 0)
		found = secret_of(c->old, buf_str(&url));
	buf_free(&url);
	return found;
}

static void put_secret(struct copy *c, struct json object, struct json secret, bool is_top)
{
	struct json kept = { 0 };

	if (c->show) {
		json_put_str(&c->w, SECRET_SHOWN);
		return;
	}
	if (json_is(secret, SECRET_SHOWN))
		kept = kept_secret(c, object, is_top);
	json_put_raw(&c->w, json_raw(json_type(kept) == JSON_STRING ? kept : secret));
}

/* As deep as the reader lets a text be. */
static void put(struct copy *c, struct json v)
{
	struct json_iter it = json_each(v);

	if (json_type(v) == JSON_OBJECT) {
		json_begin_object(&c->w);
		while (json_next(&it)) {
			json_key_same(&c->w, it.key);
			if (json_is(it.key, "secret") && json_type(it.value) == JSON_STRING)
				put_secret(c, v, it.value, false);
			else
				put(c, it.value);
		}
		json_end_object(&c->w);
	} else if (json_type(v) == JSON_ARRAY) {
		json_begin_array(&c->w);
		while (json_next(&it))
			put(c, it.value);
		json_end_array(&c->w);
	} else {
		json_put_raw(&c->w, json_raw(v));
	}
}

static void put_changed(struct copy *c, struct json changed)
{
	for (struct json_iter it = json_each(changed); json_next(&it);) {
		/* null is a value of `ports` */
		if (json_type(it.value) == JSON_NULL && !json_is(it.key, "ports"))
			continue;
		json_key_same(&c->w, it.key);
		if (json_is(it.key, "secret"))
			put_secret(c, changed, it.value, true);
		else
			put(c, it.value);
	}
}

void config_merge(struct json old, struct json changed, struct buf *out)
{
	struct copy c = { .old = old };

	json_writer_init(&c.w, out);
	json_begin_object(&c.w);
	for (struct json_iter it = json_each(old); json_next(&it);) {
		if (json_type(json_get_same(changed, it.key)) != JSON_NONE)
			continue;
		json_key_same(&c.w, it.key);
		json_put_raw(&c.w, json_raw(it.value));
	}
	put_changed(&c, changed);
	json_end_object(&c.w);
}

void config_replace(struct json old, struct json given, struct buf *out)
{
	struct copy c = { .old = old };

	json_writer_init(&c.w, out);
	json_begin_object(&c.w);
	put_changed(&c, given);
	json_end_object(&c.w);
}

void config_show(struct json config, struct buf *out)
{
	struct copy c = { .show = true };

	json_writer_init(&c.w, out);
	put(&c, config);
}
