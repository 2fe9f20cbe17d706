/*
 * The HTTP server adapter (libmicrohttpd): whole requests in, whole answers out. A request that waits for a commit
 * costs a suspended connection, not a thread. Handlers run on the server's own threads; server_answer may be called
 * from any thread, inside the handler or later, exactly once a request.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include <stdint.h>

#include "base/blob.h"
#include "base/buf.h"
#include "base/fault.h"

struct server;
struct server_request;
struct server_stream;

/* Takes over the request until it calls server_answer. */
typedef void server_handler(void *ctx, struct server_request *rq);
/*
 * Whether this request's body is worth reading. Asked at most once a request, when its body
 * grows beyond SERVER_UNSCREENED bytes; on the server's threads. False: the body is thrown
 * away, and the handler, which must refuse the request by its head alone, gets an empty one.
 */
typedef bool server_screen(void *ctx, struct server_request *rq);
#define SERVER_UNSCREENED ((size_t)16 * 1024)

struct server_options {
	const char *address; /* "127.0.0.1:8420", "[::1]:8420"; port 0: any free one */
	unsigned threads;    /* of the pool; at least 1 */
	size_t body_max;     /* bytes of a body, also of one expanded from gzip; more is 413 */
	/* bytes that all bodies may hold at once, above a few of body_max; over it: 503. 0: no bound */
	size_t bodies_max;
	server_screen *screen;			/* NULL: every body is read */
	unsigned connections_max;		/* further ones wait in the backlog */
	int idle_timeout_s;			/* a client that sends nothing for so long is cut */
	const char *tls_cert_pem, *tls_key_pem; /* both or neither; NULL: plain HTTP */
};

/* Listens and serves. ERR_SYSTEM with a sentence that names address and cure when it cannot. */
int server_start(const struct server_options *options, server_handler *handler, void *ctx, struct server **ret,
		 struct fault *fault);
/* The address it listens on, numeric, with the port in use. */
void server_address(const struct server *s, char *ret, size_t cap);
/* No new connections are accepted; those under way go on. */
void server_quiesce(struct server *s);
/* Waits until all requests are answered and all streams ended (the caller sees to that) and frees. */
void server_stop(struct server **s);

/* --- a request; valid until server_answer returns --- */
struct slice server_method(const struct server_request *rq); /* "GET" */
struct slice server_path(const struct server_request *rq);   /* as sent, not decoded, without the query */
/* The query string as sent, without '?'. */
struct slice server_query(const struct server_request *rq);
/* The decoded value of a query argument; false when it is not there. The slice lives as long as the request. */
bool server_argument(struct server_request *rq, const char *name, struct slice *ret);
/* All query arguments in order: false after the last. */
bool server_argument_at(struct server_request *rq, size_t index, struct slice *ret_name, struct slice *ret_value);
/* A request header's value, name in any case; empty slice when absent. */
struct slice server_header(const struct server_request *rq, const char *name);
/* All request headers in the order they came: false after the last. */
bool server_header_at(const struct server_request *rq, size_t index, struct slice *ret_name, struct slice *ret_value);
/* The whole body, already expanded when it came with Content-Encoding: gzip. */
struct slice server_body(const struct server_request *rq);

struct server_header_out {
	const char *name, *value;
};
/*
 * Answers with a copy of body. headers may be NULL; content_type too
 * when body is empty. Ends the request: rq is invalid afterwards.
 */
void server_answer(struct server_request *rq, int status, const char *content_type, struct slice body,
		   const struct server_header_out *headers, size_t header_count);

/* --- a streamed answer: its body comes bit by bit, for as long as both sides like --- */

#define SERVER_STREAM_BACKLOG ((size_t)512 * 1024)

/*
 * Answers with status and headers, and a body that is written later; like server_answer it ends the request, and may be
 * called from any thread. The stream is the caller's until server_stream_end, which server_stop waits for. All of them
 * return at once; those with one stream must come one after the other.
 */
struct server_stream *server_stream_begin(struct server_request *rq, int status, const char *content_type,
					  const struct server_header_out *headers, size_t header_count);
/*
 * Adds bytes to the body, by a reference of its own. False when the client has gone, or has left more than
 * SERVER_STREAM_BACKLOG unread: then it is cut, with what it did not read, and every later write is false too.
 */
bool server_stream_write(struct server_stream *st, struct blob *bytes);
/* Looks at the socket: false when the client has gone, which a stream without news would not hear of. */
bool server_stream_alive(struct server_stream *st);
/* The body ends after what was written. NULL is fine; sets *st to NULL. */
void server_stream_end(struct server_stream **st);

#endif
