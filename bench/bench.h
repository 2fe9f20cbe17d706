/*
 * What the benchmark's programs share: time, sockets, one growing buffer, and just enough of HTTP/1.1 to see where a
 * message ends. They measure the daemon from outside, so they use nothing of src/.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Every event carries MARK and, behind it, its time of posting in
 * monotonic microseconds: what arrives can be counted and timed.
 */
#define MARK "lat_"

struct bytes {
	char *data;
	size_t len, room;
};

/* Prints the reason and ends with 2: a benchmark has nobody to hand an error to. */
void die(const char *what) __attribute__((noreturn));

int64_t now_us(void);
/* User and system time that this process has used. */
int64_t cpu_us(void);

/* Non-blocking sockets on 127.0.0.1. port 0: any; the one that was taken is in *ret_port. */
int tcp_listen(int port, int *ret_port);
int tcp_connect(int port);

/* Makes room for more bytes behind b->len. */
void bytes_reserve(struct bytes *b, size_t more);
void bytes_print(struct bytes *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Drops the first n. */
void bytes_drop(struct bytes *b, size_t n);

enum { IO_AGAIN = -1, IO_CLOSED = -2 };
/* One recv to the end of b: the number of bytes, IO_AGAIN or IO_CLOSED. */
long bytes_recv(struct bytes *b, int fd);
/* Sends b from *done on; true when all is sent. A broken connection ends the program. */
bool bytes_send(const struct bytes *b, size_t *done, int fd);

struct message {
	size_t head, total; /* bytes of the header block with its empty line, of all */
	int status;	    /* of an answer, 0 in a request */
};
/* Looks whether b begins with a whole message. Bodies have a Content-Length or are empty. */
bool message_read(const struct bytes *b, struct message *ret);

/* --name VALUE of the command line, or fallback. A name that the program does not know ends it. */
struct option_row {
	const char *name;
	int64_t *number; /* one of the two */
	const char **text;
};
void options_read(int argc, char **argv, const struct option_row *rows, size_t count);
#define OPTIONS_READ(argc, argv, rows) options_read((argc), (argv), (rows), sizeof(rows) / sizeof((rows)[0]))

#endif
