/* What a request is inside the server adapter. Private to server*.c. */
#ifndef NET_SERVER_REQUEST_H
#define NET_SERVER_REQUEST_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "net/server.h"
#include "net/server_body.h"
#include "net/server_door.h"

/* Where a request stands between the worker's thread and whoever answers it. Changed by atomic exchange only. */
enum answer_state {
	ANSWER_AWAITED,	  /* the handler runs */
	ANSWER_SUSPENDED, /* the connection sleeps until the answer wakes it */
	ANSWER_GIVEN,	  /* `response` is set */
};

struct request_argument {
	struct slice name, value;
};

struct server_request {
	struct server *server;
	struct MHD_Connection *connection;
	struct guest *guest;
	struct arena arena; /* target, method, decoded arguments */
	struct slice method, path, query;
	struct request_argument *arguments; /* decoded at the first question */
	size_t argument_count;
	bool arguments_known;
	bool begun;    /* the head was looked at */
	bool handed;   /* given to the handler */
	bool has_body; /* `body` was begun */
	bool screened; /* asked whether its body is worth reading */
	struct server_body body;
	size_t held;	    /* bytes of `body` that the server's sum counts */
	_Atomic int answer; /* enum answer_state */
	struct MHD_Response *response;
	unsigned status;
	struct server_stream *stream; /* NULL: the answer is whole */
};

/* target: as it stands in the request line. */
struct server_request *server_request_new(struct server *s, struct MHD_Connection *connection, const char *target);
void server_request_free(struct server_request *rq);
/*
 * NULL, or why the head is refused although libmicrohttpd took it:
 * what proxies before us could read differently (RFC 9112, 6.1).
 */
const char *server_request_fault(struct server_request *rq);
/* The answer is there: takes over the response and wakes the connection. */
void server_request_answer(struct server_request *rq, int status, struct MHD_Response *response);
void server_response_headers(struct MHD_Response *response, const char *content_type,
			     const struct server_header_out *headers, size_t header_count);
/* From now on the connection is not touched any more; its reference is dropped. On the connection's thread. */
void server_stream_gone(struct server_stream **st);

#endif
