/*
 * The door: which route, with which key, and where it runs. Ids in paths are decoded
 * and checked here, so that no handler meets one that cannot exist. A foreign
 * project and a project that does not exist get the same answer from the same line.
 */
#include "api/answer.h"
#include "api/routes.h"
#include "api/tests.h"
#include "base/mem.h"
#include "base/text.h"
#include "watch/feed.h"

#define ID_MAX	     64
#define DESK_THREADS 2
#define BASIC_MAX    1024

/* --- life --- */

void api_set_metrics_open(struct api *a, bool open)
{
	atomic_store(&a->metrics_open, open);
}

struct api *api_new(const struct api_options *options)
{
	struct api *a = mem_zalloc(sizeof(*a));

	a->options = *options;
	atomic_init(&a->metrics_open, options->metrics_open);
	a->calls = calls_new();
	a->tests = tests_new();
	pthread_mutex_init(&a->settings_lock, NULL);
	a->desk = desk_new(options->desk_threads ? options->desk_threads : DESK_THREADS);
	return a;
}

void api_attach(struct api *a, struct node *node, struct hub *hub, struct watch *watch)
{
	a->hub = hub;
	a->watch = watch;
	atomic_store_explicit(&a->node, node, memory_order_release);
}

void api_settings(struct api *a, struct slice json)
{
	pthread_mutex_lock(&a->settings_lock);
	mem_free(a->settings);
	a->settings = slice_dup(json);
	pthread_mutex_unlock(&a->settings_lock);
}

void api_quiesce(struct api *a)
{
	atomic_store(&a->stopping, true);
	tests_quiesce(a->tests);
	if (a->watch)
		feed_close(watch_feed(a->watch));
}

void api_detach(struct api *a)
{
	desk_stop(a->desk);
}

void api_free(struct api **ap)
{
	struct api *a = *ap;

	tests_free(&a->tests);
	desk_free(&a->desk);
	calls_free(&a->calls);
	pthread_mutex_destroy(&a->settings_lock);
	mem_free(a->settings);
	mem_free(a);
	*ap = NULL;
}

/* --- who is it? --- */

static bool scheme_is(struct slice header, const char *scheme, struct slice *ret_rest)
{
	size_t n = strlen(scheme);

	if (header.n <= n || header.p[n] != ' ' || !slice_eq_nocase(slice_of(header.p, n), slice_str(scheme)))
		return false;
	*ret_rest = slice_trim(slice_from(header, n + 1));
	return true;
}

/*
 * *ret_expired: it would have been a link's, and its time is over. What is no link may be a key, however it begins: an
 * operator chooses his own.
 */
static enum key_role check_token(struct call *c, struct slice key, bool *ret_expired)
{
	enum portal_answer answer = node_portal_check(c->node, key, &c->portal);

	*ret_expired = answer == PORTAL_EXPIRED;
	if (answer == PORTAL_UNKNOWN)
		return node_key_check(c->node, key, c->key_project);
	if (answer == PORTAL_EXPIRED)
		return KEY_NONE;
	c->by_link = true;
	slice_copy(c->key_project, sizeof(c->key_project), slice_str(c->portal.project));
	return KEY_PROJECT;
}

/* The user name of Basic credentials is the key; the password does not matter. */
static enum key_role check_basic(struct call *c, struct slice credentials, bool *ret_expired)
{
	enum key_role role = KEY_NONE;
	struct buf text;

	buf_init(&text, BASIC_MAX);
	if (credentials.n < BASIC_MAX && base64_read(credentials, &text)) {
		struct slice pair = buf_slice(&text);

		role = check_token(c, slice_of(pair.p, slice_find(pair, ':')), ret_expired);
	}
	buf_free(&text);
	return role;
}

static enum key_role check_header(struct call *c, struct slice header, bool *ret_expired)
{
	struct slice rest;

	*ret_expired = false;
	if (scheme_is(header, "Bearer", &rest))
		return check_token(c, rest, ret_expired);
	if (scheme_is(header, "Basic", &rest))
		return check_basic(c, rest, ret_expired);
	return KEY_NONE;
}

static enum key_role check_key(struct call *c, bool *ret_expired)
{
	return check_header(c, server_header(c->rq, "Authorization"), ret_expired);
}

bool api_may_still(struct api *a, struct slice authorization, struct slice project)
{
	struct call c = { .api = a, .node = atomic_load_explicit(&a->node, memory_order_acquire) };
	bool expired;
	enum key_role role = check_header(&c, authorization, &expired);

	if (project.n > 0 && !node_project_exists(c.node, project))
		return false;
	return role == KEY_ADMIN || (role == KEY_PROJECT && project.n > 0 && slice_is(project, c.key_project));
}

static struct slice param_named(const struct call *c, const char *name)
{
	int i = route_param(c->route, name);

	return i < 0 ? slice_str("") : c->params[i];
}

static void answer_no_project(struct call *c)
{
	struct slice id = param_named(c, "pid");

	answer_error(c, 404, "not_found", NULL, "there is no project \"%.*s\"", SLICE_ARG(id));
}

/* What a link may not do although a key of its project may. False: answered. */
static bool may_by_link(struct call *c)
{
	const struct route *r = c->route;
	const char *why = NULL;

	if (!c->by_link)
		return true;
	if (r->portal == PORTAL_NEVER)
		why = "a portal link does not open this; it takes a key";
	else if (r->portal == PORTAL_BY_METHOD && !c->portal.write && strcmp(r->method, "GET") != 0)
		why = "this portal link is for looking only; ask for one that may change things";
	if (why)
		answer_error(c, 403, "forbidden", NULL, "%s", why);
	return !why;
}

/* False: answered. */
static bool may(struct call *c)
{
	enum access access = c->route->access;
	bool expired;

	if (access == ACCESS_NONE || (access == ACCESS_METRICS && atomic_load(&c->api->metrics_open)))
		return true;
	c->role = check_key(c, &expired);
	if (c->role == KEY_NONE) {
		if (expired)
			answer_error(c, 401, "expired", NULL, "this link has ended; ask for a new one");
		else
			answer_unauthorized(c);
		return false;
	}
	if (c->role == KEY_ADMIN)
		return true;
	if (access == ACCESS_KEY)
		return may_by_link(c);
	if (access == ACCESS_PROJECT && slice_is(param_named(c, "pid"), c->key_project))
		return may_by_link(c);
	if (access == ACCESS_PROJECT)
		answer_no_project(c);
	else
		answer_error(c, 404, "not_found", NULL, "there is nothing here for this key");
	return false;
}

/* --- the path --- */

bool api_id_check(struct call *c, struct slice id, const char *param)
{
	if (id_valid(id, ID_MAX))
		return true;
	answer_error(c, 400, "invalid_param", param,
		     "an id has 1 to %d characters of A-Z a-z 0-9 _ . - and is neither . nor ..", ID_MAX);
	return false;
}

static void decode_params(struct call *c)
{
	struct buf text;

	for (size_t i = 0; i < CALL_PARAMS_MAX; i++) {
		if (!memchr(c->params[i].p, '%', c->params[i].n))
			continue;
		buf_init(&text, c->params[i].n);
		percent_decode(&text, c->params[i], false);
		c->params[i] = arena_take_buf(&c->arena, &text);
	}
}

/* Ids that callers choose. Others (of events, keys, replays) are only looked up. */
static bool check_params(struct call *c)
{
	static const char *const names[] = { "pid", "oid", "eid" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int at = route_param(c->route, names[i]);

		if (at >= 0 && !api_id_check(c, c->params[at], names[i]))
			return false;
	}
	return true;
}

/* False: answered. Only PUT may name a project that does not exist yet. */
static bool check_project(struct call *c)
{
	if (c->route->access != ACCESS_PROJECT || node_project_exists(c->node, param_named(c, "pid")))
		return true;
	if (strcmp(c->route->method, "PUT") == 0 && strcmp(c->route->path, "/v1/projects/{pid}") == 0)
		return true;
	answer_no_project(c);
	return false;
}

/* --- the way in --- */

static bool find_route(struct call *c)
{
	char allowed[64];

	for (size_t i = 0; i < CALL_PARAMS_MAX; i++)
		c->params[i] = slice_str("");
	c->route = route_find(server_method(c->rq), server_path(c->rq), c->params, allowed);
	if (c->route)
		return true;
	if (allowed[0])
		answer_method(c, allowed);
	else
		answer_error(c, 404, "not_found", NULL, "there is no such path; docs/api.md lists them");
	return false;
}

static bool is_up(struct call *c)
{
	if (c->node || c->route->access == ACCESS_NONE)
		return true;
	answer_error(c, 503, "starting", NULL, "postrider is starting; try again in a moment");
	return false;
}

bool api_screen(void *ctx, struct server_request *rq)
{
	struct api *a = ctx;
	struct call c = { .api = a, .rq = rq, .node = atomic_load_explicit(&a->node, memory_order_acquire) };
	char allowed[64];
	bool expired;

	c.route = route_find(server_method(rq), server_path(rq), c.params, allowed);
	if (!c.route)
		return false;
	return !c.node || c.route->access == ACCESS_NONE || check_key(&c, &expired) != KEY_NONE;
}

void api_handle(void *ctx, struct server_request *rq)
{
	struct api *a = ctx;
	struct call *c = call_begin(a, rq);

	if (!find_route(c) || !is_up(c))
		return;
	decode_params(c);
	if (!may(c) || !check_params(c) || !check_project(c))
		return;
	if (c->route->place == PLACE_HERE)
		c->route->run(c);
	else if (!desk_add(a->desk, c))
		answer_error(c, 503, "busy", NULL, "too many requests wait; try again in a moment");
}
