/* The simulated node: engines, store and their host; everything that src/node does, on virtual time. */
#ifndef SIM_NODE_H
#define SIM_NODE_H

#include "sim.h"

struct node *node_new(struct sim *s);
void node_free(struct node **n);
/* Starts on what the disk holds. */
void node_start(struct node *n);
bool node_is_up(const struct node *n);
/* Gone in the middle of whatever it is doing. */
void node_crash(struct node *n);
/* Begins to stop in order; it is down when all is parked, or crashes after a while. */
void node_begin_stop(struct node *n);
bool node_is_stopping(const struct node *n);
/* Nothing waits for the disk. */
bool node_is_settled(const struct node *n);
void node_stall_disk(struct node *n, int64_t ms);

/* A request of a client; false when it is refused at once. */
bool node_submit(struct node *n, struct sim_event **events, int count);
void node_answer(struct node *n, struct exchange *x, const struct http_answer *a);
/* One change of settings at a time, and only while the node is up. */
bool node_may_change(const struct node *n);
/* Puts the endpoint's latest revision in force, or deletes it. False when it may not. */
bool node_change(struct node *n, struct sim_endpoint *ep, bool removal);
/* Sends some old events of an endpoint again. */
bool node_replay(struct node *n, struct sim_endpoint *ep);
struct store *node_disk(struct node *n);
/* What the hub has written down of an event at an endpoint: how often it heard each outcome. On disk. */
struct heard {
	int delivered, left, dead, passed;
};
struct heard node_heard(struct node *n, const struct sim_event *ev, const struct sim_endpoint *ep);
/* The engines' own idea of the memory that they use. */
struct engine *node_engine(const struct node *n, unsigned i);

#endif
