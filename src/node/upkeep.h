/* What the store thread does between commits: floor, search index, retention, checkpoints. */
#ifndef NODE_UPKEEP_H
#define NODE_UPKEEP_H

#include "store/store.h"

struct upkeep;
struct node;

struct upkeep *upkeep_new(struct node *n);
void upkeep_free(struct upkeep **u);
/* For struct committer_host. Milliseconds until it wants to be called again. */
int64_t upkeep_go(struct upkeep *u, struct store *store, bool idle);
/* Writes the floor if it has moved; on the store thread. */
int upkeep_floor(struct upkeep *u, struct store *store);

#endif
