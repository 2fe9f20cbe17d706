/*
 * The HTTP client, a narrow door: today libcurl's multi interface on a libuv loop, later
 * perhaps a leaner HTTP/1.1 path. One struct client a loop thread; all calls from that thread.
 * A peer is the connections of one revision of one endpoint's settings: credentials never share
 * a connection. No redirects, cookies, compression, proxies from the environment, HTTP/2.
 */
#ifndef NET_CLIENT_H
#define NET_CLIENT_H

#include <uv.h>

#include "base/http.h"
#include "net/guard.h"

struct client;
struct client_peer;
struct client_call;

struct client_options {
	const struct guard *guard; /* borrowed, outlives the client */
	const char *bind_address;  /* numeric source address, NULL: the system's choice */
	const char *dns_servers;   /* c-ares CSV, NULL: the system's */
	int64_t idle_peer_ms;	   /* connections of a peer idle for so long are closed; default 60,000 */
};

/* ERR_INVALID for a bad bind address or server list. */
int client_new(uv_loop_t *loop, const struct client_options *options, struct client **ret, struct fault *fault);
/*
 * Cancels all calls (their callbacks do not run), closes all connections; finishes within the loop's next turns. closed
 * runs from the loop when nothing is left in it; then the loop may end. Peers that are left may be freed before or
 * after that; nothing can be sent on them.
 */
void client_close(struct client **c, void (*closed)(void *ctx), void *ctx);

/* settings stay borrowed until client_peer_free. Costs next to nothing until the first call. */
struct client_peer *client_peer_new(struct client *c, const struct http_peer *settings);
/* No call of it may be under way. Closes its connections. */
void client_peer_free(struct client_peer **p);

/* answer and everything in it is borrowed for the length of the call. */
typedef void client_done_fn(void *ctx, const struct http_answer *answer);
/*
 * Starts one exchange; request (and what it points to) must live until done runs. done runs exactly once, from the
 * loop, never inside client_send, at the latest at the absolute deadline settings->timeout_ms after this call (name
 * look-up included). Returns the call for client_cancel.
 */
struct client_call *client_send(struct client_peer *p, const struct http_request *request, client_done_fn *done,
				void *ctx);
/* Ends a call; its done will not run. */
void client_cancel(struct client_call **call);

#endif
