/* Requests and responses as the API shows them: secrets masked, bodies capped. */
#ifndef API_EXCHANGE_SHOW_H
#define API_EXCHANGE_SHOW_H

#include "dialect/request.h"

#define SHOWN_BODY_MAX ((size_t)16 * 1024)

/*
 * In all of them ev is the request's first event, whose own
 * secret (of url_from_event) is masked too; NULL: there is none.
 */

/*
 * Writes {"method","url","headers","body"}; body_max bytes of the body, and "body_truncated" when there was more;
 * besides "body_base64" when it is no UTF-8.
 */
void request_show(struct json_writer *w, const struct endpoint *ep, const struct event *ev,
		  const struct http_request *rq, size_t body_max);
/* Writes {"headers","body"}; headers are lines ended by CRLF. body_size: before it was cut. */
void response_show(struct json_writer *w, const struct endpoint *ep, const struct event *ev, struct slice headers,
		   struct slice body, size_t body_size);
/* Writes why an answer of this status was no success, a sentence with the cure; headers as for response_show. */
void status_reason_show(struct json_writer *w, const struct endpoint *ep, const struct event *ev, int status,
			struct slice headers);
/* Writes {"what","cure"} for the code of an outcome that was no success; null when there is nothing to say. */
void explanation_show(struct json_writer *w, int code);
/* Writes {"dns","connect","tls","first_byte"} in milliseconds, null where a phase was not reached. */
void timings_show(struct json_writer *w, const struct http_timings *t);
/* Writes the event without what only the hub may know of it. */
void event_shown(struct json_writer *w, const struct event *ev);
/* Microseconds as milliseconds; null below zero. */
void ms_write(struct json_writer *w, int64_t us);

#endif
