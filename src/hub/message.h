/*
 * Messages: received, sent, and what becomes of them. The status moves one way: `message_status` is the only function
 * that changes it.
 */
#ifndef HUB_MESSAGE_H
#define HUB_MESSAGE_H

#include "hub/record.h"

/* A message to be sent, from REST, a reply, a rule or a broadcast. Empty slices: not given. */
struct message_send {
	struct slice to_number, contact_id; /* one of them; a contact is found or made for the number */
	struct slice content, message_type; /* "": sms */
	struct slice route_id;		    /* else the contact's default_route_id, else the first active phone */
	struct slice status_url, status_secret;
	struct slice service_id, broadcast_id, source; /* source: "api", "web", "webhook", "service"; "": by the deed */
	struct json vars, label_ids, route_params;
	struct json media; /* URLs: an array of strings */
	struct slice priority, audio_url, tts_lang, tts_voice;
	bool replace_variables, track_clicks, simulated;
	bool tell_queued; /* send_status "queued" is told: all but a single message sent over REST */
};

/*
 * Checks, stores and hands to the route. ERR_INVALID, ERR_NOT_FOUND with *fault (param: "to_number", "route_id", …);
 * nothing was written then. *ret (may be NULL): the message, saved.
 */
int message_send(struct deed *d, const struct message_send *s, struct record **ret, struct fault *fault);

/* A message that has come in. */
struct message_receive {
	struct slice id; /* empty: one is made */
	struct slice from_number, to_number, content, message_type;
	struct slice phone_id; /* empty: the phone whose number is to_number, else the first one, else none */
	int64_t time_sent;     /* Unix seconds, 0: unknown */
	bool simulated;
	struct slice external_id; /* the gateway's; the same one again on the same phone is the same message */
	struct json more;	  /* further members of the message, kept as they are; JSON_NONE */
	struct event *event;	  /* posted as an event: told as that; NULL: one is made */
	/* what was posted beside the message, laid over what is stored; JSON_NONE */
	struct json contact;
};
/* Can this be who sent it? ERR_INVALID with *fault: longer than 64 bytes, or control characters in it. */
int message_sender_check(struct slice from, const char *param, struct fault *fault);
/*
 * Stores it, finds or makes its contact, counts, tells all endpoints, starts the run of the services. *ret: the
 * message; NULL when it was known already (the event's id or external_id).
 */
int message_receive(struct deed *d, const struct message_receive *m, struct record **ret, struct fault *fault);

/*
 * The message has another status: canonical word. Ignored when it is no step forward (a late "sent" after "delivered").
 * error: "" for none. Saves message, history, broadcast's counts; tells. Returns whether it changed anything.
 */
bool message_status(struct deed *d, struct record *message, const char *status, struct slice error_message,
		    struct slice error_code);
/* The first click of a short link in it: time_clicked, told as send_status. */
void message_clicked(struct deed *d, struct record *message);
/* A variable, by hand or by rules: saved, and told as message_metadata by the deed's origin. */
int message_var(struct deed *d, struct record *message, struct slice name, struct slice json, struct fault *fault);
struct record *message_contact(struct deed *d, struct record *message); /* NULL: none */
struct record *message_phone(struct deed *d, struct record *message);

#endif
