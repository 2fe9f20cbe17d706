/* Endpoints belong to projects or to organizations; the routes are the same for both. */
#ifndef API_OWNER_H
#define API_OWNER_H

#include "api/answer.h"
#include "api/routes.h"

static inline struct owner call_owner(const struct call *c)
{
	return (struct owner){ c->params[0], route_param(c->route, "oid") == 0 };
}

/* A customer's endpoint of this id. False: there is none (the hub's own do not count), and the call is answered. */
static inline bool call_endpoint_of(struct call *c, struct slice id, struct endpoint_view *ret)
{
	bool found = node_endpoint_get(c->node, call_owner(c), id, ret) == 0;

	if (found && !ret->endpoint->internal)
		return true;
	if (found)
		node_endpoint_view_free(ret);
	answer_error(c, 404, "not_found", NULL, "there is no endpoint \"%.*s\"", SLICE_ARG(id));
	return false;
}

/* The one that the path names. */
static inline bool call_endpoint(struct call *c, struct endpoint_view *ret)
{
	return call_endpoint_of(c, c->params[1], ret);
}

#endif
