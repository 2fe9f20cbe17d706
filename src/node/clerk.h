/*
 * The thread for what takes its time and must hold up neither a loop nor the store: disabling, the end of deleted
 * endpoints, replays, periodic looks at the store.
 */
#ifndef NODE_CLERK_H
#define NODE_CLERK_H

#include <stdint.h>

#include "base/fault.h"

struct clerk;
struct node;

/* Takes errands from now on; does them once it is started. */
struct clerk *clerk_new(struct node *n);
int clerk_start(struct clerk *c, struct fault *fault);
/*
 * Finishes what it is at, forgets what waits (a fresh start finds it
 * again), ends the thread. Messages to it are still allowed and dropped.
 */
void clerk_stop(struct clerk *c);
void clerk_free(struct clerk **c);

/* Any thread, never block. */
/* The engine stopped sending to this revision: it is to be disabled durably. */
void clerk_disable(struct clerk *c, uint64_t number, uint32_t revision, const char *reason);
/* The engine has nothing more to do with this revision. */
void clerk_retired(struct clerk *c, uint64_t number, uint32_t revision);
/* This project's organization has changed: its endpoints need new revisions. */
void clerk_organization(struct clerk *c, const char *project);
/* This project is gone: what objects it had go bit by bit. */
void clerk_drop(struct clerk *c, const char *project);
/* There is a replay to be worked at. */
void clerk_wake(struct clerk *c);

#endif
