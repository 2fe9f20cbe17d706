/*
 * What the files of `event` share, and nobody else sees. event.c reads and keeps, event_check.c refuses, event_build.c
 * makes the one block of memory that an event is.
 */
#ifndef DIALECT_EVENT_PARTS_H
#define DIALECT_EVENT_PARTS_H

#include "dialect/event.h"

#define EVENT_ID_MAX 255 /* bytes of any id, from_number and status */

enum member {
	MEMBER_TYPE,
	MEMBER_ID,
	MEMBER_TIME,
	MEMBER_ORIGIN,
	MEMBER_MESSAGE, /* from here on: passed on as it came */
	MEMBER_CONTACT,
	MEMBER_PHONE,
	MEMBER_STATE,
	MEMBER_BROADCAST,
	MEMBER_UPDATE_TYPE,
	MEMBER_ENDPOINT,  /* of operational events */
	MEMBER_POSTRIDER, /* of the hub's own events only */
	MEMBERS
};

extern const struct slice member_names[MEMBERS];

#define ORIGINS (ORIGIN_SCRIPT + 1)
extern const char *const origin_words[ORIGINS];

/* The members of one event object; null ones are left out. */
struct parts {
	struct json v[MEMBERS];
	enum event_type type;	  /* EVENT_TYPES when it is none that endpoints can ask for */
	bool order;		  /* then: it is send_message */
	enum event_origin origin; /* the default when absent, ORIGINS when it is no known word */
	size_t text, nodes;	  /* of the members that are passed on: bytes with comma and colon, nodes with keys */
	struct slice trace;	  /* a traceparent to be kept in `postrider`; empty: none */
};

/* MEMBERS for a key of the caller's own. */
enum member member_of(struct json key);
/* Members that stand in the normalised text as they came, the caller's own among them. */
bool member_passes(enum member m);
/* Values in v, itself and keys included. */
uint32_t node_span(struct json v);

/* 0, or ERR_INVALID with a fault, for what came from outside. */
int event_check(const struct parts *p, struct fault *fault);
/* The same, of numbers beyond range anywhere in the object. */
int event_check_numbers(struct json object, struct fault *fault);
/* What the hub made: the shape of an event, and a target that is a number. */
bool event_made_is_right(const struct parts *p);
/* Nothing but the shape that later code relies on. */
bool event_shape_is_right(const struct parts *p);

/* The normalised event of an object that event_check let pass. */
struct event *event_build(struct json object, const struct parts *p, struct slice project, int64_t now_ms);
/* The event of a text that is in normal form already. */
struct event *event_copy(const struct json_doc *doc, const struct parts *p, struct slice project);

#endif
