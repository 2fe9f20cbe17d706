/*
 * One poll loop over a listening socket, a pipe for the end, and
 * the connections. Requests are small and come with Content-Length.
 */
#include "sink.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/latch.h"
#include "base/mem.h"
#include "base/slice.h"

#define CONNECTIONS 64
#define REQUEST_MAX 65536
#define PATHS	    32

struct seen {
	char path[64];
	char *body;
};

struct connection {
	int fd;
	size_t n;
	char data[REQUEST_MAX];
};

struct sink {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t came;
	int listener, end[2];
	uint16_t port;
	struct connection *connections[CONNECTIONS];
	size_t count;
	struct {
		char path[64];
		int status;
		char type[64], body[64]; /* "": none */
	} answers[PATHS];
	size_t answer_count;
	struct seen *seen;
	size_t seen_count;
};

static int status_of(struct sink *s, const char *path)
{
	for (size_t i = 0; i < s->answer_count; i++)
		if (strcmp(s->answers[i].path, path) == 0)
			return s->answers[i].status;
	return 200;
}

void sink_answer(struct sink *s, const char *path, int status)
{
	sink_reply(s, path, status, "", "");
}

void sink_reply(struct sink *s, const char *path, int status, const char *type, const char *body)
{
	size_t i = 0;

	pthread_mutex_lock(&s->lock);
	while (i < s->answer_count && strcmp(s->answers[i].path, path) != 0)
		i++;
	assert(i < PATHS);
	slice_copy(s->answers[i].path, sizeof(s->answers[i].path), slice_str(path));
	slice_copy(s->answers[i].type, sizeof(s->answers[i].type), slice_str(type));
	slice_copy(s->answers[i].body, sizeof(s->answers[i].body), slice_str(body));
	s->answers[i].status = status;
	if (i == s->answer_count)
		s->answer_count++;
	pthread_mutex_unlock(&s->lock);
}

size_t sink_count(struct sink *s, const char *path, const char *needle)
{
	size_t count = 0;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->seen_count; i++)
		if (strcmp(s->seen[i].path, path) == 0 && strstr(s->seen[i].body, needle))
			count++;
	pthread_mutex_unlock(&s->lock);
	return count;
}

void sink_breathe(struct sink *s)
{
	pthread_mutex_lock(&s->lock);
	cond_wait_until(&s->came, &s->lock, clock_mono_us() + 10000);
	pthread_mutex_unlock(&s->lock);
}

/* The whole answer as bytes; 0 for SINK_HOLD. */
static size_t write_answer(struct sink *s, const char *path, int status, char *out, size_t cap)
{
	const char *type = "", *body = "";

	if (status == SINK_HOLD)
		return 0;
	for (size_t i = 0; i < s->answer_count; i++)
		if (strcmp(s->answers[i].path, path) == 0) {
			type = s->answers[i].type;
			body = s->answers[i].body;
		}
	return (size_t)snprintf(out, cap, "HTTP/1.1 %d X\r\n%s%s%sContent-Length: %zu\r\n\r\n%s", status,
				type[0] ? "Content-Type: " : "", type, type[0] ? "\r\n" : "", strlen(body), body);
}

/* Keeps the request and writes what it is to be answered with. */
static size_t remember(struct sink *s, const char *path, const char *body, size_t n, char *answer, size_t cap)
{
	struct seen *seen;
	size_t length;

	pthread_mutex_lock(&s->lock);
	s->seen = mem_realloc(s->seen, (s->seen_count + 1) * sizeof(*s->seen));
	seen = &s->seen[s->seen_count++];
	slice_copy(seen->path, sizeof(seen->path), slice_str(path));
	seen->body = slice_dup(slice_of(body, n));
	length = write_answer(s, path, status_of(s, path), answer, cap);
	pthread_cond_broadcast(&s->came);
	pthread_mutex_unlock(&s->lock);
	return length;
}

static void read_path(const char *head, char ret[64])
{
	struct slice rest = slice_str(head);

	rest = slice_from(rest, slice_find(rest, ' ') + 1);
	slice_copy(ret, 64, slice_of(rest.p, slice_find(rest, ' ')));
}

/* Answers the request at the front of the connection's data; false when it is not whole yet. */
static bool serve(struct sink *s, struct connection *c)
{
	char path[64] = "", answer[256];
	char *end, *length;
	size_t body = 0, head, n;

	c->data[c->n] = '\0';
	end = strstr(c->data, "\r\n\r\n");
	if (!end)
		return false;
	head = (size_t)(end - c->data) + 4;
	length = strcasestr(c->data, "\r\ncontent-length:");
	if (length && length < end)
		body = strtoul(length + 17, NULL, 10);
	if (c->n < head + body)
		return false;
	read_path(c->data, path);
	n = remember(s, path, c->data + head, body, answer, sizeof(answer));
	if (n > 0)
		(void)!write(c->fd, answer, n);
	c->n -= head + body;
	memmove(c->data, c->data + head + body, c->n);
	return true;
}

static void drop(struct sink *s, size_t i)
{
	close(s->connections[i]->fd);
	mem_free(s->connections[i]);
	s->connections[i] = s->connections[--s->count];
}

static void receive(struct sink *s, size_t i)
{
	struct connection *c = s->connections[i];
	ssize_t n = read(c->fd, c->data + c->n, sizeof(c->data) - 1 - c->n);

	if (n <= 0) {
		drop(s, i);
		return;
	}
	c->n += (size_t)n;
	while (serve(s, c))
		;
}

static void take_connection(struct sink *s)
{
	int fd = accept(s->listener, NULL, NULL);

	if (fd < 0)
		return;
	if (s->count == CONNECTIONS) {
		close(fd);
		return;
	}
	s->connections[s->count] = mem_zalloc(sizeof(struct connection));
	s->connections[s->count++]->fd = fd;
}

static void *run(void *ctx)
{
	struct sink *s = ctx;

	for (;;) {
		struct pollfd fds[CONNECTIONS + 2] = { { .fd = s->end[0], .events = POLLIN },
						       { .fd = s->listener, .events = POLLIN } };

		for (size_t i = 0; i < s->count; i++)
			fds[i + 2] = (struct pollfd){ .fd = s->connections[i]->fd, .events = POLLIN };
		if (poll(fds, s->count + 2, -1) < 0)
			continue;
		if (fds[0].revents)
			return NULL;
		/* Backwards, because dropping one moves the last one to its place. */
		for (size_t i = s->count; i-- > 0;)
			if (fds[i + 2].revents)
				receive(s, i);
		if (fds[1].revents)
			take_connection(s);
	}
}

struct sink *sink_start(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	struct sink *s = mem_zalloc(sizeof(*s));
	int rc;

	pthread_mutex_init(&s->lock, NULL);
	cond_init_monotonic(&s->came);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rc = bind(s->listener, (struct sockaddr *)&at, sizeof(at)) || listen(s->listener, 128) ||
	     getsockname(s->listener, (struct sockaddr *)&at, &size) || pipe(s->end);
	assert(rc == 0);
	s->port = ntohs(at.sin_port);
	rc = pthread_create(&s->thread, NULL, run, s);
	assert(rc == 0);
	return s;
}

void sink_stop(struct sink **sp)
{
	struct sink *s = *sp;

	(void)!write(s->end[1], "x", 1);
	pthread_join(s->thread, NULL);
	while (s->count > 0)
		drop(s, 0);
	close(s->listener);
	close(s->end[0]);
	close(s->end[1]);
	for (size_t i = 0; i < s->seen_count; i++)
		mem_free(s->seen[i].body);
	mem_free(s->seen);
	pthread_cond_destroy(&s->came);
	pthread_mutex_destroy(&s->lock);
	mem_free(s);
	*sp = NULL;
}

uint16_t sink_port(const struct sink *s)
{
	return s->port;
}
