/*
 * One event: what happened to a message, contact or broadcast, in the vocabulary of docs/api.md. Immutable
 * once made, shared between threads by reference count. Text and parsed nodes live in one allocation.
 */
#ifndef DIALECT_EVENT_H
#define DIALECT_EVENT_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/json.h"

enum event_type {
	EVENT_INCOMING_MESSAGE,
	EVENT_SEND_STATUS,
	EVENT_SEND_BROADCAST,
	EVENT_CONTACT_UPDATE,
	EVENT_MESSAGE_METADATA,
	EVENT_POSTED, /* the types before it are those that callers can post */
	/*
	 * what an operator wants to know of postrider itself; made by the watch only, for those who ask for it by name
	 */
	EVENT_ENDPOINT_FAILING = EVENT_POSTED,
	EVENT_ENDPOINT_RECOVERED,
	EVENT_ENDPOINT_DISABLED,
	EVENT_DEAD_LETTER,
	EVENT_TYPES, /* that endpoints can ask for */
	/* an order to a gateway: message as in the others; made by the hub only, always targeted */
	EVENT_SEND_MESSAGE = EVENT_TYPES
};
enum event_origin { ORIGIN_PLATFORM, ORIGIN_WEB, ORIGIN_API, ORIGIN_SCRIPT };

struct event {
	_Atomic int refs;
	int64_t seq;	     /* its place in the log; 0 until it is committed, set once before it is shared */
	int64_t accepted_ms; /* Unix milliseconds when postrider took it */
	enum event_type type;
	enum event_origin origin;
	struct slice project;	 /* id of the project it belongs to */
	struct slice id;	 /* the event's own id, decoded */
	struct slice message_id; /* message.id as text; empty when there is none */
	/* of the thing whose events must keep their order (message, else contact, broadcast, endpoint); 0: none */
	uint64_t order_hash;
	/*
	 * Number of the only endpoint that gets it, whatever that one's filters say; 0: all that match. From the member
	 * `postrider` of an event that the hub made, {"to":17,…}, which no encoder shows and nobody outside can send.
	 * (The same member keeps a trace, {"traceparent":"00-…"}, of an event that came with one.)
	 */
	uint64_t target;
	struct slice text;   /* normalised JSON: type, id, time, origin first, then the rest as it came */
	struct json_doc doc; /* nodes of text */
	size_t bytes;	     /* memory that it takes, for accounting */
};

/*
 * Validates one event object as it came from outside and makes the normalised event: id (made when absent), time
 * (default now) and origin filled in. `null` members count as absent, unknown ones are kept. *ret has one reference. On
 * failure ERR_INVALID, and *fault names the path inside the object ("message.id"), reason and cure. Any thread.
 */
int event_parse(struct json object, struct slice project, int64_t now_ms, struct event **ret, struct fault *fault);
/* The same, of an event that came with this header traceparent (trace.h): a valid one is kept with it, unseen. */
int event_parse_traced(struct json object, struct slice traceparent, struct slice project, int64_t now_ms,
		       struct event **ret, struct fault *fault);
/*
 * The same for an event that postrider itself makes: may have the member `postrider`, and the type send_message. What
 * the hub writes is right by construction, so a failure is asserted. text: one JSON object.
 */
struct event *event_make(struct slice text, struct slice project, int64_t now_ms);
/* Makes an event from the normalised text that the store kept. ERR_CORRUPT when text is no such thing. */
int event_load(struct slice text, struct slice project, int64_t seq, int64_t accepted_ms, struct event **ret);

/*
 * Appends an event as anybody may see it: its normalised text without the member `postrider`, which holds secrets.
 * object: the root of its doc, or of any parsed text of one.
 */
void event_show(struct json object, struct buf *out);

struct event *event_ref(struct event *e);
/* Drops one reference and sets *e to NULL; the last one frees. */
void event_unref(struct event **e);

const char *event_type_word(enum event_type t);
/* EVENT_TYPES when the word is none. */
enum event_type event_type_of(struct slice word);
/* The member at a dotted path, "message.vars.order"; JSON_NONE when absent, and for all of `postrider`. */
struct json event_path(const struct event *e, struct slice path);
/* A member of `postrider`; JSON_NONE when there is none. */
struct json event_postrider(const struct event *e, const char *name);
/* message.direction, with the default by type: true for incoming. */
bool event_is_incoming(const struct event *e);
/* message.message_type: "sms" when absent. */
struct slice event_message_type(const struct event *e, struct buf *scratch);

#endif
