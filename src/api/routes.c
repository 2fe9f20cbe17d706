/*
 * Every route is one row: who may call it, where it runs, what it does. The documentation
 * of the API is made from the same rows. They are searched from the top, which is cheap
 * beside everything else a request costs; the one that is called most stands first.
 */
#include "api/routes.h"

#include <stdio.h>

#include "api/handlers.h"

#define PROJECT	     "/v1/projects/{pid}"
#define ORGANIZATION "/v1/organizations/{oid}"
#define ENDPOINT     "/endpoints/{eid}"

/* clang-format off: a table is read by its columns */
static const struct route routes[] = {
	{ "POST", PROJECT "/events", ACCESS_PROJECT, PLACE_HERE, events_post,
	  "Takes one event, an array of events or NDJSON; answers 202 when they are on disk" },
	{ "GET", PROJECT "/events", ACCESS_PROJECT, PLACE_DESK, events_list,
	  "Events, newest first, with their state at each endpoint" },
	{ "GET", PROJECT "/events/{id}", ACCESS_PROJECT, PLACE_DESK, event_get,
	  "One event with its state at each endpoint" },
	{ "GET", PROJECT "/attempts", ACCESS_PROJECT, PLACE_DESK, attempts_list,
	  "Delivery attempts, newest first, with request and response" },
	{ "GET", PROJECT "/attempts/{id}", ACCESS_PROJECT, PLACE_DESK, attempt_get, "One delivery attempt" },

	{ "GET", "/v1/projects", ACCESS_KEY, PLACE_DESK, projects_list,
	  "All projects; with a project's key only its own" },
	{ "GET", ORGANIZATION "/projects", ACCESS_ADMIN, PLACE_DESK, projects_of_organization,
	  "The projects of one organization" },
	{ "GET", PROJECT, ACCESS_PROJECT, PLACE_DESK, project_get, "One project" },
	{ "PUT", PROJECT, ACCESS_PROJECT, PLACE_DESK, project_put, "Creates or replaces a project" },
	{ "PATCH", PROJECT, ACCESS_PROJECT, PLACE_DESK, project_change, "Changes the given fields of a project" },
	{ "POST", PROJECT, ACCESS_PROJECT, PLACE_DESK, project_change, "Changes the given fields of a project" },
	{ "DELETE", PROJECT, ACCESS_PROJECT, PLACE_DESK, project_delete,
	  "Deletes a project with its endpoints and keys" },

	{ "GET", PROJECT "/keys", ACCESS_PROJECT, PLACE_DESK, keys_list,
	  "The project's keys, without the keys themselves" },
	{ "POST", PROJECT "/keys", ACCESS_PROJECT, PLACE_DESK, key_create, "Makes a key and shows it once" },
	{ "DELETE", PROJECT "/keys/{kid}", ACCESS_PROJECT, PLACE_DESK, key_delete, "Deletes a key" },

#define ENDPOINT_ROWS(OWNER, ACCESS)                                                                                       \
	{ "GET", OWNER "/endpoints", ACCESS, PLACE_DESK, endpoints_list, "Endpoints, ordered by id" },                     \
		{ "POST",     OWNER "/endpoints", ACCESS,                                                                  \
		  PLACE_DESK, endpoint_create,	  "Creates an endpoint, with the given id or one that is made" },          \
		{ "GET",      OWNER ENDPOINT, ACCESS,                                                                      \
		  PLACE_DESK, endpoint_get,   "One endpoint: settings in force, state, numbers" },                         \
		{ "PUT", OWNER ENDPOINT, ACCESS, PLACE_DESK, endpoint_put, "Creates or replaces an endpoint" },            \
		{ "PATCH",    OWNER ENDPOINT,  ACCESS,                                                                     \
		  PLACE_DESK, endpoint_change, "Changes the given settings of an endpoint" },                              \
		{ "POST",     OWNER ENDPOINT,  ACCESS,                                                                     \
		  PLACE_DESK, endpoint_change, "Changes the given settings of an endpoint" },                              \
		{ "DELETE",   OWNER ENDPOINT,  ACCESS,                                                                     \
		  PLACE_DESK, endpoint_delete, "Deletes an endpoint; its waiting deliveries end as failed" },              \
		{ "POST", OWNER ENDPOINT "/enable", ACCESS, PLACE_DESK, endpoint_enable, "Sends to the endpoint again" },  \
		{ "POST",     OWNER ENDPOINT "/disable", ACCESS,                                                           \
		  PLACE_DESK, endpoint_disable,		 "Sends nothing more; what waits is kept until its age ends it" }, \
		{ "POST",                                                                                                  \
		  OWNER ENDPOINT "/rotate_secret",                                                                         \
		  ACCESS,                                                                                                  \
		  PLACE_DESK,                                                                                              \
		  endpoint_rotate_secret,                                                                                  \
		  "Makes a new signing secret and shows it once; the old one signs beside it" },                           \
		{ "POST",     OWNER ENDPOINT "/test", ACCESS,                                                              \
		  PLACE_DESK, endpoint_test,	      "Really sends a sample event and shows the answer" },                \
		{ "POST",     OWNER ENDPOINT "/render", ACCESS,                                                            \
		  PLACE_DESK, endpoint_render,		"Shows the request for a sample event without sending it" },       \
		{ "POST",	OWNER ENDPOINT "/replay",                                                                  \
		  ACCESS,	PLACE_DESK,                                                                                \
		  replay_start, "Counts or sends again what failed, or everything" },                                      \
		{ "GET", OWNER ENDPOINT "/replays/{id}", ACCESS, PLACE_DESK, replay_get, "How far a replay is" },          \
	{                                                                                                                  \
		"DELETE", OWNER ENDPOINT "/replays/{id}", ACCESS, PLACE_DESK, replay_cancel,                               \
			"Cancels a replay; what was not sent yet is not sent"                                              \
	}
	ENDPOINT_ROWS(PROJECT, ACCESS_PROJECT),
	ENDPOINT_ROWS(ORGANIZATION, ACCESS_ADMIN),

	{ "GET", "/healthz", ACCESS_NONE, PLACE_HERE, health_live, "200 as long as the process answers" },
	{ "GET", "/readyz", ACCESS_NONE, PLACE_HERE, health_ready, "200 while events are taken, 503 otherwise" },
	{ "GET", "/metrics", ACCESS_METRICS, PLACE_DESK, metrics_show, "Numbers as Prometheus reads them" },
	{ "GET", "/v1/openapi.json", ACCESS_NONE, PLACE_HERE, openapi_show, "These calls, as OpenAPI 3" },
	{ "GET", "/", ACCESS_NONE, PLACE_HERE, front_show, "Where to find what" },
};
/* clang-format on */
#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

/* Cuts the part up to the next slash off the front. */
static struct slice segment(struct slice *rest)
{
	size_t n = slice_find(*rest, '/');
	struct slice s = slice_of(rest->p, n);

	*rest = slice_from(*rest, n < rest->n ? n + 1 : n);
	return s;
}

static bool matches(const char *pattern, struct slice path, struct slice params[CALL_PARAMS_MAX])
{
	struct slice left = slice_str(pattern);
	size_t count = 0;

	if (path.n > 1 && path.p[path.n - 1] == '/')
		return false;
	while (left.n > 0 && path.n > 0) {
		struct slice wanted = segment(&left), given = segment(&path);

		if (wanted.n > 0 && wanted.p[0] == '{' && given.n > 0)
			params[count++] = given;
		else if (!slice_eq(wanted, given))
			return false;
	}
	return left.n == 0 && path.n == 0;
}

static bool takes(const struct route *r, struct slice method)
{
	return slice_is(method, r->method) || (slice_is(method, "HEAD") && strcmp(r->method, "GET") == 0);
}

const struct route *route_find(struct slice method, struct slice path, struct slice params[CALL_PARAMS_MAX],
			       char allowed[64])
{
	size_t n = 0;

	allowed[0] = '\0';
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		if (!matches(routes[i].path, path, params))
			continue;
		if (takes(&routes[i], method))
			return &routes[i];
		n += (size_t)snprintf(allowed + n, 64 - n, "%s%s", n ? ", " : "", routes[i].method);
	}
	return NULL;
}

int route_param(const struct route *r, const char *name)
{
	struct slice path = slice_str(r->path), wanted = slice_str(name);
	int count = 0;

	while (path.n > 0) {
		struct slice s = segment(&path);

		if (s.n == 0 || s.p[0] != '{')
			continue;
		if (slice_eq(slice_of(s.p + 1, s.n - 2), wanted))
			return count;
		count++;
	}
	return -1;
}

bool api_route_at(size_t index, struct api_route_info *ret)
{
	static const char *const words[] = { "none", "key", "project", "admin", "metrics" };
	const struct route *r = &routes[index];

	if (index >= ROUTE_COUNT)
		return false;
	*ret = (struct api_route_info){ r->method, r->path, r->summary, words[r->access] };
	return true;
}
