/* What the files of `message` share with each other, with intake.c and broadcast.c, and nobody else. */
#ifndef HUB_MESSAGE_PARTS_H
#define HUB_MESSAGE_PARTS_H

#include "hub/message.h"

/* --- message_send.c --- */

/* A message on its way out: what was asked for, checked, and what was found while checking. */
struct sending {
	const struct message_send *ask;
	struct slice to_number, message_type;
	struct record *message;		/* not stored yet */
	struct record *contact, *phone; /* contact NULL: is made with the message */
	bool blocked;			/* it failed for this: the contact does not want messages */
	bool several;			/* others may be sent between check and commit: set before the commit */
};
/* Finds every fault and writes nothing (but the endpoint of a new status_url, which nobody sees). */
int sending_check(struct deed *d, const struct message_send *ask, struct sending *ret, struct fault *fault);
/* The same of what is for many: without a recipient. */
int sending_check_template(struct deed *d, const struct message_send *ask, struct sending *ret, struct fault *fault);
/* What was given and stands alike in a message and in a broadcast, which hands it on to its messages. */
void sending_set_given(struct record *r, const struct message_send *ask);
/* `source` of what a REST call makes: "web" by hand, "api" otherwise. */
struct slice message_source(const struct deed *d);
/* Makes the message of a sending that was checked, in the same commit. */
struct record *sending_commit(struct deed *d, struct sending *s);

#define MESSAGE_LABELS_MAX 5 /* of one call */
/* Adds labels by their ids; not saved. ERR_INVALID: no array, too many, or one that there is not. */
int message_labels(struct deed *d, struct record *message, struct json label_ids, struct fault *fault);

/* --- message_receive.c --- */

/* message_receive; *ret_seq is the place of the event in the log, 0 when it was known. */
int message_take(struct deed *d, const struct message_receive *m, struct record **ret, int64_t *ret_seq,
		 struct fault *fault);

/* --- message_member.c --- */

/* Sets a member as it was posted; one of a wrong type is left out. */
void message_member_set(struct record *message, const char *name, struct json value);

/* --- message_status.c --- */

/* The word, in its history too: without asking whether it is a step forward. For a new message, and one sent again. */
void status_begin(struct deed *d, struct record *message, const char *status);
/* As message_status, but only in the hand: neither saved, told nor counted. */
bool status_step(struct deed *d, struct record *message, struct slice status, struct slice error_message,
		 struct slice error_code);
/* Counts it in the message's broadcast, if it is of one. */
void status_count(struct deed *d, struct record *message, struct slice before);
/* Queued, and perhaps tried: it has not left yet, and it may. */
bool message_waits(struct record *message);
/* Ends a message that waits; false when it does not, or when its order is with a gateway. */
bool message_cancel(struct deed *d, struct record *message);
/* The word of Telerivet's REST API under which a broadcast counts it. */
struct slice status_counted(struct slice status);

/* --- message_rest.c --- */

struct rest;
/* What messages to one and to many have in common; members that are absent keep their values. */
int rest_sending(struct rest *r, struct message_send *ret);
/* Parameters that rest_sending reads, and those that are taken and mean nothing here. */
#define SENDING_PARAMS                                                                                                 \
	"content", "message_type", "route_id", "status_url", "status_secret", "replace_variables", "is_template",      \
		"track_clicks", "short_link_params", "media_urls", "route_params", "label_ids", "vars", "priority",    \
		"simulated", "service_id", "audio_url", "tts_lang", "tts_voice", "user_id"

#endif
