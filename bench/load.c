/*
 * load: posts events to the daemon as NDJSON in batches over keep-alive connections,
 * and tells how long it took until all were accepted and, with --sink, delivered.
 * Each event has its own message, so that no order holds one behind another.
 *
 *   load --port N --key KEY [--run NAME] [--events N] [--batch N] [--connections N] [--project p] [--projects N]
 *        [--sink PORT [--outstanding N]] [--rate N] [--timeout-s N] [--numbers N]
 *
 * --projects 900 spreads the batches over p0 ... p899. --outstanding holds back while more than so many events are
 * accepted but not yet at the sink; --rate is a bound in events a second; together they make a closed or an open loop.
 * --numbers makes each event a message that came in from one of so many numbers, posted to messages/receive, one a
 * request. A batch that is refused with 429 or 503 is posted again as it is: nothing of it was taken.
 */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum { TICK_MS = 2, BACK_OFF_US = 50000 };

struct connection {
	int fd;
	bool busy;	  /* a request is out or waits to be posted again */
	int64_t again_us; /* when a refused batch goes out again, 0: it was not refused; when the sink is asked again */
	int64_t events;	  /* in the batch */
	size_t sent;
	struct bytes out, in;
};

struct load {
	int64_t port, events, batch, connections, projects, sink, outstanding, rate, timeout_s, numbers;
	const char *key, *run, *project;
	int epoll;
	struct connection *all;
	struct connection control; /* to the sink */
	int64_t posted, batches, accepted, delivered, refused;
	int64_t start_us, accepted_us, delivered_us;
	struct bytes body;
};

static bool by_sink(const struct load *l)
{
	return l->sink != 0;
}

static bool finished(const struct load *l)
{
	return l->accepted == l->events && (!by_sink(l) || l->delivered >= l->events);
}

/* May the next batch go out now? */
static bool room(const struct load *l, int64_t now)
{
	if (l->posted == l->events)
		return false;
	if (l->rate && l->posted >= (now - l->start_us) * l->rate / 1000000)
		return false;
	return !by_sink(l) || l->posted - l->delivered < l->outstanding;
}

static void event_print(struct load *l, int64_t number, int64_t now)
{
	bytes_print(&l->body,
		    "{\"type\":\"send_status\",\"id\":\"%s-%lld\",\"time\":1547125204,\"message\":{\"id\":\"%lld\","
		    "\"direction\":\"outgoing\","
		    "\"message_type\":\"sms\",\"status\":\"delivered\",\"from_number\":\"ACME\",\"to_number\":"
		    "\"46710000123\","
		    "\"content\":\"" MARK "%lld\",\"num_parts\":1,\"time_created\":1547125199,\"time_sent\":1547125200,"
		    "\"time_done\":1547125204,\"recipient_id\":\"991\",\"campaign_name\":\"Spring\"}}\n",
		    l->run, (long long)number, (long long)(1000000 + number), (long long)now);
}

/* The numbers come in an order that is none, as they do in life. */
static void received_print(struct load *l, int64_t number, int64_t now)
{
	bytes_print(&l->body,
		    "{\"phone_id\":\"PN1\",\"from_number\":\"+4670%07lld\",\"content\":\"" MARK
		    "%lld of %s-%lld, is the shop open tomorrow?\"}",
		    (long long)(number * 7919 % l->numbers), (long long)now, l->run, (long long)number);
}

static void batch_build(struct load *l, struct connection *c, int64_t now)
{
	char suffix[24] = "";

	c->events = l->events - l->posted < l->batch ? l->events - l->posted : l->batch;
	l->body.len = c->out.len = 0;
	for (int64_t i = 0; i < c->events; i++)
		(l->numbers ? received_print : event_print)(l, l->posted + i, now);
	if (l->projects > 1)
		snprintf(suffix, sizeof(suffix), "%lld", (long long)(l->batches % l->projects));
	bytes_print(&c->out,
		    "POST /v1/projects/%s%s/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
		    "Content-Type: application/%s\r\nContent-Length: %zu\r\n\r\n",
		    l->project, suffix, l->numbers ? "messages/receive" : "events?quiet=1", l->key,
		    l->numbers ? "json" : "x-ndjson", l->body.len);
	bytes_reserve(&c->out, l->body.len);
	memcpy(c->out.data + c->out.len, l->body.data, l->body.len);
	c->out.len += l->body.len;
	l->posted += c->events;
	l->batches++;
}

static void interest(const struct load *l, struct connection *c, bool write)
{
	struct epoll_event e = { .events = EPOLLIN | (write ? EPOLLOUT : 0u), .data.ptr = c };

	if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, c->fd, &e))
		die("epoll_ctl");
}

static void request_send(const struct load *l, struct connection *c)
{
	interest(l, c, !bytes_send(&c->out, &c->sent, c->fd));
}

static void request_begin(const struct load *l, struct connection *c)
{
	c->busy = true;
	c->again_us = 0;
	c->sent = 0;
	request_send(l, c);
}

static void batch_answered(struct load *l, struct connection *c, const struct message *m)
{
	if (m->status == 429 || m->status == 503) {
		l->refused++;
		c->again_us = now_us() + BACK_OFF_US;
		return;
	}
	if (m->status != (l->numbers ? 200 : 202)) {
		fprintf(stderr, "load: the daemon answered %.*s\n", (int)m->total, c->in.data);
		exit(1);
	}
	c->busy = false;
	l->accepted += c->events;
	if (l->accepted == l->events)
		l->accepted_us = now_us() - l->start_us;
}

static void control_answered(struct load *l, struct connection *c, const struct message *m)
{
	static const char name[] = "\"events\":";
	const char *at = memmem(c->in.data, m->total, name, sizeof(name) - 1);

	c->busy = false;
	c->again_us = now_us() + TICK_MS * 1000;
	if (!at)
		return;
	l->delivered = strtoll(at + sizeof(name) - 1, NULL, 10);
	if (l->delivered >= l->events && !l->delivered_us)
		l->delivered_us = now_us() - l->start_us;
}

static void answer_read(struct load *l, struct connection *c)
{
	struct message m;

	if (bytes_recv(&c->in, c->fd) == IO_CLOSED) {
		fprintf(stderr, "load: the %s closed the connection\n", c == &l->control ? "sink" : "daemon");
		exit(1);
	}
	if (!message_read(&c->in, &m))
		return;
	if (c == &l->control)
		control_answered(l, c, &m);
	else
		batch_answered(l, c, &m);
	bytes_drop(&c->in, m.total);
}

/* Once a turn: asks the sink again, posts what was refused again, and what may go out anew. */
static void turn(struct load *l)
{
	int64_t now = now_us();

	if (by_sink(l) && !l->control.busy && l->control.again_us <= now)
		request_begin(l, &l->control);
	for (int64_t i = 0; i < l->connections; i++) {
		struct connection *c = &l->all[i];

		if (c->again_us && c->again_us <= now) {
			request_begin(l, c);
		} else if (!c->busy && room(l, now)) {
			batch_build(l, c, now);
			request_begin(l, c);
		}
	}
}

static void connection_open(struct load *l, struct connection *c, int64_t port)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

	c->fd = tcp_connect((int)port);
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e))
		die("epoll_ctl");
}

static void connections_open(struct load *l)
{
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->all = calloc((size_t)l->connections, sizeof(*l->all));
	if (!l->all)
		die("memory");
	for (int64_t i = 0; i < l->connections; i++)
		connection_open(l, &l->all[i], l->port);
	if (!by_sink(l))
		return;
	connection_open(l, &l->control, l->sink);
	bytes_print(&l->control.out, "GET /_sink HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
}

/* True when everything arrived before the time was up. */
static bool work(struct load *l)
{
	struct epoll_event ready[256];

	l->start_us = now_us();
	while (!finished(l)) {
		int n;

		turn(l);
		n = epoll_wait(l->epoll, ready, 256, TICK_MS);
		for (int i = 0; i < n; i++) {
			if (ready[i].events & EPOLLOUT)
				request_send(l, ready[i].data.ptr);
			if (ready[i].events & ~(uint32_t)EPOLLOUT)
				answer_read(l, ready[i].data.ptr);
		}
		if (now_us() - l->start_us > l->timeout_s * 1000000)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct load l = { .events = 100000,
			  .batch = 100,
			  .connections = 8,
			  .projects = 1,
			  .outstanding = 20000,
			  .timeout_s = 120,
			  .run = "r",
			  .project = "p",
			  .key = "" };
	bool done;

	OPTIONS_READ(argc, argv,
		     ((const struct option_row[]){ { "--port", &l.port, NULL },
						   { "--key", NULL, &l.key },
						   { "--run", NULL, &l.run },
						   { "--events", &l.events, NULL },
						   { "--batch", &l.batch, NULL },
						   { "--connections", &l.connections, NULL },
						   { "--project", NULL, &l.project },
						   { "--projects", &l.projects, NULL },
						   { "--sink", &l.sink, NULL },
						   { "--outstanding", &l.outstanding, NULL },
						   { "--rate", &l.rate, NULL },
						   { "--timeout-s", &l.timeout_s, NULL },
						   { "--numbers", &l.numbers, NULL } }));
	if (l.numbers)
		l.batch = 1;
	connections_open(&l);
	done = work(&l);
	printf("{\"events\":%lld,\"accepted\":%lld,\"delivered\":%lld,\"refused\":%lld,\"accept_s\":%.3f,\"deliver_s\":"
	       "%.3f}\n",
	       (long long)l.events, (long long)l.accepted, (long long)l.delivered, (long long)l.refused,
	       (double)l.accepted_us / 1e6, (double)l.delivered_us / 1e6);
	return done ? 0 : 1;
}
