/* The part of the start that looks further back than the floor: acknowledged final statuses. */
#ifndef NODE_RECOVER_FINALS_H
#define NODE_RECOVER_FINALS_H

#include "base/fault.h"

struct node;

/* Before any thread runs: the engines have their endpoints. */
int recover_finals(struct node *n, struct fault *fault);

#endif
