/*
 * libcurl's sockets on libuv. A socket keeps its poll handle for its whole life, and that stays
 * set to "readable" between two exchanges: libcurl says "remove" when an answer is whole and "in"
 * when the next request is out, and following it each time would cost more system calls than the
 * exchange itself. What becomes readable while libcurl does not care is the receiver closing an
 * idle connection: the poll is stopped then, and libcurl notices when it takes the connection up.
 *
 * The last word of the address guard is here, on the very address that is connected to.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/client_impl.h"

struct client_socket {
	uv_poll_t poll;
	struct client *client;
	struct client_peer *peer;
	struct list unnamed;
	struct map_node by_port;
	bool named; /* in peer->by_port and no more in peer->unnamed */
	bool heard; /* something happened on it: until then it may be a connection that never comes about */
	int polled; /* what the poll handle is set to, 0: stopped */
	int wanted; /* what libcurl waits for, 0: it does not care */
};

static void on_poll(uv_poll_t *poll, int status, int events);

static void poll_set(struct client_socket *s, int events)
{
	if (events == s->polled)
		return;
	s->polled = events;
	if (events)
		uv_poll_start(&s->poll, events, on_poll);
	else
		uv_poll_stop(&s->poll);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct client_socket *s = poll->data;
	struct client_peer *p = s->peer;
	int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
	int running;
	uv_os_fd_t fd;

	s->heard = true;
	if (!s->wanted) {
		poll_set(s, 0);
		return;
	}
	uv_fileno((uv_handle_t *)poll, &fd);
	curl_multi_socket_action(p->multi, fd, status < 0 ? CURL_CSELECT_ERR : flags, &running);
	client_peer_drain(p);
}

static struct client_socket *socket_find(const struct client *c, curl_socket_t fd)
{
	return (size_t)fd < c->socket_count ? c->sockets[fd] : NULL;
}

static void sockets_reach(struct client *c, size_t fd)
{
	size_t count = c->socket_count ? c->socket_count : 64;

	if (fd < c->socket_count)
		return;
	while (count <= fd)
		count *= 2;
	c->sockets = mem_realloc(c->sockets, count * sizeof(struct client_socket *));
	memset(c->sockets + c->socket_count, 0, (count - c->socket_count) * sizeof(struct client_socket *));
	c->socket_count = count;
}

static bool socket_watch(struct client_peer *p, int fd)
{
	struct client *c = p->client;
	struct client_socket *s = mem_zalloc(sizeof(*s));

	s->client = c;
	s->peer = p;
	if (uv_poll_init(c->loop, &s->poll, fd) != 0) {
		mem_free(s);
		return false;
	}
	s->poll.data = s;
	list_push(&p->unnamed, &s->unnamed);
	sockets_reach(c, (size_t)fd);
	c->sockets[fd] = s;
	client_handle_opened(c);
	return true;
}

static void on_closed(uv_handle_t *handle)
{
	struct client_socket *s = handle->data;
	struct client *c = s->client;

	mem_free(s);
	client_handle_gone(c);
}

/* Out of epoll before the number can be given to another socket. */
static void socket_forget(struct client *c, curl_socket_t fd)
{
	struct client_socket *s = socket_find(c, fd);

	if (!s)
		return;
	if (s->named)
		map_del(&s->peer->by_port, &s->by_port);
	else
		list_del(&s->unnamed);
	c->sockets[fd] = NULL;
	uv_poll_stop(&s->poll);
	uv_close((uv_handle_t *)&s->poll, on_closed);
}

/*
 * libcurl's wish what to wait for on a socket. A connection that was given up before it came about is closed by libcurl
 * 7.88 without client_socket_close: "remove" is all that is heard of it, and its number may be another file by now. So
 * such a one is forgotten; were it still alive, the next wish would take it up again.
 */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *unused)
{
	struct client_peer *p = ctx;
	struct client_socket *s = socket_find(p->client, fd);

	(void)easy;
	(void)unused;
	if (what == CURL_POLL_REMOVE && s && !s->heard) {
		socket_forget(p->client, fd);
		return 0;
	}
	if (!s && what != CURL_POLL_REMOVE && socket_watch(p, fd))
		s = socket_find(p->client, fd);
	if (!s)
		return 0;
	s->wanted = (what & CURL_POLL_IN && what != CURL_POLL_REMOVE ? UV_READABLE : 0) |
		    (what & CURL_POLL_OUT && what != CURL_POLL_REMOVE ? UV_WRITABLE : 0);
	poll_set(s, s->wanted ? s->wanted : UV_READABLE);
	return 0;
}

void client_socket_setup(struct client_peer *p)
{
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
}

/*
 * The source address; its port is chosen at connect(), so that
 * thousands of connections to different receivers may share one.
 */
static bool socket_bind(const struct client *c, int fd, int family)
{
	int on = 1;

	if (c->bind.sa.sa_family == AF_UNSPEC)
		return true;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return c->bind.sa.sa_family == family && bind(fd, &c->bind.sa, sizeof(c->bind)) == 0;
}

static curl_socket_t refuse(struct client_slot *slot, enum failure failure, const char *why, const char *cure)
{
	char address[80];

	client_reason_address(&slot->tried, address, sizeof(address));
	slot->failure = failure;
	snprintf(slot->reason, sizeof(slot->reason), "no connection to %s: %s; %s", address, why, cure);
	return CURL_SOCKET_BAD;
}

curl_socket_t client_socket_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct client_slot *slot = data;
	struct client *c = slot->peer->client;
	const char *why = guard_check(c->guard, &address->addr);
	int fd;

	(void)purpose;
	memcpy(&slot->tried, &address->addr,
	       address->addrlen < sizeof(slot->tried) ? address->addrlen : sizeof(slot->tried));
	if (why)
		return refuse(slot, FAILURE_REFUSED_ADDRESS, why, "if it is meant, open it with --allow-net");
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
	if (fd < 0)
		return refuse(slot, FAILURE_INTERNAL, strerrordesc_np(errno), "look at this machine's limits");
	if (!socket_bind(c, fd, address->family)) {
		close(fd);
		return refuse(slot, FAILURE_INTERNAL, "the source address cannot be used for it",
			      "look at --bind-address");
	}
	socket_forget(c, fd); /* one that libcurl closed without a word, and has not spoken of since */
	if (!socket_watch(slot->peer, fd)) {
		close(fd);
		return refuse(slot, FAILURE_INTERNAL, "the socket cannot be polled", "look at this machine's limits");
	}
	return fd;
}

static int local_port(const struct client_socket *s)
{
	union resolve_address a = { 0 };
	socklen_t n = sizeof(a);
	uv_os_fd_t fd;

	uv_fileno((const uv_handle_t *)&s->poll, &fd);
	if (getsockname(fd, &a.sa, &n) != 0)
		return 0;
	return ntohs(a.sa.sa_family == AF_INET6 ? a.in6.sin6_port : a.in.sin_port);
}

/* Of a new connection; libcurl does not say which of the sockets that it opened became one. */
static void port_note(struct client_peer *p, int port)
{
	LIST_EACH (it, &p->unnamed) {
		struct client_socket *s = CONTAINER_OF(it, struct client_socket, unnamed);

		if (local_port(s) != port)
			continue;
		list_del(&s->unnamed);
		s->named = true;
		map_add(&p->by_port, &s->by_port, hash_u64((uint64_t)port));
		return;
	}
}

static void close_if_readable(struct client_socket *s)
{
	uv_os_fd_t fd;
	char byte;

	uv_fileno((const uv_handle_t *)&s->poll, &fd);
	if (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		shutdown(fd, SHUT_RDWR);
}

void client_socket_part(struct client_peer *p)
{
	struct map_node *n;
	uv_os_fd_t fd;

	while (!list_empty(&p->unnamed)) {
		uv_fileno((uv_handle_t *)&CONTAINER_OF(p->unnamed.next, struct client_socket, unnamed)->poll, &fd);
		socket_forget(p->client, fd);
	}
	while ((n = map_walk(&p->by_port, NULL))) {
		uv_fileno((uv_handle_t *)&CONTAINER_OF(n, struct client_socket, by_port)->poll, &fd);
		socket_forget(p->client, fd);
	}
	map_free(&p->by_port);
}

/*
 * Bytes that lie there before the request is sent cannot be its answer, but would be taken for it: a receiver that says
 * more than its Content-Length, in two packets, would acknowledge the next event with the rest. libcurl 7.88 only looks
 * whether the connection was closed. It cannot be told to take another one either, so this one is closed under it: it
 * finds that it cannot send, and does it again on a new connection.
 *
 * Nor does it say here which connection it took (CURLINFO_ACTIVESOCKET is not set yet), but for its ports.
 */
int client_socket_check(void *data, char *there, char *here, int there_port, int here_port)
{
	struct client_slot *slot = data;
	struct client_peer *p = slot->peer;
	uint64_t hash = hash_u64((uint64_t)here_port);
	long connections = 0;

	(void)there;
	(void)here;
	(void)there_port;
	curl_easy_getinfo(slot->easy, CURLINFO_NUM_CONNECTS, &connections);
	if (connections > 0) {
		port_note(p, here_port);
		return CURL_PREREQFUNC_OK;
	}
	for (struct map_node *n = map_first(&p->by_port, hash); n; n = map_next(n, hash))
		close_if_readable(CONTAINER_OF(n, struct client_socket, by_port));
	return CURL_PREREQFUNC_OK;
}

int client_socket_close(void *data, curl_socket_t fd)
{
	socket_forget(data, fd);
	return close(fd);
}
