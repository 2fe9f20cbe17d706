/*
 * A receiver of requests for tests, on the test's own loop: it plays back
 * what it is given, byte for byte, as no proper server would. Loopback only.
 */
#ifndef TESTS_UNIT_NET_RECEIVER_H
#define TESTS_UNIT_NET_RECEIVER_H

#include <uv.h>

#include "base/buf.h"

struct receiver;

enum play_end { PLAY_KEEP, PLAY_CLOSE, PLAY_RESET };

/* What one request is answered with: head, then fill letters x, then tail. */
struct play {
	const char *head;
	size_t fill;
	const char *tail;
	enum play_end end;
	const char *late; /* for receiver_say_late, NULL: nothing */
	unsigned drip_ms; /* above 0: byte by byte, so many milliseconds apart */
};

/* Plays plays[i] to the i-th request, over all connections, and the last one to all that follow. plays is borrowed. */
struct receiver *receiver_new(uv_loop_t *loop, const struct play *plays, size_t count);
/* The same on ::1; the machine must have it. */
struct receiver *receiver_new_v6(uv_loop_t *loop, const struct play *plays, size_t count);
/* Writes what the plays had for later on the connections where they were played. */
void receiver_say_late(struct receiver *r);
/* Gone after the loop's next turns. */
void receiver_free(struct receiver **r);
uint16_t receiver_port(const struct receiver *r);
size_t receiver_requests(const struct receiver *r);
/* All ever accepted, and those open now. */
size_t receiver_connections(const struct receiver *r);
size_t receiver_open(const struct receiver *r);
/* The last request, as it came. */
struct slice receiver_last(const struct receiver *r);

#endif
