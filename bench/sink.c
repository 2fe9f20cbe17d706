/*
 * sink: the receiver of the benchmark. One epoll loop that answers every HTTP/1.1 request
 * at once, or after --delay-ms, or, with --hang 1, never. It counts requests, and in their
 * bodies the events by MARK and how long each was under way. `GET /_sink` tells as one JSON
 * object, `GET /_reset` begins anew; both are answered at once even by a sink that hangs.
 *
 *   sink [--port N] [--delay-ms N] [--hang 1] [--status N] [--latency 1] [--webcom 1]
 *        [--body TEXT [--type MEDIA-TYPE]]
 *
 * It prints the port that it listens on.
 *
 * --webcom 1 makes it a receiver of Webcom's XML instead: its
 * events are the document's states, and it acknowledges each.
 */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
	int fd;
	struct bytes in;
	int64_t due_us;		 /* of the answer that waits, 0: none */
	struct connection *next; /* in the queue of those that wait; one delay for all, so it is in order of due_us */
	bool closed;		 /* by the other side while it waited */
};

struct sink {
	int epoll, listener;
	int64_t delay_ms, hang, status, latency, webcom;
	struct connection *first, **last;
	struct bytes answer, ids;
	int64_t requests, events, bytes;
	uint32_t *samples; /* microseconds of each event since the last reset */
	size_t sampled, room;
};

static void connection_free(struct connection *c)
{
	close(c->fd);
	free(c->in.data);
	free(c);
}

static void connection_say(struct connection *c, const char *data, size_t len)
{
	/* An answer is smaller than any socket buffer; one that does not fit belongs to a client that went away. */
	if (send(c->fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
		shutdown(c->fd, SHUT_RDWR);
}

static void sample_add(struct sink *s, int64_t us)
{
	if (s->sampled == s->room) {
		s->room = s->room ? s->room * 2 : 65536;
		s->samples = realloc(s->samples, s->room * sizeof(*s->samples));
		if (!s->samples)
			die("memory");
	}
	s->samples[s->sampled++] = us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static void events_count(struct sink *s, const char *p, size_t len)
{
	const char *end = p + len;
	int64_t now = s->latency ? now_us() : 0;

	while ((p = memmem(p, (size_t)(end - p), MARK, sizeof(MARK) - 1))) {
		p += sizeof(MARK) - 1;
		s->events++;
		if (s->latency)
			sample_add(s, now - strtoll(p, NULL, 10));
	}
}

/* Counts the states and makes the answer that names them all. */
static void states_take(struct sink *s, const char *p, size_t len)
{
	static const char begin[] = "id_sms=\"";
	const char *end = p + len, *quote;

	s->ids.len = s->answer.len = 0;
	bytes_print(&s->ids, "<response>\n");
	while ((p = memmem(p, (size_t)(end - p), begin, sizeof(begin) - 1))) {
		p += sizeof(begin) - 1;
		quote = memchr(p, '"', (size_t)(end - p));
		if (!quote)
			break;
		s->events++;
		bytes_print(&s->ids, "<id_sms>%.*s</id_sms>\n", (int)(quote - p), p);
	}
	bytes_print(&s->ids, "</response>\n");
	bytes_print(&s->answer, "HTTP/1.1 %d OK\r\nContent-Length: %zu\r\n\r\n", (int)s->status, s->ids.len);
	bytes_reserve(&s->answer, s->ids.len);
	memcpy(s->answer.data + s->answer.len, s->ids.data, s->ids.len);
	s->answer.len += s->ids.len;
}

static int sample_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t quantile(const struct sink *s, size_t per_mille)
{
	return s->sampled ? s->samples[(s->sampled - 1) * per_mille / 1000] : 0;
}

static void report(struct sink *s, struct connection *c)
{
	struct bytes body = { 0 }, out = { 0 };

	if (s->sampled)
		qsort(s->samples, s->sampled, sizeof(*s->samples), sample_order);
	bytes_print(&body,
		    "{\"requests\":%lld,\"events\":%lld,\"bytes\":%lld,\"cpu_us\":%lld,\"p50_us\":%u,\"p99_us\":%u,"
		    "\"max_us\":%u}\n",
		    (long long)s->requests, (long long)s->events, (long long)s->bytes, (long long)cpu_us(),
		    quantile(s, 500), quantile(s, 990), quantile(s, 1000));
	bytes_print(&out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%.*s",
		    body.len, (int)body.len, body.data);
	connection_say(c, out.data, out.len);
	free(body.data);
	free(out.data);
}

/* The two requests that are for the sink itself. */
static bool control(struct sink *s, struct connection *c)
{
	if (c->in.len < 8 || memcmp(c->in.data, "GET /_", 6) != 0)
		return false;
	if (c->in.data[6] == 'r') {
		s->requests = s->events = s->bytes = 0;
		s->sampled = 0;
	}
	report(s, c);
	return true;
}

static void wait_in_line(struct sink *s, struct connection *c)
{
	c->due_us = now_us() + s->delay_ms * 1000;
	c->next = NULL;
	*s->last = c;
	s->last = &c->next;
}

/* Takes the whole requests out of c's buffer, up to the first whose answer has to wait. */
static void requests_take(struct sink *s, struct connection *c)
{
	struct message m;

	while (!c->due_us && message_read(&c->in, &m)) {
		if (!control(s, c)) {
			s->requests++;
			s->bytes += (int64_t)m.total;
			(s->webcom ? states_take : events_count)(s, c->in.data + m.head, m.total - m.head);
			if (s->delay_ms)
				wait_in_line(s, c);
			else if (!s->hang)
				connection_say(c, s->answer.data, s->answer.len);
		}
		bytes_drop(&c->in, m.total);
	}
}

static void connection_read(struct sink *s, struct connection *c)
{
	if (bytes_recv(&c->in, c->fd) != IO_CLOSED) {
		requests_take(s, c);
	} else if (c->due_us) {
		c->closed = true;
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, c->fd, NULL);
	} else {
		connection_free(c);
	}
}

static void connections_accept(struct sink *s)
{
	int fd;

	while ((fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *c = calloc(1, sizeof(*c));
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

		if (!c)
			die("memory");
		c->fd = fd;
		if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e))
			die("epoll_ctl");
	}
	if (errno != EAGAIN)
		die("accept");
}

static void answers_due(struct sink *s)
{
	int64_t now = now_us();

	while (s->first && s->first->due_us <= now) {
		struct connection *c = s->first;

		s->first = c->next;
		if (!s->first)
			s->last = &s->first;
		c->due_us = 0;
		if (c->closed) {
			connection_free(c);
			continue;
		}
		connection_say(c, s->answer.data, s->answer.len);
		requests_take(s, c);
	}
}

static int patience_ms(const struct sink *s)
{
	int64_t left = s->first ? s->first->due_us - now_us() : 0;

	return !s->first ? -1 : left < 0 ? 0 : (int)(left / 1000) + 1;
}

int main(int argc, char **argv)
{
	struct sink s = { .status = 200 };
	const char *body = "ok", *type = "text/plain";
	int64_t port = 0;
	int taken;
	struct epoll_event ready[256];

	OPTIONS_READ(argc, argv,
		     ((const struct option_row[]){ { "--port", &port, NULL },
						   { "--delay-ms", &s.delay_ms, NULL },
						   { "--hang", &s.hang, NULL },
						   { "--status", &s.status, NULL },
						   { "--latency", &s.latency, NULL },
						   { "--webcom", &s.webcom, NULL },
						   { "--body", NULL, &body },
						   { "--type", NULL, &type } }));
	s.last = &s.first;
	bytes_print(&s.answer, "HTTP/1.1 %d OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", (int)s.status,
		    type, strlen(body), body);
	s.listener = tcp_listen((int)port, &taken);
	s.epoll = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(s.epoll, EPOLL_CTL_ADD, s.listener, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = NULL });
	printf("%d\n", taken);
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(s.epoll, ready, 256, patience_ms(&s));

		for (int i = 0; i < n; i++) {
			if (ready[i].data.ptr)
				connection_read(&s, ready[i].data.ptr);
			else
				connections_accept(&s);
		}
		answers_due(&s);
	}
}
