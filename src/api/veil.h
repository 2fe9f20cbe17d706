/* What a link that may only look must not get out of an endpoint's secret. */
#ifndef API_VEIL_H
#define API_VEIL_H

#include "api/call.h"
#include "dialect/endpoint.h"

/*
 * The endpoint to render with for this caller, one reference: ep itself, or, for a link that may only look, ep with a
 * secret made up for the occasion in place of its own. A fault only when the settings are as large as they may be and
 * the other secret is longer.
 */
int veil(const struct call *c, struct endpoint *ep, struct endpoint **ret, struct fault *fault);

#endif
