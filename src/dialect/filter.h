/*
 * What narrows the events of an endpoint beyond their type: `message_types`, `statuses` and `filter`; and
 * `final_statuses`, after which nothing more of a message is sent.
 *
 * `filter` is an object of dotted paths into the event and what must hold there; all of them must hold:
 *   {"message.vars.region": "north",                 the same text (17 is "17"; two numbers also by value)
 *    "message.num_parts": [1, 2],                    one of these
 *    "contact.name": null,                           absent or null
 *    "message.from_number": {"prefix": "46"},        text that begins so
 *    "message.campaign_name": {"exists": true},      there and not null; false: absent or null
 *    "message.status": {"ne": ["sent", "queued"]}}   none of these (an absent value is none of them)
 * The three operators may stand together. An object or array in the event equals nothing.
 */
#ifndef DIALECT_FILTER_H
#define DIALECT_FILTER_H

#include "dialect/event.h"

struct endpoint_filter; /* immutable once its parts are set */

/* A filter that lets everything through. Free with filter_free. */
struct endpoint_filter *filter_new(void);
void filter_free(struct endpoint_filter **f);

/*
 * Each takes the setting's value, a list or object as in api.md (null: everything passes). ERR_INVALID, and *fault says
 * what to change; its param is relative to the setting.
 */
int filter_set_message_types(struct endpoint_filter *f, struct json v, struct fault *fault);
int filter_set_statuses(struct endpoint_filter *f, struct json v, struct fault *fault);
int filter_set_finals(struct endpoint_filter *f, struct json v, struct fault *fault); /* null: none */
int filter_set_conditions(struct endpoint_filter *f, struct json v, struct fault *fault);

/*
 * message_types counts for events with a message, statuses for send_status events. Any thread.
 */
bool filter_match(const struct endpoint_filter *f, const struct event *e);
/* Are there words in `final_statuses`; and is this a send_status event with one of them? Any thread. */
bool filter_has_finals(const struct endpoint_filter *f);
bool filter_is_final(const struct endpoint_filter *f, const struct event *e);

#endif
