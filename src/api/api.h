/*
 * The HTTP API: what api.md promises, over node/node.h. One struct api serves one server and one node. Its handler
 * decides at once what is quick (health, posted events) and hands everything that may wait (settings, searches) to a
 * few threads of its own, so that no thread of the server ever waits.
 *
 * Life: api_new, server_start(api_handle), node_start, api_attach
 * … api_quiesce, server_stop, api_detach, node_stop, api_free.
 */
#ifndef API_API_H
#define API_API_H

#include "hub/hub.h"
#include "net/server.h"
#include "node/node.h"
#include "watch/watch.h"

struct api;

struct api_options {
	struct log *log;   /* borrowed; NULL: nothing is logged */
	bool metrics_open; /* /metrics answers without a key */
	/* for what may wait; 0: the default of 2. Each holds at most one of the node's readers at a time */
	unsigned desk_threads;
	const char *console_dir;     /* the console's files come from this folder; NULL: from the binary */
	const char *frame_ancestors; /* who may frame the console, in CSP's words; NULL: nobody */
};

struct api *api_new(const struct api_options *options);
/* As in api_options, from the next request on. Any thread. */
void api_set_metrics_open(struct api *a, bool open);
/* The server's handler; ctx is the api. Before api_attach everything but /healthz is answered with 503. Any thread. */
void api_handle(void *ctx, struct server_request *rq);
/*
 * The server's screen: a large body is not read for who would be refused by the head of the request alone. Any thread.
 */
bool api_screen(void *ctx, struct server_request *rq);
/* From now on requests are served by this node, its hub and its watch, borrowed until api_detach. */
void api_attach(struct api *a, struct node *node, struct hub *hub, struct watch *watch);
/*
 * The settings in force, a JSON array as /v1/settings shows it; copied. At the start, and again when they change. Any
 * thread.
 */
void api_settings(struct api *a, struct slice json);
/*
 * Says not ready, takes no events, answers the tests that still wait
 * for their endpoint, ends the streams. After it server_stop finds an end.
 */
void api_quiesce(struct api *a);
/* After server_stop: ends the threads; the node is not called any more. */
void api_detach(struct api *a);
/* After node_stop. */
void api_free(struct api **a);

/* The routes in order, for documentation: false after the last. */
struct api_route_info {
	const char *method, *path, *summary;
	const struct route_words *words; /* what it takes and gives (call.h) */
	const char *access;		 /* access: "none", "key", "project", "admin", "metrics" */
	const char *portal;		 /* of "project": which portal links may call it: "all", "write", "none" */
};
bool api_route_at(size_t index, struct api_route_info *ret);

#endif
