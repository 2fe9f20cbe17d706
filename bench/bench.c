/*
 * The shared part of the benchmark's programs; see bench.h. Everything here is on the path of the floor R that the
 * daemon is measured against, so it does as little as can be done over epoll sockets: one system call to send, one to
 * receive, one search for the end of the header block.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(2);
}

int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t timeval_us(struct timeval t)
{
	return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

int64_t cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return timeval_us(u.ru_utime) + timeval_us(u.ru_stime);
}

static int tcp_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	return fd;
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

int tcp_listen(int port, int *ret_port)
{
	struct sockaddr_in a = loopback(port);
	socklen_t len = sizeof(a);
	int fd = tcp_socket();

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(fd, (struct sockaddr *)&a, len) || listen(fd, 4096) || getsockname(fd, (struct sockaddr *)&a, &len))
		die("listen");
	*ret_port = ntohs(a.sin_port);
	return fd;
}

int tcp_connect(int port)
{
	struct sockaddr_in a = loopback(port);
	int fd = tcp_socket();

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) && errno != EINPROGRESS)
		die("connect");
	return fd;
}

void bytes_reserve(struct bytes *b, size_t more)
{
	if (b->room - b->len >= more)
		return;
	b->room = (b->len + more) * 2;
	b->data = realloc(b->data, b->room);
	if (!b->data)
		die("memory");
}

void bytes_print(struct bytes *b, const char *format, ...)
{
	va_list args;
	int n;

	bytes_reserve(b, 1024);
	va_start(args, format);
	n = vsnprintf(b->data + b->len, b->room - b->len, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= b->room - b->len)
		die("a line of more than 1,023 bytes");
	b->len += (size_t)n;
}

void bytes_drop(struct bytes *b, size_t n)
{
	b->len -= n;
	if (b->len)
		memmove(b->data, b->data + n, b->len);
}

long bytes_recv(struct bytes *b, int fd)
{
	ssize_t n;

	bytes_reserve(b, 4096);
	n = recv(fd, b->data + b->len, b->room - b->len, 0);
	if (n > 0)
		b->len += (size_t)n;
	if (n < 0)
		return errno == EAGAIN ? IO_AGAIN : IO_CLOSED;
	return n ? (long)n : IO_CLOSED;
}

bool bytes_send(const struct bytes *b, size_t *done, int fd)
{
	ssize_t n = send(fd, b->data + *done, b->len - *done, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		die("send");
	if (n > 0)
		*done += (size_t)n;
	return *done == b->len;
}

/* The value of Content-Length within the header block, 0 without one. */
static size_t content_length(const char *head, size_t len)
{
	static const char name[] = "\r\ncontent-length:";
	const char *end = head + len - (sizeof(name) - 1);

	for (const char *p = head; p < end && (p = memchr(p, '\r', (size_t)(end - p))); p++)
		if (strncasecmp(p, name, sizeof(name) - 1) == 0)
			return strtoul(p + sizeof(name) - 1, NULL, 10);
	return 0;
}

bool message_read(const struct bytes *b, struct message *ret)
{
	const char *end = b->len ? memmem(b->data, b->len, "\r\n\r\n", 4) : NULL;

	if (!end)
		return false;
	ret->head = (size_t)(end - b->data) + 4;
	ret->total = ret->head + content_length(b->data, ret->head);
	ret->status = b->len > 12 && memcmp(b->data, "HTTP/1.", 7) == 0 ? (int)strtol(b->data + 9, NULL, 10) : 0;
	return ret->total <= b->len;
}

static const struct option_row *option_find(const char *name, const struct option_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

void options_read(int argc, char **argv, const struct option_row *rows, size_t count)
{
	for (int i = 1; i < argc; i += 2) {
		const struct option_row *row = option_find(argv[i], rows, count);

		if (!row || i + 1 == argc) {
			fprintf(stderr, "bench: %s is not an option with a value; there are:", argv[i]);
			for (size_t j = 0; j < count; j++)
				fprintf(stderr, " %s", rows[j].name);
			fprintf(stderr, "\n");
			exit(2);
		}
		if (row->number)
			*row->number = strtoll(argv[i + 1], NULL, 10);
		else
			*row->text = argv[i + 1];
	}
}
