/* See wire.h. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/http.h"

int wire_connect(const char *address)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct timeval limit = { .tv_sec = WIRE_TIMEOUT_S };
	struct slice text = slice_str(address);
	size_t colon = slice_find(text, ':');
	long long port = 0;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	slice_to_i64(slice_from(text, colon + 1), &port);
	a.sin_port = htons((uint16_t)port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

bool wire_send(int fd, struct slice bytes)
{
	while (bytes.n > 0) {
		ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes = slice_from(bytes, (size_t)n);
	}
	return true;
}

static bool wire_more(int fd, struct buf *in)
{
	char chunk[16384];
	ssize_t n = recv(fd, chunk, sizeof(chunk), 0);

	if (n > 0)
		buf_add(in, chunk, (size_t)n);
	return n > 0;
}

/* Takes n bytes off the front of in. */
static void wire_take(struct buf *in, size_t n, struct buf *out)
{
	if (out) {
		buf_reset(out);
		buf_add(out, in->p, n);
	}
	memmove(in->p, in->p + n, in->n - n);
	buf_truncate(in, in->n - n);
}

int wire_answer(int fd, struct buf *in, struct buf *ret_head, struct buf *ret_body)
{
	struct slice length = slice_str("");
	long long body = 0, status = 0;
	const char *end;
	size_t head;

	while (!(end = in->n > 0 ? strstr(in->p, "\r\n\r\n") : NULL))
		if (!wire_more(fd, in))
			return 0;
	head = (size_t)(end - in->p) + 4;
	if (http_header_find(slice_of(in->p, head), "Content-Length", &length))
		slice_to_i64(length, &body);
	slice_to_i64(slice_of(in->p + strlen("HTTP/1.1 "), 3), &status);
	while (in->n < head + (size_t)body)
		if (!wire_more(fd, in))
			return 0;
	wire_take(in, head, ret_head);
	wire_take(in, (size_t)body, ret_body);
	return (int)status;
}

bool wire_closed(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}
