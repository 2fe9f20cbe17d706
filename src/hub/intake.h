/* Events that callers post, on their way through the hub. */
#ifndef HUB_INTAKE_H
#define HUB_INTAKE_H

#include "hub/record.h"

/*
 * Posted events (api/events.c): does the hub have to look at events of this project? Cheap, any thread: every
 * incoming_message; the others once the project has objects.
 */
bool intake_wants(struct hub *h, struct slice project, const struct event *ev);
/* The project has objects from now on: said by whoever saves one (record.c); cheap, any thread. */
void intake_note(struct hub *h, struct slice project);
/* Frees what intake_wants knows; by hub_free. */
void intake_forget(struct hub *h);
/*
 * Takes a posted batch inside a commit: incoming messages are received; a status of a message that the hub has is
 * applied (and goes to its status_url); contacts, phones and states named by id are added; the rest goes on as it is.
 * seqs[i], duplicates[i] as in struct submission.
 */
void intake_events(struct deed *d, struct event *const *events, size_t count, int64_t *seqs, bool *duplicates);

/* --- for message_receive.c --- */

/*
 * Tells an event that was posted: what is stored of its objects (NULL: of those that it names only by id), its own
 * members laid over; to the message's status_url where it has one. Returns its place in the log, 0 when it was known.
 */
int64_t intake_tell(struct deed *d, struct event *ev, struct record *message, struct record *contact,
		    struct record *phone);
/* Puts the members of a posted message into its record, but those that the hub decides itself, or of a wrong type. */
void intake_lay(struct deed *d, struct record *rec, struct json posted, const char *const *kept_out);

#endif
