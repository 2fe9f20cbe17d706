/* Sample events, for trying an endpoint out. */
#ifndef API_SAMPLE_H
#define API_SAMPLE_H

#include "dialect/endpoint.h"

/*
 * An event of a kind that this endpoint wants, as far as its filters allow:
 * the first type that passes, else the first that it takes. One reference.
 */
struct event *sample_event(const struct endpoint *ep, struct slice project, int64_t now_ms);

#endif
