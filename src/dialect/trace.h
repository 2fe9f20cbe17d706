/*
 * W3C Trace Context: an event that came with a `traceparent`, as a header of the request that posted it or as a member
 * of its own, carries it on to the receiver, so that a customer's trace does not end at postrider's door. postrider
 * makes no spans, so the value goes on as it came, which the recommendation allows (section 3.4, "pass through").
 */
#ifndef DIALECT_TRACE_H
#define DIALECT_TRACE_H

#include "dialect/event.h"

/* Version 00 to fe, ids in lower-case hexadecimal and not all zero, flags. An invalid one is to be ignored. */
bool trace_valid(struct slice traceparent);
/*
 * The traceparent of a request with these events: what all of them share; empty when they have none or different ones,
 * because one header cannot name two parents. Points into the first event.
 */
struct slice trace_of(struct event *const *events, size_t count);

#endif
