/*
 * What a client has to know before it shows anything: what its key opens; and for the operator, the settings in force.
 */
#include "api/answer.h"
#include "api/handlers.h"

/* --- who --- */

static const char *role_of(const struct call *c)
{
	if (call_is_admin(c))
		return "admin";
	return c->by_link ? "portal" : "project";
}

/* The project's name, null when it has none. */
static void write_name(struct call *c, struct json_writer *w)
{
	struct json_writer inner;
	struct json_doc doc;
	struct buf text;
	struct json name;

	buf_init(&text, CALL_ANSWER_MAX);
	json_doc_init(&doc);
	json_writer_init(&inner, &text);
	json_key(w, "name");
	if (!call_is_admin(c) && node_project_write(c->node, slice_str(c->key_project), &inner) == 0 &&
	    json_parse(&doc, buf_slice(&text), &json_limits_default, NULL) == 0 &&
	    !json_is_nil(name = json_get(json_root(&doc), "name")))
		json_put_raw(w, json_raw(name));
	else
		json_put_null(w);
	json_doc_free(&doc);
	buf_free(&text);
}

static void write_portal(struct json_writer *w, const struct call *c)
{
	json_key(w, "portal");
	if (!c->by_link) {
		json_put_null(w);
		return;
	}
	json_begin_object(w);
	json_member_i64(w, "time_expires", c->portal.ends_s);
	json_member_bool(w, "write", c->portal.write);
	json_end_object(w);
}

void whoami_show(struct call *c)
{
	struct json_writer *w = answer_begin(c);

	json_begin_object(w);
	json_member_str(w, "role", role_of(c));
	json_member_str(w, "project", call_is_admin(c) ? NULL : c->key_project);
	write_name(c, w);
	json_member_str(w, "version", POSTRIDER_VERSION);
	json_member_i64(w, "time", node_now_ms(c->node) / 1000);
	write_portal(w, c);
	json_member_str(w, "public_url", hub_public_url(c->api->hub));
	json_end_object(w);
	answer_json(c, 200);
}

/* --- settings --- */

/* The daemon wrote them (api_settings); the API knows none of them by name. */
void settings_show(struct call *c)
{
	struct api *a = c->api;
	struct json_writer *w = answer_begin(c);

	json_begin_object(w);
	json_key(w, "data");
	pthread_mutex_lock(&a->settings_lock);
	json_put_raw(w, a->settings ? slice_str(a->settings) : SLICE_LIT("[]"));
	pthread_mutex_unlock(&a->settings_lock);
	json_end_object(w);
	answer_json(c, 200);
}
