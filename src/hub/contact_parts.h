/* What the files of contacts, groups and labels share. */
#ifndef HUB_CONTACT_PARTS_H
#define HUB_CONTACT_PARTS_H

#include "hub/contact.h"
#include "hub/rest.h"

/* That many groups, or labels, an object can be found by: the rest of its index keys is taken (keys.c). */
#define CONTACT_GROUPS_MAX 20
#define MESSAGE_LABELS_ALL 16

/* A new contact in the hand: neither saved nor told. */
struct record *contact_draft(struct deed *d, struct slice number, struct slice name);
/* The contact of this name, whatever its case; the oldest of several. */
struct record *contact_by_name(struct deed *d, struct slice name);
/* The list of contacts with this index entry. */
int rest_contacts_with(struct rest *r, enum field where, struct slice value);

/*
 * Deletes a group or a label: takes it out of all objects that are in it, in commits of bounded size, then deletes it.
 * Blocks; an interruption leaves it with fewer objects, and deleting it again goes on.
 */
int rest_delete_list(struct rest *r, enum kind kind, enum kind of, enum field field, const char *list);
/* The parameter name, required. */
int rest_name(struct rest *r, struct slice *ret);
/* Changes name and vars as the parameters say; not saved. The name must not be that of another of its kind. */
int rest_rename(struct rest *r, struct record *rec);

#endif
