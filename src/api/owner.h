/* Endpoints belong to projects or to organizations; the routes are the same for both. */
#ifndef API_OWNER_H
#define API_OWNER_H

#include "api/answer.h"
#include "api/routes.h"

static inline struct owner call_owner(const struct call *c)
{
	return (struct owner){ c->params[0], route_param(c->route, "oid") == 0 };
}

/* The endpoint that the path names. False: there is none, and the call is answered. */
static inline bool call_endpoint(struct call *c, struct endpoint_view *ret)
{
	if (node_endpoint_get(c->node, call_owner(c), c->params[1], ret) == 0)
		return true;
	answer_error(c, 404, "not_found", NULL, "there is no endpoint \"%.*s\"", SLICE_ARG(c->params[1]));
	return false;
}

#endif
