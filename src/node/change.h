/*
 * Changes of endpoints. A change begins on the loop of the endpoint's shard (what it has in memory is written to
 * pending), goes through the store as one transaction with its documents, and is in force on the loop before whoever
 * asked for it goes on. All of these block; not for loops and the store thread.
 */
#ifndef NODE_CHANGE_H
#define NODE_CHANGE_H

#include "node/node.h"

/*
 * Only when this revision is still in force. This and change_organization: 0,
 * or an error, already logged; ERR_FULL and ERR_BUSY are worth another try.
 */
int change_disable(struct node *n, uint64_t number, uint32_t revision, const char *reason);
/* The last delivery of a deleted endpoint has ended. Nothing happens for any other revision. */
void change_forget(struct node *n, uint64_t number, uint32_t revision);
/* New revisions for the endpoints of a project whose organization is another one now. */
int change_organization(struct node *n, struct slice project);
/* All endpoints of an owner; the change lock is held. */
int change_delete_all(struct node *n, struct owner owner, struct fault *fault);

#endif
