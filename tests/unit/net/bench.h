/*
 * What every test of the client needs: a loop with a watchdog, a guard that opens loopback only, a client, and a place
 * where an answer is kept after done returned.
 */
#ifndef TESTS_UNIT_NET_BENCH_H
#define TESTS_UNIT_NET_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "names.h"
#include "net/client.h"

struct bench {
	uv_loop_t loop;
	uv_timer_t watchdog;
	struct guard *guard;
	struct client *client;
	struct names *names; /* NULL unless asked for */
	bool closed;
};

/* A copy of an answer. */
struct told {
	int count;
	enum failure failure;
	int status;
	size_t body_n;
	char body[512], headers[1024], reason[700];
	struct http_timings timings;
	bool tls_key_known;
	uint8_t tls_key[32];
};

void bench_open(struct bench *b, bool with_names, const char *bind_address, int64_t idle_peer_ms);
/* Closes the client and asserts that the loop is empty afterwards. Receivers must be freed before. */
void bench_close(struct bench *b);
/* One turn of the loop after the other until *count reaches wanted; fails the test when nothing comes. */
void bench_wait(struct bench *b, const int *count, int wanted);

/* A client_done_fn; ctx is a struct told. */
void told_take(void *ctx, const struct http_answer *answer);

/* Endpoint settings with a time-out that no test reaches unless it wants to. */
struct http_peer bench_settings(void);
/* One POST of body to url on p; waits for its end. */
struct told bench_post(struct bench *b, struct client_peer *p, const char *url, const char *body);

#endif
