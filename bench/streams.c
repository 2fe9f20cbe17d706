/*
 * streams: many readers of the live stream, as cheap as readers
 * can be, for they share the machine with what is measured.
 *
 *   streams --port N --key KEY [--count N] [--project p]
 *
 * Says `ready` when all have begun, reads until its standard input ends, and then tells what came. What is read is
 * counted and thrown away. A stream that the daemon ends before is an error.
 */
#include "bench.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 64 };

struct streams {
	int64_t port, count;
	const char *key, *project;
	int epoll;
	int64_t begun, bytes, reads;
};

static void watch(const struct streams *s, int fd, uint64_t what)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = what };

	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) != 0)
		die("epoll_ctl");
}

static void begin(struct streams *s)
{
	struct bytes request = { 0 };

	bytes_print(&request, "GET /v1/projects/%s/stream HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n\r\n",
		    s->project, s->key);
	for (int64_t i = 0; i < s->count; i++) {
		int fd = tcp_connect((int)s->port);
		size_t done = 0;

		while (!bytes_send(&request, &done, fd))
			poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
		watch(s, fd, (uint64_t)fd);
	}
}

/* The first bytes of a stream are the head of its answer, with `hello` behind it or soon after. */
static void take(struct streams *s, int fd)
{
	char bytes[65536];
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

	if (n <= 0)
		die("a stream ended");
	if (s->begun < s->count && n > 12 && memcmp(bytes, "HTTP/1.1 ", 9) == 0) {
		if (memcmp(bytes + 9, "200", 3) != 0)
			die("a stream was refused");
		if (++s->begun == s->count) {
			puts("ready");
			fflush(stdout);
		}
	}
	s->bytes += n;
	s->reads++;
}

int main(int argc, char **argv)
{
	struct streams s = { .count = 100, .project = "p", .key = "" };
	const struct option_row rows[] = {
		{ "--port", &s.port, NULL },
		{ "--count", &s.count, NULL },
		{ "--key", NULL, &s.key },
		{ "--project", NULL, &s.project },
	};
	bool going = true;

	OPTIONS_READ(argc, argv, rows);
	s.epoll = epoll_create1(EPOLL_CLOEXEC);
	watch(&s, STDIN_FILENO, STDIN_FILENO);
	begin(&s);
	while (going) {
		struct epoll_event events[EVENTS];
		int n = epoll_wait(s.epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++)
			if (events[i].data.u64 == STDIN_FILENO)
				going = false;
			else
				take(&s, (int)events[i].data.u64);
	}
	printf("{\"streams\":%lld,\"bytes\":%lld,\"reads\":%lld,\"cpu_us\":%lld}\n", (long long)s.count,
	       (long long)s.bytes, (long long)s.reads, (long long)cpu_us());
	return 0;
}
