/* Groups of contacts (group.c) and labels of messages (label.c): found by id or name, joined and left. */
#ifndef HUB_GROUP_H
#define HUB_GROUP_H

#include "hub/record.h"

/* Into or out of a group; saved and told. False when it was so already. */
bool contact_group(struct deed *d, struct record *contact, struct record *group, bool in);
/* The group of this id or, failing that, of this name; made when make is set. NULL: none. */
struct record *group_find(struct deed *d, struct slice id_or_name, bool make);
struct record *label_find(struct deed *d, struct slice id_or_name, bool make);
/* Puts a label on a message or takes it off; saved, and told as message_metadata. False when it was so already. */
bool message_label(struct deed *d, struct record *message, struct record *label, bool on);

#endif
