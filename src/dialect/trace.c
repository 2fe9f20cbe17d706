/* Which traceparent goes on, and what one looks like: version-traceid-parentid-flags, "00-4bf9…-00f0…-01". */
#include "dialect/trace.h"

#include <string.h>

#define VERSION_AT  0
#define TRACE_AT    3
#define PARENT_AT   36
#define FLAGS_AT    53
#define TRACE_BYTES 55 /* of version 00; later ones may append more after a dash */

static bool is_hex(struct slice s, size_t at, size_t n)
{
	for (size_t i = at; i < at + n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return true;
}

static bool is_zero(struct slice s, size_t at, size_t n)
{
	for (size_t i = at; i < at + n; i++)
		if (s.p[i] != '0')
			return false;
	return true;
}

/* What a later version appends goes into a header, so it must not end one. */
static bool is_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\')
			return false;
	return true;
}

bool trace_valid(struct slice s)
{
	if (s.n < TRACE_BYTES || s.n > 256 || s.p[TRACE_AT - 1] != '-' || s.p[PARENT_AT - 1] != '-' ||
	    s.p[FLAGS_AT - 1] != '-')
		return false;
	if (!is_hex(s, VERSION_AT, 2) || !is_hex(s, TRACE_AT, 32) || !is_hex(s, PARENT_AT, 16) ||
	    !is_hex(s, FLAGS_AT, 2))
		return false;
	if (is_zero(s, TRACE_AT, 32) || is_zero(s, PARENT_AT, 16) || slice_eq(slice_of(s.p, 2), SLICE_LIT("ff")))
		return false;
	if (s.n > TRACE_BYTES && (is_zero(s, VERSION_AT, 2) || s.p[TRACE_BYTES] != '-'))
		return false;
	return is_plain(s);
}

/* A member of the event's own says more than the request that happened to bring it. */
static struct slice trace_of_event(const struct event *ev)
{
	struct json own = json_get(json_root(&ev->doc), "traceparent");

	if (json_type(own) != JSON_STRING || !trace_valid(json_escaped_text(own)))
		own = event_postrider(ev, "traceparent");
	return json_is_nil(own) ? SLICE_LIT("") : json_escaped_text(own);
}

struct slice trace_of(struct event *const *events, size_t count)
{
	struct slice first = trace_of_event(events[0]);

	for (size_t i = 1; i < count && first.n > 0; i++)
		if (!slice_eq(first, trace_of_event(events[i])))
			return SLICE_LIT("");
	return first;
}
