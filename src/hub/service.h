/*
 * Services: what happens with an incoming message. A run takes it through the project's active services in order of
 * priority; where it stands is kept in the message's member `_run`, so it goes on after a restart.
 */
#ifndef HUB_SERVICE_H
#define HUB_SERVICE_H

#include "hub/record.h"

/*
 * The message was received: its way through the services begins. Other records are saved by their functions as they
 * change; the message, which is new, is saved here.
 */
void run_start(struct deed *d, struct record *message, struct record *contact, struct record *phone);
/* What a webhook of a service ("_service.…", "_action.…") answered, or that it failed. */
void run_report(struct deed *d, const struct report *r);

/*
 * What an answer asks for (docs/telerivet.md): variables first, then messages. What is wrong in it is noted line by
 * line and left out; the rest is done. Used by services, and by endpoints with "actions": "telerivet".
 */
struct reply_result {
	uint32_t messages; /* sent */
};
struct reply_scope {
	struct record *message, *contact, *phone, *service, *state; /* NULL where there is none */
	/* temporary variables $x: JSON object text in, the changed one out */
	struct slice temporary;
};
void reply_apply(struct deed *d, struct reply_scope *scope, struct slice media_type, struct slice body,
		 struct buf *notes, struct reply_result *ret);

/* One line in the service log. */
struct service_log {
	struct record *service; /* may be NULL */
	const char *type;	/* "webhook", "log_message", "error", "email", … */
	struct slice content;	/* a sentence or more */
	struct slice message_id, contact_id;
	int64_t elapsed_ms; /* -1: none */
	int code;	    /* HTTP status or -enum failure; 0: none */
	int64_t attempt_seq;
	struct slice url, answer;
	bool error;
};
void service_log_add(struct deed *d, const struct service_log *entry);

/*
 * For a failed exchange: the sentence that names cause and cure (403, redirects, timed out, …), into out. reason: what
 * the report says; for a redirect its target.
 */
void explain_failure(int code, struct slice reason, struct slice url, struct buf *out);

#endif
