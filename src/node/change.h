/*
 * Changes of endpoints. A change begins on the loop of the endpoint's shard (what it has in memory is written to
 * pending), goes through the store as one transaction with its documents, and is in force on the loop before whoever
 * asked for it goes on. All of these block; not for loops and the store thread.
 */
#ifndef NODE_CHANGE_H
#define NODE_CHANGE_H

#include "node/directory.h"
#include "node/node.h"

/* Which endpoint, by name; the change lock is held while entry is used. */
struct change_wanted {
	struct owner owner;
	struct slice id;
	struct entry *entry; /* NULL: a new one */
	bool internal;
};

/* --- with the change lock held --- */

/*
 * The entry of this name, NULL when there is none. Nobody else changes or frees it meanwhile but change_forget, which
 * takes that lock too.
 */
struct entry *change_find(struct node *n, struct owner owner, struct slice id);
/* Puts these settings in force; disabled_reason: they disable it by themselves, NULL otherwise. */
int change_text(struct node *n, const struct change_wanted *want, struct json settings, enum endpoint_change how,
		const char *disabled_reason, struct fault *fault);
int change_delete(struct node *n, struct entry *en, struct fault *fault);
/* Is there an endpoint of this owner left? */
bool change_any_left(struct node *n, struct owner owner);

/* --- for all who make endpoints, on any thread --- */

/* Compiles the next revision of want->entry, or the first one of a new endpoint, which gets its number here. */
int change_compile(struct node *n, const struct change_wanted *want, struct slice text, struct endpoint **ret,
		   struct fault *fault);
/* An entry for a new endpoint; takes a reference. */
struct entry *change_entry_new(struct endpoint *ep, int64_t now_ms);

/* --- whole changes --- */

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
