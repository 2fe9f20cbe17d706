/*
 * Portal links: the operator's own program, or an operator at the console, makes one for a customer, who then sees his
 * project in the same console, perhaps in a frame of another page. What a link may do stands in the table of routes.
 */
#include "api/answer.h"
#include "api/handlers.h"

#define EXPIRES_DEFAULT_S 3600
#define EXPIRES_LEAST_S	  60
#define EXPIRES_MOST_S	  INT64_C(2592000) /* 30 days */
#define NAME_MAX_BYTES	  200

struct wanted {
	int64_t expires_s;
	bool write;
	struct slice name; /* for the log */
};

static int check_names(struct json body, struct fault *fault)
{
	struct json_iter it = json_each(body);
	char param[64];

	while (json_next(&it)) {
		if (json_is(it.key, "expires_s") || json_is(it.key, "write") || json_is(it.key, "name"))
			continue;
		slice_copy(param, sizeof(param), json_escaped_text(it.key));
		return fault_param(fault, param, "is not known here; expires_s, write and name are");
	}
	return 0;
}

static int read_wanted(struct json body, struct wanted *ret, struct buf *scratch, struct fault *fault)
{
	struct json expires = json_get(body, "expires_s"), write = json_get(body, "write");
	struct json name = json_get(body, "name");
	long long n = EXPIRES_DEFAULT_S;

	if (check_names(body, fault))
		return ERR_INVALID;
	if (!json_is_nil(expires) && (json_type(expires) != JSON_NUMBER || !slice_to_i64(json_raw(expires), &n) ||
				      n < EXPIRES_LEAST_S || n > EXPIRES_MOST_S))
		return fault_param(fault, "expires_s", "must be a number of seconds from %d to %lld", EXPIRES_LEAST_S,
				   (long long)EXPIRES_MOST_S);
	if (!json_is_nil(write) && json_type(write) != JSON_TRUE && json_type(write) != JSON_FALSE)
		return fault_param(fault, "write", "must be true or false");
	if (!json_is_nil(name) && (json_type(name) != JSON_STRING || json_raw(name).n > NAME_MAX_BYTES))
		return fault_param(fault, "name", "must be a text of at most %d bytes", NAME_MAX_BYTES);
	*ret = (struct wanted){ n, json_type(write) == JSON_TRUE, json_text_slice(name, scratch) };
	return 0;
}

static void answer_link(struct call *c, const struct portal_link *link, const char *token)
{
	struct json_writer *w = answer_begin(c);
	struct buf url;

	buf_init(&url, 16384);
	buf_addf(&url, "%s/#link=%s", hub_public_url(c->api->hub), token);
	json_begin_object(w);
	json_member_string(w, "url", buf_slice(&url));
	json_member_str(w, "token", token);
	json_member_i64(w, "time_expires", link->ends_s);
	json_member_bool(w, "write", link->write);
	json_end_object(w);
	buf_free(&url);
	answer_json(c, 201);
}

static void make(struct call *c, const struct wanted *wanted)
{
	struct portal_link link = { .ends_s = node_now_ms(c->node) / 1000 + wanted->expires_s, .write = wanted->write };
	char token[PORTAL_TOKEN_BYTES];
	struct fault fault = NO_FAULT;
	int err;

	slice_copy(link.project, sizeof(link.project), c->params[0]);
	err = node_portal_make(c->node, &link, token, &fault);
	if (err) {
		answer_err(c, err, &fault);
		return;
	}
	log_info(c->api->options.log, "portal link made", LOG_STR("project", link.project),
		 LOG_SLICE("name", wanted->name), LOG_STR("write", link.write ? "yes" : "no"),
		 LOG_INT("time_expires", link.ends_s));
	answer_link(c, &link, token);
	mem_wipe(token, sizeof(token));
}

void portal_link_create(struct call *c)
{
	struct fault fault = NO_FAULT;
	struct wanted wanted = { .expires_s = 0 };
	struct buf scratch;
	struct json body;

	if (!call_body_or_none(c, &body))
		return;
	buf_init(&scratch, 4096);
	if (read_wanted(body, &wanted, &scratch, &fault))
		answer_err(c, ERR_INVALID, &fault);
	else
		make(c, &wanted);
	buf_free(&scratch);
}

void portal_links_end(struct call *c)
{
	struct fault fault = NO_FAULT;
	int err = node_portal_end(c->node, c->params[0], &fault);

	if (err)
		answer_err(c, err, &fault);
	else
		answer_empty(c);
}
