/*
 * The HTTP server adapter over libmicrohttpd. The way of one request: its head is looked at (request_begin), its body
 * is collected and expanded under the ceiling (request_take), the whole of it goes to the handler (request_hand), the
 * answer to the wire (request_send). Workers are libmicrohttpd's epoll threads; a connection stays with one worker for
 * life, so all of these run on one thread. Only server_answer may run elsewhere.
 *
 * The handler may answer before it returns, or another thread may answer at any moment after it was called, even before
 * we have put the connection to sleep. One atomic word settles that race: server_answer puts ANSWER_GIVEN into it and
 * wakes the connection only when it finds it asleep; the worker falls asleep first and then tries to say so, and when
 * the answer was quicker, wakes the connection itself.
 *
 * Memory for bodies is given out against one sum, for every client may send one, also
 * who has no key: a body that makes the sum too large is dropped and its request answered
 * with 503, and a body of more than a few kilobytes is read only for whom the handler's
 * screen wants to hear.
 *
 * What libmicrohttpd lets pass and could be read differently by a proxy before us
 * is refused (server_request_fault); what it answers by itself, malformed HTTP,
 * has an HTML body that cannot be changed: the one exception to "errors are JSON".
 */
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/latch.h"
#include "base/mem.h"
#include "net/server_request.h"

#define SECOND_US	 INT64_C(1000000)
#define HEAD_LIMIT_US	 (10 * SECOND_US)  /* from the request line to the end of the head */
#define REQUEST_LIMIT_US (30 * SECOND_US)  /* from there to the end of the body */
#define ANSWER_LIMIT_US	 (120 * SECOND_US) /* from the answer to its last byte on the wire */
#define STOP_GRACE_S	 5		   /* server_stop waits so long for clients to take answers that were given */
#define HEAD_BYTES_MAX	 ((size_t)32 * 1024)
#define TLS_PRIORITIES	 "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct server {
	struct MHD_Daemon *daemon;
	struct door *door;
	server_handler *handler;
	server_screen *screen;
	void *ctx;
	size_t body_max, bodies_max;
	atomic_size_t held; /* bytes of all bodies */
	int64_t idle_us;
	bool tls;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t moved;
	size_t unanswered; /* with the handler */
	size_t open;	   /* given to the handler, answer not yet on the wire */
	bool stopping;
};

/* --- counting, so that server_stop knows when all is done --- */

/* False when the server is stopping: the request must not reach the handler any more. */
static bool count_in(struct server *s)
{
	bool ok;

	pthread_mutex_lock(&s->lock);
	ok = !s->stopping;
	s->unanswered += ok;
	s->open += ok;
	pthread_mutex_unlock(&s->lock);
	return ok;
}

static void count_down(struct server *s, size_t *counter)
{
	pthread_mutex_lock(&s->lock);
	assert(*counter > 0);
	if (--*counter == 0 && s->stopping)
		pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->lock);
}

/* --- answers --- */

void server_response_headers(struct MHD_Response *response, const char *content_type,
			     const struct server_header_out *headers, size_t header_count)
{
	if (content_type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	for (size_t i = 0; i < header_count; i++)
		MHD_add_response_header(response, headers[i].name, headers[i].value);
}

static struct MHD_Response *response_make(const char *content_type, struct slice body,
					  const struct server_header_out *headers, size_t header_count)
{
	/* libmicrohttpd's interface has no const; with MUST_COPY it does not write there. */
	struct MHD_Response *response =
		MHD_create_response_from_buffer(body.n, (void *)(uintptr_t)body.p, MHD_RESPMEM_MUST_COPY);

	assert(response);
	server_response_headers(response, content_type, headers, header_count);
	return response;
}

static enum MHD_Result request_send(struct server_request *rq)
{
	guest_limit(rq->guest,
		    rq->stream ? 0 : ANSWER_LIMIT_US); /* a stream's reader is cut by what it leaves unread */
	return MHD_queue_response(rq->connection, rq->status, rq->response);
}

static void error_write(struct buf *out, const char *code, const char *message)
{
	struct json_writer w;

	buf_init(out, 4096);
	json_writer_init(&w, out);
	json_begin_object(&w);
	json_key(&w, "error");
	json_begin_object(&w);
	json_member_str(&w, "code", code);
	json_member_str(&w, "message", message);
	json_member_str(&w, "param", NULL);
	json_end_object(&w);
	json_end_object(&w);
}

/*
 * The adapter's own answer, in the shape of the API's errors. The
 * connection ends with it: who sends such requests is told once.
 */
static enum MHD_Result request_refuse(struct server_request *rq, unsigned status, const char *code, const char *message)
{
	static const struct server_header_out headers[] = { { MHD_HTTP_HEADER_CONNECTION, "close" },
							    { MHD_HTTP_HEADER_RETRY_AFTER, "1" } };
	struct buf body;

	error_write(&body, code, message);
	rq->status = status;
	rq->response = response_make("application/json", buf_slice(&body), headers,
				     status == MHD_HTTP_SERVICE_UNAVAILABLE ? 2 : 1);
	buf_free(&body);
	return request_send(rq);
}

void server_request_answer(struct server_request *rq, int status, struct MHD_Response *response)
{
	struct server *s = rq->server;
	struct MHD_Connection *connection = rq->connection;
	int before;

	assert(rq->handed && status >= 200 && status <= 599);
	rq->status = (unsigned)status;
	rq->response = response;
	before = atomic_exchange(&rq->answer, ANSWER_GIVEN);
	assert(before != ANSWER_GIVEN); /* answered twice */
	if (before == ANSWER_SUSPENDED)
		MHD_resume_connection(connection);
	count_down(s, &s->unanswered);
}

void server_answer(struct server_request *rq, int status, const char *content_type, struct slice body,
		   const struct server_header_out *headers, size_t header_count)
{
	server_request_answer(rq, status, response_make(content_type, body, headers, header_count));
}

/* --- the way in --- */

static enum MHD_Result refuse_too_large(struct server_request *rq)
{
	return request_refuse(rq, MHD_HTTP_CONTENT_TOO_LARGE, "too_large",
			      "the body is larger than this server takes; send it in several requests");
}

static enum MHD_Result refuse_encoding(struct server_request *rq)
{
	return request_refuse(rq, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding",
			      "the only Content-Encoding known here is gzip; send the body as it is, or as gzip");
}

static enum MHD_Result request_begin(struct server_request *rq, const char *method)
{
	const char *fault = server_request_fault(rq);
	long long length = 0;

	rq->begun = true;
	rq->method = arena_slice(&rq->arena, slice_str(method));
	guest_limit(rq->guest, REQUEST_LIMIT_US);
	if (fault)
		return request_refuse(rq, MHD_HTTP_BAD_REQUEST, "bad_request", fault);
	slice_to_i64(server_header(rq, MHD_HTTP_HEADER_CONTENT_LENGTH), &length);
	if (length > 0 && (unsigned long long)length > rq->server->body_max)
		return refuse_too_large(rq);
	server_body_begin(&rq->body, server_header(rq, MHD_HTTP_HEADER_CONTENT_ENCODING), rq->server->body_max);
	rq->has_body = true;
	return rq->body.state == BODY_UNSUPPORTED ? refuse_encoding(rq) : MHD_YES;
}

/*
 * Libmicrohttpd answers before a body or after it, never in its midst. So this goes to the socket past it, and the
 * connection ends; over TLS it only ends.
 */
static enum MHD_Result cut_too_large(struct server_request *rq)
{
	static const char body[] =
		"{\"error\":{\"code\":\"too_large\",\"message\":\"the body is larger than this server "
		"takes; send it in several requests\",\"param\":null}}";
	char answer[512];
	int n = snprintf(answer, sizeof(answer),
			 "HTTP/1.1 413 Content Too Large\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
			 "Connection: close\r\n\r\n%s",
			 sizeof(body) - 1, body);

	if (!rq->server->tls)
		send(rq->guest->fd, answer, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	return MHD_NO;
}

/* Brings the sum of all bodies up to date with this one. */
static void room_count(struct server_request *rq, size_t bytes)
{
	atomic_fetch_add(&rq->server->held,
			 bytes - rq->held); /* a difference below zero wraps round, and so does the sum */
	rq->held = bytes;
}

static bool is_unwanted(struct server_request *rq)
{
	struct server *s = rq->server;

	if (!s->screen || rq->screened || rq->body.content.n <= SERVER_UNSCREENED)
		return false;
	rq->screened = true;
	return !s->screen(s->ctx, rq);
}

/* After every piece of a body: may it go on growing? */
static void room_check(struct server_request *rq)
{
	struct server *s = rq->server;

	room_count(rq, server_body_bytes(&rq->body));
	if (rq->body.state != BODY_OPEN)
		return;
	if (is_unwanted(rq))
		server_body_drop(&rq->body, BODY_UNWANTED);
	else if (s->bodies_max && atomic_load(&s->held) > s->bodies_max)
		server_body_drop(&rq->body, BODY_NO_ROOM);
	room_count(rq, server_body_bytes(&rq->body));
}

static enum MHD_Result request_take(struct server_request *rq, const char *bytes, size_t *n)
{
	server_body_add(&rq->body, slice_of(bytes, *n));
	*n = 0;
	room_check(rq);
	/*
	 * A client that is still sending may not read our answer,
	 * so a body that is a little too large is borne to its end.
	 */
	if (rq->body.state != BODY_OPEN && rq->body.received > 2 * rq->server->body_max)
		return cut_too_large(rq);
	return MHD_YES;
}

static void request_sleep(struct server_request *rq)
{
	int expected = ANSWER_AWAITED;

	MHD_suspend_connection(rq->connection);
	if (!atomic_compare_exchange_strong(&rq->answer, &expected, ANSWER_SUSPENDED))
		MHD_resume_connection(rq->connection);
}

static enum MHD_Result request_hand(struct server_request *rq)
{
	struct server *s = rq->server;
	enum server_body_state state = server_body_end(&rq->body);

	if (state == BODY_TOO_LARGE)
		return refuse_too_large(rq);
	if (state == BODY_BROKEN)
		return request_refuse(rq, MHD_HTTP_BAD_REQUEST, "invalid_body",
				      "the body is no complete gzip stream, although Content-Encoding says so");
	if (state == BODY_NO_ROOM)
		return request_refuse(
			rq, MHD_HTTP_SERVICE_UNAVAILABLE, "busy",
			"the bodies of other requests take all the memory that there is for them; nothing "
			"was taken, try again");
	assert(state == BODY_WHOLE || state == BODY_UNWANTED);
	if (!count_in(s))
		return request_refuse(rq, MHD_HTTP_SERVICE_UNAVAILABLE, "stopping",
				      "the server is stopping; try again later");
	rq->handed = true;
	guest_limit(rq->guest, 0);
	s->handler(s->ctx, rq);
	if (atomic_load(&rq->answer) == ANSWER_GIVEN)
		return request_send(rq);
	request_sleep(rq);
	return MHD_YES;
}

/* --- libmicrohttpd's callbacks --- */

static enum MHD_Result on_access(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
				 const char *version, const char *bytes, size_t *n, void **state)
{
	struct server_request *rq = *state;

	(void)ctx, (void)connection, (void)url, (void)version;
	if (!rq->begun)
		return request_begin(rq, method);
	if (*n > 0)
		return request_take(rq, bytes, n);
	if (!rq->handed)
		return request_hand(rq);
	return request_send(rq); /* woken */
}

static struct guest *guest_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/*
 * The request line was read: the first we hear of a request, and the only time that its target is shown as it was sent.
 */
static void *on_target(void *ctx, const char *target, struct MHD_Connection *connection)
{
	struct server_request *rq = server_request_new(ctx, connection, target);

	rq->guest = guest_of(connection);
	guest_limit(rq->guest, HEAD_LIMIT_US);
	return rq;
}

/*
 * A connection at rest. Libmicrohttpd cuts it when it is idle;
 * the longer limit here is for a request line that is dripped.
 */
static int64_t rest_limit_us(const struct server *s)
{
	return s->idle_us + HEAD_LIMIT_US;
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct server *s = ctx;
	struct server_request *rq = *state;

	(void)connection, (void)code;
	if (!rq)
		return;
	*state = NULL;
	room_count(rq, 0);
	guest_limit(rq->guest, rest_limit_us(s));
	server_stream_gone(&rq->stream);
	if (rq->handed)
		count_down(s, &s->open);
	server_request_free(rq);
}

static void on_connection(void *ctx, struct MHD_Connection *connection, void **guest,
			  enum MHD_ConnectionNotificationCode code)
{
	struct server *s = ctx;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*guest = door_guest_in(
			s->door, MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
			rest_limit_us(s));
	else
		door_guest_out(s->door, *guest);
}

static bool on_enter(void *ctx, int fd, const struct sockaddr *addr, socklen_t addr_len)
{
	struct server *s = ctx;

	return MHD_add_connection(s->daemon, fd, addr, addr_len) == MHD_YES;
}

/* --- start and stop --- */

/* Casting a function to intptr_t is what MHD_OPTION_ARRAY asks for. */
static struct MHD_Daemon *daemon_start(struct server *s, const struct server_options *o)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
			 (s->tls ? (unsigned)MHD_USE_TLS : 0);
	/*
	 * The door holds the number of connections. Libmicrohttpd's own bound
	 * is per worker and drops what is over it, so it must never be met.
	 */
	intptr_t limit = ((intptr_t)o->connections_max + 64) * (intptr_t)(o->threads > 1 ? o->threads : 1);
	struct MHD_OptionItem items[] = {
		{ MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_target, s },
		{ MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, s },
		{ MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, s },
		{ MHD_OPTION_CONNECTION_LIMIT, limit, NULL },
		{ MHD_OPTION_CONNECTION_TIMEOUT, o->idle_timeout_s, NULL },
		{ MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)HEAD_BYTES_MAX, NULL },
		{ MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL },
		{ o->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)o->threads, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem tls[] = {
		{ s->tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, (void *)(uintptr_t)o->tls_cert_pem },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->tls_key_pem },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES },
		{ MHD_OPTION_END, 0, NULL },
	};

	return MHD_start_daemon(flags, 0, NULL, NULL, on_access, s, MHD_OPTION_ARRAY, items, MHD_OPTION_ARRAY, tls,
				MHD_OPTION_END);
}

static int server_launch(struct server *s, const struct server_options *o, struct fault *fault)
{
	sigset_t all, before;

	/* The workers inherit the mask: signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	s->daemon = daemon_start(s, o);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!s->daemon) {
		fault_set(fault, "listen", "listen", "libmicrohttpd does not start; check %s",
			  s->tls ? "certificate and key" : "the limits of open files and processes");
		return ERR_SYSTEM;
	}
	return door_open(s->door, on_enter, s, fault);
}

static void server_free(struct server **server)
{
	struct server *s = *server;

	*server = NULL;
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	door_free(&s->door);
	pthread_cond_destroy(&s->moved);
	pthread_mutex_destroy(&s->lock);
	mem_free(s);
}

int server_start(const struct server_options *options, server_handler *handler, void *ctx, struct server **ret,
		 struct fault *fault)
{
	struct server *s = mem_zalloc(sizeof(*s));
	int rc;

	s->handler = handler;
	s->screen = options->screen;
	s->ctx = ctx;
	s->body_max = options->body_max;
	s->bodies_max = options->bodies_max;
	s->idle_us = options->idle_timeout_s * SECOND_US;
	s->tls = options->tls_cert_pem != NULL;
	pthread_mutex_init(&s->lock, NULL);
	cond_init_monotonic(&s->moved);
	rc = door_new(options->address, options->connections_max, &s->door, fault);
	if (rc == 0)
		rc = server_launch(s, options, fault);
	if (rc != 0)
		server_free(&s);
	else
		*ret = s;
	return rc;
}

void server_address(const struct server *s, char *ret, size_t cap)
{
	door_address(s->door, ret, cap);
}

void server_quiesce(struct server *s)
{
	door_close(s->door);
}

/*
 * All answers are given without a limit of time, and on the wire
 * within the grace: a client may be too slow to take its own.
 */
static void server_drain(struct server *s)
{
	int64_t until_us;

	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	while (s->unanswered > 0)
		pthread_cond_wait(&s->moved, &s->lock);
	until_us = clock_mono_us() + STOP_GRACE_S * SECOND_US;
	while (s->open > 0 && cond_wait_until(&s->moved, &s->lock, until_us))
		;
	pthread_mutex_unlock(&s->lock);
}

void server_stop(struct server **server)
{
	struct server *s = *server;

	if (!s)
		return;
	server_quiesce(s);
	server_drain(s);
	door_stop(s->door); /* before its connections' home is gone */
	server_free(server);
}
