/*
 * What the files of the client share; nobody else includes it. One client a loop; a peer has a multi handle, slots
 * (easy handles with their constant options) and calls. A call waits in its peer, then takes a place (peer.active),
 * then perhaps looks its name up, then runs on a slot.
 */
#ifndef NET_CLIENT_IMPL_H
#define NET_CLIENT_IMPL_H

#include <curl/curl.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/url.h"
#include "net/client.h"
#include "net/resolve.h"

#define REASON_MAX  600
#define INTERIM_MAX 8

/* One place in the client's heap; fire runs once when its time has come. */
struct client_timer {
	struct heap_node node;
	void (*fire)(struct client_timer *timer);
};

struct client {
	uv_loop_t *loop;
	const struct guard *guard;
	struct resolve *resolve;
	union resolve_address bind; /* family AF_UNSPEC: the system's choice */
	int64_t idle_peer_ms;
	uv_timer_t timer;
	uv_idle_t
		idle; /* active while kicked is not empty: work that is done from the loop and not inside client_send */
	struct heap timers;
	int64_t armed_ms; /* what timer is set to, INT64_MAX: not set */
	struct list peers;
	struct list kicked;
	struct client_socket **sockets; /* by file descriptor */
	size_t socket_count;
	X509_STORE *system_store; /* the system's certificates, made when first needed */
	struct buf reason;
	size_t handles; /* of libuv, and the resolver: open or closing */
	bool closing;
	void (*closed)(void *ctx);
	void *closed_ctx;
};

/*
 * What the URL of a call says, and may it be gone to; the last
 * one of a peer is kept, because mostly the next is the same.
 */
struct client_target {
	struct buf text; /* as it stood in the request */
	struct buf sent; /* put together anew from its parts, for libcurl: what was checked is what is used */
	struct url url;
	uint64_t serial; /* another one for each text; 0: nothing read yet */
	unsigned guard;	 /* version that it was checked by */
	enum failure failure;
	char reason[REASON_MAX];
};

struct client_peer {
	struct client *client; /* NULL once the client was closed */
	const struct http_peer *settings;
	size_t refs; /* the owner, and every function that calls done and then looks at the peer again */
	bool freed;
	struct list link;
	struct list kick;
	CURLM *multi;		  /* NULL until the first call, and again after idling */
	struct client_timer wake; /* libcurl's own timer */
	struct client_timer idle;
	int64_t used_ms;
	bool act;     /* transfers were added or libcurl asked for a call without delay */
	bool in_turn; /* act will be looked at in this very turn */
	struct list waiting;
	size_t waiting_count;
	struct list looking; /* calls whose name is being looked up */
	struct list free_slots;
	struct list busy_slots;
	int active; /* calls that have a place: those in looking and on busy_slots */
	struct client_target target;
	struct buf loaded;	/* "host:port" whose addresses the multi handle knows */
	uint64_t loaded_serial; /* and of which answer, 0: it may know nothing */
	uint16_t loaded_port;
	struct list unnamed;  /* sockets whose own port is not known yet */
	struct map by_port;   /* the others */
	X509_STORE *store;    /* of settings->ca_pem */
	X509 *leaf;	      /* the certificate seen last, NULL: none yet */
	uint8_t leaf_key[32]; /* and the digest of its key */
};

/* An easy handle and all that one exchange on it collects. */
struct client_slot {
	struct list link;
	struct client_peer *peer;
	struct client_call *call;
	CURL *easy;
	CURLU *url; /* as read by libcurl, once a target and not once a request */
	uint64_t target_serial;
	char host[256]; /* of that target, for the certificate */
	bool https;
	enum http_method method;
	struct buf lines; /* the request's header lines, NUL-terminated, one after the other */
	struct curl_slist *nodes;
	size_t node_cap;
	struct curl_slist *addresses;

	struct buf headers, body;
	size_t header_bytes, dropped_bytes;
	int status, interim; /* status: 0 before the real answer's first line */
	bool block_begun, headers_done, encoded, length_seen, chunked;
	long long length;
	bool tls_key_known; /* leaf_key of the connection that the answer came on */
	uint8_t tls_key[32];
	bool unclean;	      /* this connection must not be used again */
	enum failure failure; /* found by one of our callbacks, goes before libcurl's result */
	char reason[REASON_MAX];
	union resolve_address tried; /* the address connected to last */
	char error[CURL_ERROR_SIZE];
};

struct client_call {
	struct list link; /* in peer.waiting or peer.looking; alone while on a slot */
	struct client_peer *peer;
	struct client_slot *slot;
	struct resolve_query *query;
	bool placed; /* counted in peer.active, not in peer.waiting_count */
	struct client_timer deadline;
	const struct http_request *request;
	client_done_fn *done;
	void *ctx;
	int64_t sent_us, started_us; /* monotonic */
	int64_t dns_us;		     /* -1: no look-up was needed */
};

/* client.c: turns and time */
int64_t client_now_ms(const struct client *c);
void client_timer_set(struct client *c, struct client_timer *t, int64_t at_ms);
void client_timer_stop(struct client *c, struct client_timer *t);
/* The peer is looked after in the loop's next turn. */
void client_kick(struct client_peer *p);
void client_handle_opened(struct client *c);
void client_handle_gone(struct client *c);

/* client_peer.c */
/* false when libcurl gives no handle. */
bool client_peer_open(struct client_peer *p);
void client_peer_turn(struct client_peer *p);
/* Hands out what libcurl has finished. */
void client_peer_drain(struct client_peer *p);
/* Cancels the peer's calls and closes its connections. */
void client_peer_drop(struct client_peer *p);
void client_peer_hold(struct client_peer *p);
void client_peer_release(struct client_peer *p);

/* client_socket.c */
void client_socket_setup(struct client_peer *p);
/* Lets go of sockets that libcurl closed without a word, once the multi handle is gone. */
void client_socket_part(struct client_peer *p);
/* One of libcurl's two socket callbacks of an easy handle each: data is the slot, and the client. */
curl_socket_t client_socket_open(void *data, curlsocktype purpose, struct curl_sockaddr *address);
int client_socket_close(void *data, curl_socket_t fd);
/* A CURLOPT_PREREQFUNCTION; data is the slot. */
int client_socket_check(void *data, char *there, char *here, int there_port, int here_port);

/* client_call.c */
void client_call_begin(struct client_call *call);
void client_call_finish(struct client_slot *slot, CURLcode result);
void client_call_drop(struct client_call *call);

/* client_target.c */
/* Reads url, unless it is the one read last. */
const struct client_target *client_target_read(struct client_peer *p, struct slice url);

/* client_slot.c */
/* NULL when libcurl gives no handle. */
struct client_slot *client_slot_take(struct client_peer *p);
/*
 * Puts the call's request on the slot and starts the transfer; addresses is NULL for a numeric host. On false
 * slot->failure and reason say why it did not start.
 */
bool client_slot_load(struct client_slot *slot, struct client_call *call, const struct resolve_answer *addresses);
/*
 * Takes the transfer out of the multi handle and the slot back among the
 * free ones; what it collected stays readable until it is loaded again.
 */
void client_slot_return(struct client_slot *slot);
void client_slot_free(struct client_slot *slot);

/* client_answer.c */
void client_answer_reset(struct client_slot *slot);
size_t client_answer_header(char *data, size_t size, size_t count, void *ctx);
size_t client_answer_body(char *data, size_t size, size_t count, void *ctx);

/* client_tls.c */
/* What the options of an easy handle do not say about TLS; libcurl calls it for each new connection. */
CURLcode client_tls_setup(CURL *easy, void *ssl_ctx, void *data);
/* Notes in the slot whose key is at the other end of its connection. To be called while the transfer is on it. */
void client_tls_key(struct client_slot *slot);
/* Constant TLS options of an easy handle. */
void client_tls_options(CURL *easy, const struct http_peer *settings);

/* client_reason.c */
/* The failure that stands for libcurl's result, and the sentence for it, in slot->failure and slot->reason. */
void client_reason_fill(struct client_slot *slot, CURLcode result);
/* The sentence for a deadline that passed. */
void client_reason_timeout(const struct client_call *call, char *reason, size_t cap);
/* "203.0.113.9 port 443", "[2001:db8::1] port 443" */
void client_reason_address(const union resolve_address *address, char *ret, size_t cap);

#endif
