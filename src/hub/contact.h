/* Contacts: who messages come from and go to. Made by the first message, by REST, or by hand in the console. */
#ifndef HUB_CONTACT_H
#define HUB_CONTACT_H

#include "hub/record.h"

/*
 * The contact with this phone number: compared by digits, so +46 70… and 4670… are one, and short codes and
 * alphanumeric senders by their text. NULL when there is none.
 */
struct record *contact_find(struct deed *d, struct slice number);
/*
 * The number as contacts are known by it: in E.164 where it can be said relative to the phone's country, so that the
 * national and the international way of writing it are one contact; otherwise as it is. phone may be NULL.
 */
struct slice contact_number(struct deed *d, struct slice number, struct record *phone);
/*
 * Does this project use postrider as its messaging platform: has it a phone or a service? If not, the platform that
 * posts its events looks after its contacts, and is not told of those that we make of them.
 */
bool contact_hub_used(struct deed *d);
/* The same; when there is none, makes and saves one, and tells contact_update "auto_add" (origin
 * platform) where the hub is in use. */
struct record *contact_for_number(struct deed *d, struct slice number);
/*
 * A new contact; told as contact_update `update_type` (NULL: not told) with the deed's origin (notice.h leaves out
 * api and script).
 */
struct record *contact_create(struct deed *d, struct slice number, struct slice name, const char *update_type);
/*
 * Counts a message that came in or goes out: message_count, last_message_time, last_message_id and so on; ERR_… never.
 * The caller saves the contact.
 */
void contact_count(struct deed *d, struct record *contact, const struct record *message, bool incoming);
/*
 * Sets a writable member - name, phone_number, send_blocked, conversation_status, default_route_id - or vars.x, from
 * JSON. ERR_INVALID with *fault: unknown, read-only, or a wrong value. Not saved.
 */
int contact_set(struct deed *d, struct record *contact, struct slice member, struct slice json, struct fault *fault);

#endif
