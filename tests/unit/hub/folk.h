/* People of the town: phones, contacts, and what is posted about them. */
#ifndef TESTS_UNIT_HUB_FOLK_H
#define TESTS_UNIT_HUB_FOLK_H

#include "town.h"

/* A phone of the test route in Sweden. */
void folk_phone(struct town *t, const char *id, const char *number);
/* A contact of this number; its id goes to ret. */
void folk_contact(struct town *t, const char *number, const char *name, char ret[64]);
/* A member of a stored object as JSON text; "" when object or member is absent. Good until the next one. */
const char *folk_member(struct town *t, enum kind kind, const char *id, const char *member);
/* Sets a member of a stored object. */
void folk_set(struct town *t, enum kind kind, const char *id, const char *member, const char *json);
/* Posts one event as api/events.c does. Returns its place in the log, 0 when it was known. */
int64_t folk_post(struct town *t, const char *event);

#endif
