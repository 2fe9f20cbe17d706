/*
 * What a commit brings for the shards: its new events, in order of seq whoever brought them, and the endpoints that its
 * steps made. The store thread's own.
 */
#ifndef NODE_FRESH_H
#define NODE_FRESH_H

#include "base/list.h"
#include "node/directory.h"

struct fresh;

/* Somebody who hears of his commit once the shards have what it brought; embedded in what he keeps. */
struct fresh_answer {
	struct list link;
	void (*run)(struct fresh_answer *a);
};

struct fresh *fresh_new(struct node *n);
void fresh_free(struct fresh **f);

/* A commit begins: what one that failed has left behind is dropped, as its steps run again. */
void fresh_begin(struct fresh *f);
/* A new event, its seq set. Takes the reference. */
void fresh_event(struct fresh *f, struct event *ev);
/* A new endpoint, taken over; in the directory once the commit is through. */
void fresh_endpoint(struct fresh *f, struct entry *en);
/* The one of this name among them; NULL. */
struct entry *fresh_find(const struct fresh *f, struct slice project, struct slice id);
/* a->run is called after the shards have all. */
void fresh_answer(struct fresh *f, struct fresh_answer *a);

/* The commit is on disk: endpoints, then events go to the shards; then the answers. */
void fresh_give(struct fresh *f);

#endif
