/*
 * Streamed answers. Whoever writes puts references to shared bytes into a queue; the connection's
 * worker takes them out when libmicrohttpd asks for more of the body, and when there is nothing
 * it puts the connection to sleep. So a stream at rest costs no turn of any loop, and bytes that
 * go to a hundred clients exist once, until the moment they are copied into each one's packet.
 *
 * A client that does not read fills its socket and then the queue. It is not waited for: the socket is set to be thrown
 * away (SO_LINGER of 0: what the kernel holds of it goes too) and shut down, which wakes libmicrohttpd to close it. The
 * kernel's own buffer is kept small, for a thousand clients that stand still should not hold gigabytes there.
 *
 * Two hold a stream: who writes, until server_stream_end, and the connection, until server_stream_gone, after which the
 * socket belongs to nobody here. Only a connection that sleeps is resumed, and one that sleeps cannot end, so that is
 * done without the lock; libmicrohttpd has locks of its own.
 */
#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/list.h"
#include "base/mem.h"
#include "net/server_request.h"

#define BLOCK_BYTES  ((size_t)16 * 1024)
#define SOCKET_BYTES (128 * 1024) /* the kernel doubles it, for its own needs */
#define UNHEARD_MS   45000	  /* a peer that acknowledges nothing for so long is away */
#define LENGTH_OPEN  MHD_SIZE_UNKNOWN

struct piece {
	struct list link;
	struct blob *bytes;
};

struct server_stream {
	_Atomic int refs;
	pthread_mutex_t lock; /* guards the rest */
	struct MHD_Connection *connection;
	int fd; /* -1: the connection is gone */
	struct list pieces;
	size_t backlog; /* bytes in pieces, less taken */
	size_t taken;	/* of the first piece */
	bool asleep, ended, cut;
};

/* --- life --- */

static void piece_drop(struct server_stream *st)
{
	struct piece *p = CONTAINER_OF(list_pop(&st->pieces), struct piece, link);

	st->taken = 0;
	blob_unref(&p->bytes);
	mem_free(p);
}

static void pieces_drop(struct server_stream *st)
{
	while (!list_empty(&st->pieces))
		piece_drop(st);
	st->backlog = 0;
}

static void stream_unref(struct server_stream **stp)
{
	struct server_stream *st = *stp;

	*stp = NULL;
	if (atomic_fetch_sub(&st->refs, 1) > 1)
		return;
	pieces_drop(st);
	pthread_mutex_destroy(&st->lock);
	mem_free(st);
}

static struct server_stream *stream_new(struct server_request *rq)
{
	struct server_stream *st = mem_zalloc(sizeof(*st));

	atomic_init(&st->refs, 2);
	pthread_mutex_init(&st->lock, NULL);
	list_init(&st->pieces);
	st->connection = rq->connection;
	st->fd = rq->guest->fd;
	return st;
}

/* --- the connection's side --- */

/* Copies what fits; there is something. */
static size_t take(struct server_stream *st, char *room, size_t most)
{
	size_t n = 0;

	while (n < most && !list_empty(&st->pieces)) {
		struct blob *b = CONTAINER_OF(st->pieces.next, struct piece, link)->bytes;
		size_t left = b->n - st->taken, some = left < most - n ? left : most - n;

		memcpy(room + n, b->bytes + st->taken, some);
		n += some;
		st->taken += some;
		if (st->taken == b->n)
			piece_drop(st);
	}
	st->backlog -= n;
	return n;
}

static ssize_t on_more(void *ctx, uint64_t position, char *room, size_t most)
{
	struct server_stream *st = ctx;
	ssize_t n = 0;

	(void)position;
	pthread_mutex_lock(&st->lock);
	if (st->cut) {
		n = MHD_CONTENT_READER_END_WITH_ERROR;
	} else if (st->backlog > 0) {
		n = (ssize_t)take(st, room, most);
	} else if (st->ended) {
		n = MHD_CONTENT_READER_END_OF_STREAM;
	} else {
		st->asleep = true;
		MHD_suspend_connection(st->connection);
	}
	pthread_mutex_unlock(&st->lock);
	return n;
}

void server_stream_gone(struct server_stream **stp)
{
	struct server_stream *st = *stp;

	if (!st)
		return;
	pthread_mutex_lock(&st->lock);
	assert(!st->asleep);
	st->fd = -1;
	st->cut = true;
	pieces_drop(st);
	pthread_mutex_unlock(&st->lock);
	stream_unref(stp);
}

/* --- the writer's side --- */

static void socket_settle(int fd)
{
	int bytes = SOCKET_BYTES;
	unsigned ms = UNHEARD_MS;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

struct server_stream *server_stream_begin(struct server_request *rq, int status, const char *content_type,
					  const struct server_header_out *headers, size_t header_count)
{
	struct server_stream *st = stream_new(rq);
	struct MHD_Response *response = MHD_create_response_from_callback(LENGTH_OPEN, BLOCK_BYTES, on_more, st, NULL);

	assert(response && !rq->stream);
	server_response_headers(response, content_type, headers, header_count);
	socket_settle(st->fd);
	rq->stream = st;
	server_request_answer(rq, status, response);
	return st;
}

/* Under the lock: whether the connection is to be woken, which is the caller's to do without it. */
static bool rouse(struct server_stream *st)
{
	bool asleep = st->asleep;

	st->asleep = false;
	return asleep;
}

static void cut(struct server_stream *st)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	if (st->fd >= 0) {
		setsockopt(st->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		shutdown(st->fd, SHUT_RDWR);
	}
	st->cut = true;
	pieces_drop(st);
}

static void add(struct server_stream *st, struct blob *bytes)
{
	struct piece *p = mem_alloc(sizeof(*p));

	p->bytes = blob_ref(bytes);
	list_push(&st->pieces, &p->link);
	st->backlog += bytes->n;
}

bool server_stream_write(struct server_stream *st, struct blob *bytes)
{
	bool ok, wake = false;

	pthread_mutex_lock(&st->lock);
	assert(!st->ended);
	if (!st->cut && st->backlog + bytes->n > SERVER_STREAM_BACKLOG)
		cut(st);
	else if (!st->cut && bytes->n > 0)
		add(st, bytes);
	ok = !st->cut;
	wake = rouse(st);
	pthread_mutex_unlock(&st->lock);
	if (wake)
		MHD_resume_connection(st->connection);
	return ok;
}

/* The client has closed its side: nobody who listens does that. */
static bool has_left(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

bool server_stream_alive(struct server_stream *st)
{
	bool alive, wake = false;

	pthread_mutex_lock(&st->lock);
	if (!st->cut && has_left(st->fd)) {
		cut(st);
		wake = rouse(st);
	}
	alive = !st->cut;
	pthread_mutex_unlock(&st->lock);
	if (wake)
		MHD_resume_connection(st->connection);
	return alive;
}

void server_stream_end(struct server_stream **stp)
{
	struct server_stream *st = *stp;
	bool wake;

	if (!st)
		return;
	pthread_mutex_lock(&st->lock);
	st->ended = true;
	wake = rouse(st);
	pthread_mutex_unlock(&st->lock);
	if (wake)
		MHD_resume_connection(st->connection);
	stream_unref(stp);
}
