/* The start: engines filled from what is on disk. */
#ifndef NODE_RECOVER_H
#define NODE_RECOVER_H

#include "base/fault.h"

struct node;

/* Before any thread runs: the directory is loaded, the shards exist. As engine.h has it under "Start and stop". */
int recover(struct node *n, struct fault *fault);

#endif
