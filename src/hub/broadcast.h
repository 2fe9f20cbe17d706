/* Broadcasts: one content to many, whose messages are made a part at a time. */
#ifndef HUB_BROADCAST_H
#define HUB_BROADCAST_H

#include "hub/record.h"

struct record *broadcast_new(struct deed *d); /* not saved; status queuing */
/* Saves it; what is due makes its messages, or cancels them, from now on. */
void broadcast_start(struct deed *d, struct record *b);
/* Somebody else has made all its messages: sending, or complete. */
void broadcast_close(struct deed *d, struct slice id);
/* One of its messages has another status; from is empty for a new one. Loads and saves the broadcast. */
void broadcast_count(struct deed *d, struct slice broadcast_id, struct slice from, struct slice to);
void broadcast_clicked(struct deed *d, struct slice broadcast_id);
void broadcast_replied(struct deed *d, struct slice broadcast_id);

#endif
