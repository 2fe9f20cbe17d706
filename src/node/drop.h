/*
 * The objects of deleted projects, which may be many: they go in small commits after the project has gone. A document
 * of kind "dropping" stands for each such project from the commit that deletes it until its last object has gone.
 */
#ifndef NODE_DROP_H
#define NODE_DROP_H

#include "node/node.h"

/* Adds the mark to the transaction that deletes the project. */
void drop_mark(struct tx *tx, struct slice project);
/* On the store thread, outside a commit: is there a mark? */
bool drop_pending(struct store *store, struct slice project);
/*
 * Drops some more; *ret_more: there may be others. Nothing without a mark. Blocks; not for loops and the store thread.
 */
int drop_some(struct node *n, struct slice project, bool *ret_more);
/* At the start: the clerk goes on where the last run was interrupted. */
void drops_resume(struct node *n);

#endif
