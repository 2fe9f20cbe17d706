/* The table of routes, and finding the row that a request means. */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include "api/call.h"

/*
 * The row for method and path; its parameters, still percent-encoded, go into params. NULL: there is none, and allowed
 * (room for 64 bytes) has the methods that the path knows, "" when nobody knows the path.
 */
const struct route *route_find(struct slice method, struct slice path, struct slice params[CALL_PARAMS_MAX],
			       char allowed[64]);
/* The parameter's number by its name in the route's path, "pid"; -1 when it has none. */
int route_param(const struct route *r, const char *name);

#endif
