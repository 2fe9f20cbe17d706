#include "bench.h"

#include <stdio.h>

#define WATCHDOG_MS 30000

static void on_watchdog(uv_timer_t *timer)
{
	(void)timer;
	fail_msg("nothing happened for %d ms", WATCHDOG_MS);
}

void bench_open(struct bench *b, bool with_names, const char *bind_address, int64_t idle_peer_ms)
{
	struct client_options options = { .bind_address = bind_address, .idle_peer_ms = idle_peer_ms };

	memset(b, 0, sizeof(*b));
	uv_loop_init(&b->loop);
	uv_timer_init(&b->loop, &b->watchdog);
	uv_timer_start(&b->watchdog, on_watchdog, WATCHDOG_MS, 0);
	b->guard = guard_new();
	assert_int_equal(guard_allow_net(b->guard, SLICE_LIT("127.0.0.0/8"), NULL), 0);
	if (with_names)
		b->names = names_new(&b->loop);
	options.guard = b->guard;
	options.dns_servers = b->names ? names_address(b->names) : "127.0.0.1:9";
	assert_int_equal(client_new(&b->loop, &options, &b->client, NULL), 0);
}

static void on_closed(void *ctx)
{
	*(bool *)ctx = true;
}

void bench_close(struct bench *b)
{
	if (b->client)
		client_close(&b->client, on_closed, &b->closed);
	if (b->names)
		names_free(&b->names);
	uv_close((uv_handle_t *)&b->watchdog, NULL);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	assert_true(b->closed);
	assert_int_equal(uv_loop_close(&b->loop), 0);
	guard_free(&b->guard);
}

void bench_wait(struct bench *b, const int *count, int wanted)
{
	while (*count < wanted)
		uv_run(&b->loop, UV_RUN_ONCE);
	assert_int_equal(*count, wanted);
}

void told_take(void *ctx, const struct http_answer *answer)
{
	struct told *t = ctx;

	t->count++;
	t->failure = answer->failure;
	t->status = answer->status;
	t->body_n = answer->body.n;
	t->timings = answer->timings;
	t->tls_key_known = answer->tls_key_known;
	memcpy(t->tls_key, answer->tls_key, sizeof(t->tls_key));
	slice_copy(t->body, sizeof(t->body), answer->body);
	slice_copy(t->headers, sizeof(t->headers), answer->headers);
	slice_copy(t->reason, sizeof(t->reason), answer->reason);
	assert_true((answer->failure == FAILURE_NONE) == (answer->reason.n == 0));
	assert_true(answer->timings.total >= 0);
}

struct http_peer bench_settings(void)
{
	return (struct http_peer){ .verify = TLS_STRICT, .tls_min = 12, .timeout_ms = 25000, .connections_max = 4 };
}

struct told bench_post(struct bench *b, struct client_peer *p, const char *url, const char *body)
{
	static const struct http_header type = { SLICE_LIT("Content-Type"), SLICE_LIT("text/plain") };
	struct http_request request = { .method = HTTP_POST, .headers = &type, .header_count = 1 };
	struct told t = { 0 };

	request.url = slice_str(url);
	request.body = slice_str(body);
	client_send(p, &request, told_take, &t);
	assert_int_equal(t.count, 0);
	bench_wait(b, &t.count, 1);
	return t;
}
