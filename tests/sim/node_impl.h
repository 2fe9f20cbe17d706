/*
 * What the two halves of the simulated node share: node.c (running, starting,
 * stopping) and node_work.c (what goes to the store and comes back).
 */
#ifndef SIM_NODE_IMPL_H
#define SIM_NODE_IMPL_H

#include "judge.h"
#include "node.h"
#include "simnet.h"
#include "simstore.h"

/* Host of one engine. */
struct socket {
	struct node *node;
	struct engine *engine;
};

enum node_state { NODE_DOWN, NODE_UP, NODE_STOPPING, NODE_PARKING };

struct node {
	struct sim *sim;
	struct simstore *store;
	enum node_state state;
	bool clean; /* the last stop was in order */
	bool changing;
	struct socket sockets[ENGINES_MAX];
	struct alarm turn, wake, floor, deadline;
	int64_t floor_asked;
	int turns_now;
	int64_t turn_ms;
};

struct socket *node_socket(struct node *n, uint64_t number);
void node_touch(struct node *n); /* a turn is due */

void node_host_commit(void *ctx, struct tx *tx);
void node_host_load(void *ctx, const struct pending_query *query, bool ready, size_t max_bytes);
void node_host_retire(void *ctx, const struct endpoint *endpoint);
void node_host_report(void *ctx, const struct engine_report *r, struct tx *tx);
/* By the settings in force. */
bool node_routes(const struct sim_endpoint *ep, const struct event *ev);
void node_write_floor(struct node *n, int64_t floor);

#endif
