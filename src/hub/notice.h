/*
 * What is told: the five events of Telerivet's Webhook API, made from records, given to whoever wants them. Origin is
 * the deed's: contact_update and message_metadata of api and script are not even made.
 */
#ifndef HUB_NOTICE_H
#define HUB_NOTICE_H

#include "hub/record.h"

/* To one service's webhook only. run: the service's own JSON for when the answer comes, in postrider.run. */
struct notice_call {
	uint64_t endpoint;
	struct slice service_id;
	struct record *state; /* NULL: state[id] is null */
	struct slice run;
};
/*
 * An incoming message. call NULL: to all endpoints that want it. contact and phone may be NULL. Returns the event's id
 * in the deed's arena.
 */
struct slice notice_incoming(struct deed *d, struct record *message, struct record *contact, struct record *phone,
			     const struct notice_call *call);
/* from_number_e164 as JSON: relative to the phone's country (phone may be NULL); empty when it cannot be. */
struct slice notice_e164(struct deed *d, struct record *message, struct record *phone);
/* send_status of an outgoing message: to its status_url, if it has one (with its secret), else to all that want it. */
void notice_status(struct deed *d, struct record *message, struct record *contact);
#define NOTICE_URL_MAX 2048 /* bytes of a status_url */
/*
 * Can statuses go to this URL? Makes the internal endpoint of its host, if it is the first one. ERR_INVALID with the
 * reason, param status_url.
 */
int notice_url_check(struct deed *d, struct slice status_url, struct fault *fault);
/*
 * Writes the member `postrider` of an event for the message's status_url, with the traceparent that the event came with
 * (may be empty). 0, and nothing written: the message has none.
 */
uint64_t notice_url_write(struct deed *d, struct record *message, struct slice trace, struct json_writer *w);
/* recipients_str: for people; user_name and user_email may be empty. */
void notice_broadcast(struct deed *d, struct record *broadcast, struct slice recipients_str, struct slice user_name,
		      struct slice user_email);
/* contact may be NULL in notice_metadata: it is loaded. */
void notice_contact(struct deed *d, struct record *contact, const char *update_type);
void notice_metadata(struct deed *d, struct record *message, struct record *contact, const char *update_type);
/*
 * An order to a gateway (send_message), to that phone's endpoint.
 * extra: members beside the message's own, `"a":1,"b":2`.
 */
void notice_order(struct deed *d, struct record *message, uint64_t endpoint, struct slice extra);

#endif
