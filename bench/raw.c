/*
 * raw: the floor R. Posts the same body over keep-alive connections and reads each answer, with nothing between it and
 * the kernel but epoll: what one POST costs at the very least on this machine. Prints one JSON object.
 *
 *   raw --port N [--events N] [--connections N] [--body TEXT]
 */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

struct connection {
	int fd;
	size_t sent;
	struct bytes in;
};

struct raw {
	int64_t port, events, connections;
	int64_t started, done;
	struct bytes request;
};

static void request_begin(struct raw *r, struct connection *c)
{
	if (r->started == r->events)
		return;
	r->started++;
	c->sent = 0;
	/* Less than a socket buffer at a time when the last one was answered: it goes out at once. */
	if (!bytes_send(&r->request, &c->sent, c->fd)) {
		errno = EMSGSIZE;
		die("the request does not fit the socket's buffer");
	}
}

static void answer_read(struct raw *r, struct connection *c)
{
	struct message m;

	if (bytes_recv(&c->in, c->fd) == IO_CLOSED)
		die("the receiver closed the connection");
	if (!message_read(&c->in, &m))
		return;
	bytes_drop(&c->in, m.total);
	r->done++;
	request_begin(r, c);
}

static struct connection *connections_open(struct raw *r, int epoll)
{
	struct connection *all = calloc((size_t)r->connections, sizeof(*all));

	if (!all)
		die("memory");
	for (int64_t i = 0; i < r->connections; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = &all[i] };

		all[i].fd = tcp_connect((int)r->port);
		epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &e);
	}
	return all;
}

int main(int argc, char **argv)
{
	struct raw r = { .events = 200000, .connections = 64 };
	const char *body = "{\"id\":\"1000007\",\"text\":\"" MARK "0\"}";
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ready[256];
	struct connection *all;
	int64_t wall, cpu;

	OPTIONS_READ(argc, argv,
		     ((const struct option_row[]){ { "--port", &r.port, NULL },
						   { "--events", &r.events, NULL },
						   { "--connections", &r.connections, NULL },
						   { "--body", NULL, &body } }));
	bytes_print(&r.request,
		    "POST /hook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
		    "%zu\r\n\r\n%s",
		    strlen(body), body);
	all = connections_open(&r, epoll);
	wall = now_us();
	cpu = cpu_us();
	for (int64_t i = 0; i < r.connections; i++)
		request_begin(&r, &all[i]);
	while (r.done < r.events) {
		int n = epoll_wait(epoll, ready, 256, -1);

		for (int i = 0; i < n; i++)
			answer_read(&r, ready[i].data.ptr);
	}
	wall = now_us() - wall;
	cpu = cpu_us() - cpu;
	printf("{\"events\":%lld,\"wall_s\":%.3f,\"cpu_s\":%.3f,\"us_per_event\":%.3f}\n", (long long)r.events,
	       (double)wall / 1e6, (double)cpu / 1e6, (double)cpu / (double)r.events);
	return 0;
}
