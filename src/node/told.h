/* What the engine reports, on its way to the hub: a step of the transaction that writes it down. */
#ifndef NODE_TOLD_H
#define NODE_TOLD_H

#include "engine/engine.h"
#include "node/node.h"

/* Adds to tx what tells node_hooks.report of r; nothing when nobody wants to know. Copies what it needs. */
void told_add(struct node *n, const struct engine_report *r, struct tx *tx);

#endif
