/*
 * The client over plain HTTP, against receivers that do right,
 * do wrong, do nothing, and against names that lead astray.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench.h"
#include "receiver.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Ack: yes\r\n\r\nok"

static const char *url_of(const struct receiver *r, const char *host, char *ret, size_t cap)
{
	snprintf(ret, cap, "http://%s:%u/hook?token=geheim", host, receiver_port(r));
	return ret;
}

/* One exchange with a receiver that plays `play`; what is told. */
static struct told play_once(const struct play *play, struct http_peer settings)
{
	struct bench b;
	struct receiver *r;
	struct client_peer *p;
	struct told t;
	char url[128];

	bench_open(&b, false, NULL, 0);
	r = receiver_new(&b.loop, play, 1);
	p = client_peer_new(b.client, &settings);
	t = bench_post(&b, p, url_of(r, "127.0.0.1", url, sizeof(url)), "hello");
	assert_null(strstr(t.reason, "geheim"));
	assert_null(strstr(t.reason, "/hook"));
	client_peer_free(&p);
	receiver_free(&r);
	bench_close(&b);
	return t;
}

/* The request's very bytes: nothing that the request does not have. */
static void test_bytes(void **state)
{
	static const struct play play = { .head = OK_ANSWER };
	struct http_header headers[] = { { SLICE_LIT("Content-Type"), SLICE_LIT("application/json") },
					 { SLICE_LIT("X-Empty"), SLICE_LIT("") },
					 { SLICE_LIT("User-Agent"), SLICE_LIT("postrider/1") } };
	struct http_request request = { .method = HTTP_POST, .headers = headers, .header_count = 3 };
	struct http_peer settings = bench_settings();
	struct bench b;
	struct receiver *r;
	struct client_peer *p;
	struct told t = { 0 };
	char url[128], expected[512];

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:9", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:9", 1);
	bench_open(&b, false, NULL, 0);
	r = receiver_new(&b.loop, &play, 1);
	p = client_peer_new(b.client, &settings);
	request.url = slice_str(url_of(r, "127.0.0.1", url, sizeof(url)));
	request.body = SLICE_LIT("{\"a\":1}");
	client_send(p, &request, told_take, &t);
	bench_wait(&b, &t.count, 1);
	assert_int_equal(t.failure, FAILURE_NONE);
	assert_int_equal(t.status, 200);
	assert_string_equal(t.body, "ok");
	assert_string_equal(t.headers, "Content-Length: 2\r\nX-Ack: yes\r\n");
	snprintf(expected, sizeof(expected),
		 "POST /hook?token=geheim HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: "
		 "application/json\r\nX-Empty:\r\n"
		 "User-Agent: postrider/1\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
		 receiver_port(r));
	assert_true(slice_is(receiver_last(r), expected));

	/* And a GET on the same handle, without a body or its headers; then a POST without a type. */
	memset(&t, 0, sizeof(t));
	request = (struct http_request){ .method = HTTP_GET, .url = request.url };
	client_send(p, &request, told_take, &t);
	bench_wait(&b, &t.count, 1);
	snprintf(expected, sizeof(expected), "GET /hook?token=geheim HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
		 receiver_port(r));
	assert_true(slice_is(receiver_last(r), expected));
	memset(&t, 0, sizeof(t));
	request.method = HTTP_POST;
	client_send(p, &request, told_take, &t);
	bench_wait(&b, &t.count, 1);
	snprintf(expected, sizeof(expected),
		 "POST /hook?token=geheim HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: 0\r\n\r\n",
		 receiver_port(r));
	assert_true(slice_is(receiver_last(r), expected));
	assert_int_equal(receiver_connections(r), 1);
	client_peer_free(&p);
	receiver_free(&r);
	bench_close(&b);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

static void test_timings_and_keep_alive(void **state)
{
	static const struct play play = { .head = OK_ANSWER };
	struct http_peer settings = bench_settings();
	struct bench b;
	struct receiver *r;
	struct client_peer *p;
	struct told t;
	char url[128];

	(void)state;
	bench_open(&b, false, NULL, 0);
	r = receiver_new(&b.loop, &play, 1);
	p = client_peer_new(b.client, &settings);
	t = bench_post(&b, p, url_of(r, "127.0.0.1", url, sizeof(url)), "x");
	assert_true(t.timings.connect >= 0 && t.timings.first_byte >= t.timings.connect);
	assert_true(t.timings.total >= t.timings.first_byte);
	assert_int_equal(t.timings.dns, -1);
	assert_int_equal(t.timings.tls, -1);
	for (int i = 0; i < 5; i++) {
		t = bench_post(&b, p, url, "x");
		assert_int_equal(t.status, 200);
		assert_int_equal(t.timings.connect, -1);
	}
	assert_int_equal(receiver_connections(r), 1);
	client_peer_free(&p);
	receiver_free(&r);
	bench_close(&b);
}

/* Two peers of one address never share a connection. */
static void test_peers_apart(void **state)
{
	static const struct play play = { .head = OK_ANSWER };
	struct http_peer one = bench_settings(), two = bench_settings();
	struct bench b;
	struct receiver *r;
	struct client_peer *p, *q;
	char url[128];

	(void)state;
	one.username = "anna";
	one.password = "pass:wort";
	bench_open(&b, false, NULL, 0);
	r = receiver_new(&b.loop, &play, 1);
	p = client_peer_new(b.client, &one);
	q = client_peer_new(b.client, &two);
	url_of(r, "127.0.0.1", url, sizeof(url));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bench_post(&b, p, url, "x").status, 200);
		assert_non_null(memmem(receiver_last(r).p, receiver_last(r).n,
				       "Authorization: Basic YW5uYTpwYXNzOndvcnQ=\r\n", 43));
		assert_int_equal(bench_post(&b, q, url, "x").status, 200);
		assert_null(memmem(receiver_last(r).p, receiver_last(r).n, "Authorization", 13));
	}
	assert_int_equal(receiver_connections(r), 2);
	client_peer_free(&p);
	client_peer_free(&q);
	receiver_free(&r);
	bench_close(&b);
}

static const struct wrong {
	const char *name;
	struct play play;
	enum failure failure;
	int status;
	size_t body;
} wrongs[] = {
	{ "not found", { .head = "HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nabc" }, FAILURE_NONE, 404, 3 },
	{ "redirect",
	  { .head = "HTTP/1.1 302 F\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n" },
	  FAILURE_NONE,
	  302,
	  0 },
	{ "unauthorized",
	  { .head = "HTTP/1.1 401 U\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n" },
	  FAILURE_NONE,
	  401,
	  0 },
	{ "no content", { .head = "HTTP/1.1 204 N\r\n\r\n" }, FAILURE_NONE, 204, 0 },
	{ "chunked",
	  { .head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: "
		    "1\r\n\r\n" },
	  FAILURE_NONE,
	  200,
	  5 },
	{ "until close", { .head = "HTTP/1.0 200 OK\r\n\r\nabc", .end = PLAY_CLOSE }, FAILURE_NONE, 200, 3 },
	{ "bare line feeds", { .head = "HTTP/1.1 200 OK\nContent-Length: 1\n\na" }, FAILURE_NONE, 200, 1 },
	{ "drip", { .head = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", .drip_ms = 1 }, FAILURE_NONE, 200, 1 },
	{ "eight interim",
	  { .head = "HTTP/1.1 103 E\r\nLink: a\r\n\r\nHTTP/1.1 103 E\r\nLink: a\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.1 "
		    "103 E\r\n\r\n"
		    "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 "
		    "200 OK\r\nContent-Length: 1\r\n\r\na" },
	  FAILURE_NONE,
	  200,
	  1 },
	{ "nine interim",
	  { .head = "HTTP/1.1 103 E\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.1 "
		    "100 C\r\n\r\n"
		    "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 "
		    "200 OK\r\nContent-Length: 1\r\n\r\na" },
	  FAILURE_PROTOCOL,
	  0,
	  0 },
	{ "gzip",
	  { .head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08x" },
	  FAILURE_NONE,
	  200,
	  0 },
	{ "gzip bomb",
	  { .head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", .fill = 1000000 },
	  FAILURE_TOO_LARGE,
	  200,
	  0 },
	{ "transfer gzip",
	  { .head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" },
	  FAILURE_PROTOCOL,
	  200,
	  0 },
	{ "largest body",
	  { .head = "HTTP/1.1 200 OK\r\nContent-Length: 262144\r\n\r\n", .fill = 262144 },
	  FAILURE_NONE,
	  200,
	  262144 },
	{ "body too large",
	  { .head = "HTTP/1.1 200 OK\r\nContent-Length: 262145\r\n\r\n", .fill = 262145 },
	  FAILURE_TOO_LARGE,
	  200,
	  SIZE_MAX },
	{ "endless body", { .head = "HTTP/1.1 200 OK\r\n\r\n", .fill = 4000000 }, FAILURE_TOO_LARGE, 200, SIZE_MAX },
	{ "headers too large",
	  { .head = "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B: ", .fill = 17000, .tail = "\r\nContent-Length: 0\r\n\r\n" },
	  FAILURE_TOO_LARGE,
	  200,
	  0 },
	{ "one endless header", { .head = "HTTP/1.1 200 OK\r\nX-B: ", .fill = 400000 }, FAILURE_TOO_LARGE, 200, 0 },
	{ "endless status line", { .head = "HTTP/1.1 200 ", .fill = 400000 }, FAILURE_TOO_LARGE, 0, 0 },
	{ "nothing", { .head = "", .end = PLAY_CLOSE }, FAILURE_RESET, 0, 0 },
	{ "reset", { .head = "", .end = PLAY_RESET }, FAILURE_RESET, 0, 0 },
	{ "cut in the headers", { .head = "HTTP/1.1 200 OK\r\nContent-", .end = PLAY_CLOSE }, FAILURE_RESET, 200, 0 },
	{ "cut after an interim", { .head = "HTTP/1.1 100 C\r\n\r\n", .end = PLAY_CLOSE }, FAILURE_RESET, 0, 0 },
	{ "cut in the body",
	  { .head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", .end = PLAY_CLOSE },
	  FAILURE_RESET,
	  200,
	  3 },
	{ "cut in a chunk",
	  { .head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", .end = PLAY_CLOSE },
	  FAILURE_RESET,
	  200,
	  3 },
	{ "reset in the body",
	  { .head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", .end = PLAY_RESET },
	  FAILURE_RESET,
	  -1,
	  SIZE_MAX },
	{ "broken chunk",
	  { .head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n" },
	  FAILURE_PROTOCOL,
	  200,
	  0 },
	{ "no HTTP", { .head = "SSH-2.0-OpenSSH_9.2\r\n", .end = PLAY_CLOSE }, FAILURE_PROTOCOL, 0, 0 },
	{ "no version", { .head = "HTTP/1.1 abc\r\n\r\n", .end = PLAY_CLOSE }, FAILURE_PROTOCOL, 0, 0 },
	{ "HTTP/2 preface", { .head = "HTTP/2.0 200 OK\r\n\r\n", .end = PLAY_CLOSE }, FAILURE_PROTOCOL, 0, 0 },
	{ "bad length", { .head = "HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\nabc" }, FAILURE_PROTOCOL, 200, 0 },
	{ "two lengths",
	  { .head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd" },
	  FAILURE_PROTOCOL,
	  200,
	  0 },
	{ "negative length", { .head = "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" }, FAILURE_PROTOCOL, 200, 0 },
	{ "no status of HTTP's", { .head = "HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n" }, FAILURE_PROTOCOL, 0, 0 },
	{ "control bytes",
	  { .head = "HTTP/1.1 200 OK\r\nX-A: \x01"
		    "a\rb\x7f\r\nContent-Length: 1\r\n\r\na" },
	  FAILURE_NONE,
	  200,
	  1 },
	{ "folded header",
	  { .head = "HTTP/1.1 200 OK\r\nX-A: 1\r\n  2\r\nContent-Length: 1\r\n\r\na" },
	  FAILURE_NONE,
	  200,
	  1 },
};

static void test_wrong_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const struct wrong *w = &wrongs[i];
		struct told t = play_once(&w->play, bench_settings());

		if (t.failure != w->failure || (w->status >= 0 && t.status != w->status) ||
		    (w->body != SIZE_MAX && t.body_n != w->body))
			fail_msg("%s: %s, status %d, body %zu: %s", w->name, failure_word(t.failure), t.status,
				 t.body_n, t.reason);
		if (strcmp(w->name, "folded header") == 0)
			assert_string_equal(t.headers, "X-A: 1 2\r\nContent-Length: 1\r\n");
		if (strcmp(w->name, "control bytes") == 0)
			assert_string_equal(t.headers, "X-A:  a b \r\nContent-Length: 1\r\n");
	}
}

/* What comes behind an answer is never taken for the next one. */
static void test_leftover_bytes(void **state)
{
	static const struct play plays[] = {
		{ .head = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 299 Evil\r\nContent-Length: "
			  "4\r\n\r\nevil" },
		{ .head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: "
			  "3\r\n\r\n1\r\na\r\n0\r\n\r\n" },
		{ .head = OK_ANSWER },
	};
	struct http_peer settings = bench_settings();
	struct bench b;
	struct receiver *r;
	struct client_peer *p;
	char url[128];

	(void)state;
	bench_open(&b, false, NULL, 0);
	r = receiver_new(&b.loop, plays, 3);
	p = client_peer_new(b.client, &settings);
	url_of(r, "127.0.0.1", url, sizeof(url));
	for (int i = 0; i < 4; i++) {
		struct told t = bench_post(&b, p, url, "x");

		assert_int_equal(t.status, 200);
		assert_string_equal(t.body, i < 2 ? "a" : "ok");
	}
	assert_int_equal(receiver_connections(r), 3);
	client_peer_free(&p);
	receiver_free(&r);
	bench_close(&b);
}

/*
 * The same in a second packet, when the answer was long taken:
 * the connection is given up before the next request is on it.
 */
static void test_late_bytes(void **state)
{
	static const struct play plays[] = {
		{ .head = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
		  .late = "HTTP/1.1 299 Evil\r\nContent-Length: 4\r\n\r\nevil" },
		{ .head = OK_ANSWER },
	};
	struct http_peer settings = bench_settings();
	struct bench b;
	struct receiver *r;
	struct client_peer *p;
	char url[128];

	(void)state;
	bench_open(&b, false, NULL, 0);
	r = receiver_new(&b.loop, plays, 2);
	p = client_peer_new(b.client, &settings);
	url_of(r, "127.0.0.1", url, sizeof(url));
	assert_string_equal(bench_post(&b, p, url, "x").body, "a");
	receiver_say_late(r);
	for (int i = 0; i < 3; i++)
		assert_string_equal(bench_post(&b, p, url, "x").body, "ok");
	assert_int_equal(receiver_connections(r), 2);
	assert_int_equal(receiver_requests(r), 4);
	client_peer_free(&p);
	receiver_free(&r);
	bench_close(&b);
}

/* A receiver that closes idle connections: the next request goes out on a new one, and nobody notices. */
static void test_closed_while_idle(void **state)
{
	static const struct play play = { .head = OK_ANSWER, .end = PLAY_CLOSE };
	struct http_peer settings = bench_settings();
	struct bench b;
	struct receiver *r;
	struct client_peer *p;
	char url[128];

	(void)state;
	bench_open(&b, false, NULL, 0);
	r = receiver_new(&b.loop, &play, 1);
	p = client_peer_new(b.client, &settings);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(bench_post(&b, p, url_of(r, "127.0.0.1", url, sizeof(url)), "x").status, 200);
		while (receiver_open(r) > 0)
			uv_run(&b.loop, UV_RUN_ONCE);
	}
	client_peer_free(&p);
	receiver_free(&r);
	bench_close(&b);
}

static void test_refused_connection(void **state)
{
	struct http_peer settings = bench_settings();
	struct bench b;
	struct receiver *r;
	struct client_peer *p;
	struct told t;
	char url[128];

	(void)state;
	bench_open(&b, false, NULL, 0);
	r = receiver_new(&b.loop, &(struct play){ .head = "" }, 1);
	url_of(r, "127.0.0.1", url, sizeof(url));
	receiver_free(&r);
	uv_run(&b.loop, UV_RUN_NOWAIT);
	p = client_peer_new(b.client, &settings);
	t = bench_post(&b, p, url, "x");
	assert_int_equal(t.failure, FAILURE_CONNECT);
	assert_non_null(strstr(t.reason, "connection to 127.0.0.1 port "));
	assert_non_null(strstr(t.reason, "refused"));
	client_peer_free(&p);
	bench_close(&b);
}

static void test_refused_targets(void **state)
{
	static const struct {
		const char *url, *word;
		enum failure failure;
	} rows[] = {
		{ "http://10.0.0.1/", "private", FAILURE_REFUSED_ADDRESS },
		{ "http://169.254.169.254/latest", "metadata", FAILURE_REFUSED_ADDRESS },
		{ "http://[::1]/", "loopback", FAILURE_REFUSED_ADDRESS },
		{ "http://[::ffff:10.0.0.1]/", "private", FAILURE_REFUSED_ADDRESS },
		{ "http://127.0.0.1:22/", "port", FAILURE_REFUSED_ADDRESS },
		{ "http://127.0.0.1:25/", "--allow-ports", FAILURE_REFUSED_ADDRESS },
		{ "ftp://127.0.0.1/", "http", FAILURE_RENDER },
		{ "http://user:pass@127.0.0.1/", "URL", FAILURE_RENDER },
		{ "http://2130706433/", "URL", FAILURE_RENDER },
		{ "", "URL", FAILURE_RENDER },
	};
	struct http_peer settings = bench_settings();
	struct bench b;
	struct client_peer *p;

	(void)state;
	bench_open(&b, false, NULL, 0);
	p = client_peer_new(b.client, &settings);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct told t = bench_post(&b, p, rows[i].url, "x");

		if (t.failure != rows[i].failure || !strstr(t.reason, rows[i].word) || strstr(t.reason, "pass@"))
			fail_msg("%s: %s: %s", rows[i].url, failure_word(t.failure), t.reason);
	}
	client_peer_free(&p);
	bench_close(&b);
}

/* The endpoint's own ports replace the daemon's. */
static void test_own_ports(void **state)
{
	static const struct play play = { .head = OK_ANSWER };
	struct http_peer settings = bench_settings();
	struct bench b;
	struct receiver *r;
	struct client_peer *p;
	uint16_t port = 80;
	char url[128];

	(void)state;
	bench_open(&b, false, NULL, 0);
	r = receiver_new(&b.loop, &play, 1);
	settings.ports = &port;
	settings.port_count = 1;
	p = client_peer_new(b.client, &settings);
	assert_int_equal(bench_post(&b, p, url_of(r, "127.0.0.1", url, sizeof(url)), "x").failure,
			 FAILURE_REFUSED_ADDRESS);
	client_peer_free(&p);
	port = receiver_port(r);
	p = client_peer_new(b.client, &settings);
	assert_int_equal(bench_post(&b, p, url, "x").status, 200);
	client_peer_free(&p);
	receiver_free(&r);
	bench_close(&b);
}

static void test_bad_headers(void **state)
{
	static const struct http_header bad[] = {
		{ SLICE_LIT("X-A"), SLICE_LIT("1\r\nX-Evil: 1") },
		{ SLICE_LIT("X-A\r\nX-Evil"), SLICE_LIT("1") },
		{ SLICE_LIT("X A"), SLICE_LIT("1") },
		{ SLICE_LIT("X:A"), SLICE_LIT("1") },
		{ SLICE_LIT(""), SLICE_LIT("1") },
		{ SLICE_LIT("X-A"), SLICE_LIT("1\0002") },
	};
	static const struct play play = { .head = OK_ANSWER };
	struct http_peer settings = bench_settings();
	struct bench b;
	struct receiver *r;
	struct client_peer *p;
	char url[128];

	(void)state;
	bench_open(&b, false, NULL, 0);
	r = receiver_new(&b.loop, &play, 1);
	p = client_peer_new(b.client, &settings);
	url_of(r, "127.0.0.1", url, sizeof(url));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct http_request request = { .method = HTTP_POST, .headers = &bad[i], .header_count = 1 };
		struct told t = { 0 };

		request.url = slice_str(url);
		client_send(p, &request, told_take, &t);
		bench_wait(&b, &t.count, 1);
		assert_int_equal(t.failure, FAILURE_RENDER);
	}
	assert_int_equal(receiver_requests(r), 0);
	client_peer_free(&p);
	receiver_free(&r);
	bench_close(&b);
}

/* The deadline is absolute: neither silence nor a drip of progress moves it. */
static void test_deadline(void **state)
{
	static const struct play plays[] = {
		{ .head = "" },
		{ .head = "HTTP/1.1 200 OK\r\n", .fill = 100000, .drip_ms = 2 },
	};
	struct http_peer settings = bench_settings();

	(void)state;
	settings.timeout_ms = 400;
	for (size_t i = 0; i < 2; i++) {
		struct told t = play_once(&plays[i], settings);

		assert_int_equal(t.failure, FAILURE_TIMEOUT);
		assert_true(t.timings.total >= 390000 && t.timings.total < 5000000);
		assert_non_null(strstr(t.reason, "400 ms"));
		assert_non_null(strstr(t.reason, i == 0 ? "silent" : "arriving"));
	}
}

/* Waiting for a free connection counts, and connections_max holds. */
static void test_connections_max(void **state)
{
	static const struct play silent = { .head = "" }, play = { .head = OK_ANSWER, .drip_ms = 1 };
	struct http_peer settings = bench_settings();
	struct bench b;
	struct receiver *r;
	struct client_peer *p;
	struct told told[20] = { 0 };
	struct http_request request = { .method = HTTP_POST, .body = SLICE_LIT("x") };
	char url[128];

	(void)state;
	settings.connections_max = 3;
	settings.timeout_ms = 100;
	bench_open(&b, false, NULL, 0);
	r = receiver_new(&b.loop, &silent, 1);
	request.url = slice_str(url_of(r, "127.0.0.1", url, sizeof(url)));
	p = client_peer_new(b.client, &settings);
	for (int i = 0; i < 20; i++)
		client_send(p, &request, told_take, &told[i]);
	for (int i = 0; i < 20; i++)
		bench_wait(&b, &told[i].count, 1);
	for (int i = 0; i < 20; i++)
		assert_int_equal(told[i].failure, FAILURE_TIMEOUT);
	assert_non_null(strstr(told[19].reason, "free connection"));
	client_peer_free(&p);
	receiver_free(&r);

	settings.timeout_ms = 25000;
	r = receiver_new(&b.loop, &play, 1);
	request.url = slice_str(url_of(r, "127.0.0.1", url, sizeof(url)));
	p = client_peer_new(b.client, &settings);
	memset(told, 0, sizeof(told));
	for (int i = 0; i < 20; i++)
		client_send(p, &request, told_take, &told[i]);
	for (int i = 0; i < 20; i++)
		bench_wait(&b, &told[i].count, 1);
	for (int i = 0; i < 20; i++)
		assert_int_equal(told[i].status, 200);
	assert_int_equal(receiver_connections(r), 3);
	client_peer_free(&p);
	receiver_free(&r);
	bench_close(&b);
}

static void test_cancel(void **state)
{
	static const struct play play = { .head = "" };
	struct http_peer settings = bench_settings();
	struct http_request request = { .method = HTTP_POST, .body = SLICE_LIT("x") };
	struct bench b;
	struct receiver *r;
	struct client_peer *p;
	struct client_call *at_once, *on_the_wire, *waiting;
	struct told told = { 0 };
	char url[128];

	(void)state;
	settings.connections_max = 1;
	bench_open(&b, true, NULL, 0);
	names_set(b.names, "silent.example", NULL, 1);
	r = receiver_new(&b.loop, &play, 1);
	request.url = slice_str(url_of(r, "127.0.0.1", url, sizeof(url)));
	p = client_peer_new(b.client, &settings);
	at_once = client_send(p, &request, told_take, &told);
	client_cancel(&at_once);
	assert_null(at_once);
	on_the_wire = client_send(p, &request, told_take, &told);
	waiting = client_send(p, &request, told_take, &told);
	while (receiver_requests(r) == 0)
		uv_run(&b.loop, UV_RUN_ONCE);
	client_cancel(&waiting);
	client_cancel(&on_the_wire);
	while (receiver_open(r) > 0)
		uv_run(&b.loop, UV_RUN_ONCE);
	request.url = slice_str(url_of(r, "silent.example", url, sizeof(url)));
	on_the_wire = client_send(p, &request, told_take, &told);
	while (names_asked(b.names) == 0)
		uv_run(&b.loop, UV_RUN_ONCE);
	client_cancel(&on_the_wire);
	client_peer_free(&p);
	assert_int_equal(told.count, 0);
	assert_int_equal(receiver_requests(r), 1);
	receiver_free(&r);
	bench_close(&b);
}

static void on_gone(void *ctx)
{
	*(bool *)ctx = true;
}

/* Closing with calls in every state: nothing is told, nothing is left. */
static void test_close_busy(void **state)
{
	static const struct play play = { .head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na" };
	struct http_peer settings = bench_settings();
	struct http_request request = { .method = HTTP_POST, .body = SLICE_LIT("x") }, named = request;
	struct bench b;
	struct receiver *r;
	struct client_peer *p, *q;
	struct told told = { 0 };
	char url[128], name[128];

	(void)state;
	settings.connections_max = 2;
	bench_open(&b, true, NULL, 0);
	names_set(b.names, "silent.example", NULL, 1);
	r = receiver_new(&b.loop, &play, 1);
	request.url = slice_str(url_of(r, "127.0.0.1", url, sizeof(url)));
	named.url = slice_str(url_of(r, "silent.example", name, sizeof(name)));
	p = client_peer_new(b.client, &settings);
	q = client_peer_new(b.client, &settings);
	for (int i = 0; i < 5; i++) {
		client_send(p, &request, told_take, &told);
		client_send(q, &named, told_take, &told);
	}
	while (receiver_requests(r) < 2)
		uv_run(&b.loop, UV_RUN_ONCE);
	client_close(&b.client, on_gone, &b.closed);
	client_peer_free(&p); /* before the loop is empty; q after it */
	receiver_free(&r);
	bench_close(&b);
	client_peer_free(&q);
	assert_int_equal(told.count, 0);
}

struct again {
	struct bench *b;
	struct client_peer *p;
	struct http_request request;
	struct client_call *other;
	int count, left;
	bool free_peer, close_client;
};

/* A done that does what done may do: send again, cancel another call, free the peer, close the client. */
static void on_again(void *ctx, const struct http_answer *answer)
{
	struct again *a = ctx;

	(void)answer;
	a->count++;
	if (a->other)
		client_cancel(&a->other);
	if (a->left-- > 0)
		client_send(a->p, &a->request, on_again, a);
	else if (a->free_peer)
		client_peer_free(&a->p);
	else if (a->close_client)
		client_close(&a->b->client, on_gone, &a->b->closed);
}

static void again_run(struct again a, const char *url, struct bench *b)
{
	struct http_peer settings = bench_settings();
	int expected = a.left + 1;

	settings.connections_max = 2;
	a.b = b;
	a.request = (struct http_request){ .method = HTTP_POST, .url = slice_str(url), .body = SLICE_LIT("x") };
	a.p = client_peer_new(b->client, &settings);
	client_send(a.p, &a.request, on_again, &a);
	a.other = client_send(a.p, &a.request, on_again, &a);
	bench_wait(b, &a.count, expected);
	if (a.p)
		client_peer_free(&a.p);
}

static void test_reentrance(void **state)
{
	static const struct play play = { .head = OK_ANSWER };
	struct bench b;
	struct receiver *r;
	char url[128];

	(void)state;
	bench_open(&b, false, NULL, 0);
	r = receiver_new(&b.loop, &play, 1);
	url_of(r, "127.0.0.1", url, sizeof(url));
	again_run((struct again){ .left = 10 }, url, &b);
	again_run((struct again){ .left = 10, .free_peer = true }, url, &b);
	again_run((struct again){ .left = 10, .free_peer = true }, "http://10.0.0.1/", &b);
	again_run((struct again){ .left = 3, .close_client = true }, url, &b);
	receiver_free(&r);
	bench_close(&b);

	bench_open(&b, false, NULL, 0);
	again_run((struct again){ .left = 0, .close_client = true }, "http://10.0.0.1/", &b);
	bench_close(&b);
}

/* A peer that had nothing to do gives its connections back, and comes to life again. */
static void test_idle_peer(void **state)
{
	static const struct play play = { .head = OK_ANSWER };
	struct http_peer settings = bench_settings();
	struct bench b;
	struct receiver *r;
	struct client_peer *p;
	char url[128];

	(void)state;
	bench_open(&b, false, NULL, 20);
	r = receiver_new(&b.loop, &play, 1);
	p = client_peer_new(b.client, &settings);
	url_of(r, "127.0.0.1", url, sizeof(url));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bench_post(&b, p, url, "x").status, 200);
		while (receiver_open(r) > 0)
			uv_run(&b.loop, UV_RUN_ONCE);
	}
	client_peer_free(&p);
	receiver_free(&r);
	bench_close(&b);
}

static void test_bind(void **state)
{
	static const struct play play = { .head = OK_ANSWER };
	struct http_peer settings = bench_settings();
	struct client_options options = { .bind_address = "localhost" };
	struct bench b;
	struct receiver *r;
	struct client_peer *p;
	struct told t;
	struct fault fault = { .code = "" };
	char url[128];

	(void)state;
	bench_open(&b, false, "127.0.0.9", 0);
	r = receiver_new(&b.loop, &play, 1);
	p = client_peer_new(b.client, &settings);
	assert_int_equal(bench_post(&b, p, url_of(r, "127.0.0.1", url, sizeof(url)), "x").status, 200);
	client_peer_free(&p);
	receiver_free(&r);
	bench_close(&b);

	/* An address that is not ours, and one of the other family. */
	bench_open(&b, false, "192.0.2.1", 0);
	p = client_peer_new(b.client, &settings);
	t = bench_post(&b, p, url, "x");
	assert_int_equal(t.failure, FAILURE_INTERNAL);
	assert_non_null(strstr(t.reason, "--bind-address"));
	client_peer_free(&p);
	options.guard = b.guard;
	assert_int_equal(client_new(&b.loop, &options, &b.client, &fault), ERR_INVALID);
	assert_string_equal(fault.param, "bind_address");
	bench_close(&b);
}

static bool has_v6(void)
{
	struct sockaddr_in6 address;
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has;

	uv_ip6_addr("::1", 0, &address);
	has = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
	if (fd >= 0)
		close(fd);
	return has;
}

/* IPv6: by its address, by name beside an IPv4 address where nobody listens, and from a source address of its own. */
static void test_v6(void **state)
{
	static const struct play play = { .head = OK_ANSWER };
	struct http_peer settings = bench_settings();
	struct bench b;
	struct receiver *r;
	struct client_peer *p;
	struct told t;
	char url[128], host[64];

	(void)state;
	if (!has_v6())
		skip();
	for (int bound = 0; bound < 2; bound++) {
		bench_open(&b, true, bound ? "::1" : NULL, 0);
		assert_int_equal(guard_allow_net(b.guard, SLICE_LIT("::1/128"), NULL), 0);
		names_set(b.names, "six.example", "127.0.0.9 ::1", 60);
		r = receiver_new_v6(&b.loop, &play, 1);
		p = client_peer_new(b.client, &settings);
		t = bench_post(&b, p, url_of(r, "[::1]", url, sizeof(url)), "x");
		if (t.status != 200)
			fail_msg("%s: %s", url, t.reason);
		snprintf(host, sizeof(host), "Host: [::1]:%u\r\n", receiver_port(r));
		assert_non_null(memmem(receiver_last(r).p, receiver_last(r).n, host, strlen(host)));
		assert_int_equal(bench_post(&b, p, url_of(r, "six.example", url, sizeof(url)), "x").status, 200);
		assert_int_equal(bench_post(&b, p, url, "x").timings.connect, -1);
		client_peer_free(&p);
		receiver_free(&r);
		bench_close(&b);
	}
}

/* Names: each address is looked up, checked, handed to libcurl; one forbidden address refuses all. */
static void test_names(void **state)
{
	static const struct play play = { .head = OK_ANSWER };
	struct http_peer settings = bench_settings();
	struct bench b;
	struct receiver *r;
	struct client_peer *p;
	struct told t;
	char url[128], host[64];

	(void)state;
	bench_open(&b, true, NULL, 0);
	names_set(b.names, "good.example", "127.0.0.1", 60);
	names_set(b.names, "other.example", "127.0.0.2 127.0.0.1", 60);
	names_set(b.names, "mixed.example", "8.8.8.8 127.0.0.1 10.0.0.1", 60);
	r = receiver_new(&b.loop, &play, 1);
	p = client_peer_new(b.client, &settings);
	t = bench_post(&b, p, url_of(r, "GOOD.example.", url, sizeof(url)), "x");
	assert_int_equal(t.status, 200);
	assert_true(t.timings.dns >= 0);
	snprintf(host, sizeof(host), "Host: good.example:%u\r\n", receiver_port(r));
	assert_non_null(memmem(receiver_last(r).p, receiver_last(r).n, host, strlen(host)));
	t = bench_post(&b, p, url, "x");
	assert_int_equal(t.status, 200);
	assert_int_equal(t.timings.dns, -1);
	/* The first of the two addresses has nobody who listens. */
	assert_int_equal(bench_post(&b, p, url_of(r, "other.example", url, sizeof(url)), "x").status, 200);
	assert_int_equal(bench_post(&b, p, url_of(r, "good.example", url, sizeof(url)), "x").status, 200);
	t = bench_post(&b, p, url_of(r, "mixed.example", url, sizeof(url)), "x");
	assert_int_equal(t.failure, FAILURE_REFUSED_ADDRESS);
	assert_non_null(strstr(t.reason, "10.0.0.1"));
	t = bench_post(&b, p, url_of(r, "none.example", url, sizeof(url)), "x");
	assert_int_equal(t.failure, FAILURE_DNS);
	client_peer_free(&p);
	receiver_free(&r);
	bench_close(&b);
}

/* A name server that never answers costs its own endpoint the deadline, and the others nothing. */
static void test_silent_names(void **state)
{
	static const struct play play = { .head = OK_ANSWER };
	struct http_peer settings = bench_settings(), hurried = bench_settings();
	struct http_request request = { .method = HTTP_POST, .body = SLICE_LIT("x") };
	struct bench b;
	struct receiver *r;
	struct client_peer *p, *q;
	struct told t = { 0 };
	char url[128], name[128];
	int sent = 0;

	(void)state;
	hurried.timeout_ms = 200;
	bench_open(&b, true, NULL, 0);
	names_set(b.names, "silent.example", NULL, 1);
	r = receiver_new(&b.loop, &play, 1);
	p = client_peer_new(b.client, &hurried);
	q = client_peer_new(b.client, &settings);
	request.url = slice_str(url_of(r, "silent.example", name, sizeof(name)));
	client_send(p, &request, told_take, &t);
	url_of(r, "127.0.0.1", url, sizeof(url));
	while (t.count == 0) {
		struct told other = bench_post(&b, q, url, "x");

		assert_int_equal(other.status, 200);
		sent++;
	}
	assert_true(sent > 0);
	assert_int_equal(t.failure, FAILURE_TIMEOUT);
	assert_non_null(strstr(t.reason, "looked up"));
	assert_true(t.timings.total >= 190000 && t.timings.total < 2000000);
	client_peer_free(&p);
	client_peer_free(&q);
	receiver_free(&r);
	bench_close(&b);
}

/* Many peers, many calls, one body above the size where libcurl would ask "Expect: 100-continue". */
static void test_many(void **state)
{
	enum { PEERS = 50, CALLS = 20 };
	static const struct play play = { .head = OK_ANSWER };
	struct http_peer settings = bench_settings();
	struct http_request request = { .method = HTTP_POST };
	struct bench b;
	struct receiver *r;
	struct client_peer *peers[PEERS];
	struct told *told = mem_zalloc(sizeof(*told) * PEERS * CALLS);
	struct told t = { 0 };
	char url[128], *large = mem_zalloc(2000000);

	(void)state;
	bench_open(&b, false, NULL, 0);
	r = receiver_new(&b.loop, &play, 1);
	request.url = slice_str(url_of(r, "127.0.0.1", url, sizeof(url)));
	request.body = SLICE_LIT("x");
	for (int i = 0; i < PEERS; i++)
		peers[i] = client_peer_new(b.client, &settings);
	for (int i = 0; i < PEERS * CALLS; i++)
		client_send(peers[i % PEERS], &request, told_take, &told[i]);
	for (int i = 0; i < PEERS * CALLS; i++) {
		bench_wait(&b, &told[i].count, 1);
		assert_int_equal(told[i].status, 200);
	}
	assert_int_equal(receiver_requests(r), PEERS * CALLS);
	assert_true(receiver_connections(r) <= PEERS * 4);
	memset(large, 'y', 2000000);
	request.body = slice_of(large, 2000000);
	client_send(peers[0], &request, told_take, &t);
	bench_wait(&b, &t.count, 1);
	assert_int_equal(t.status, 200);
	assert_true(receiver_last(r).n > 2000000);
	assert_null(memmem(receiver_last(r).p, 300, "Expect", 6));
	for (int i = 0; i < PEERS; i++)
		client_peer_free(&peers[i]);
	receiver_free(&r);
	bench_close(&b);
	mem_free(told);
	mem_free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_timings_and_keep_alive),
		cmocka_unit_test(test_peers_apart),
		cmocka_unit_test(test_wrong_answers),
		cmocka_unit_test(test_leftover_bytes),
		cmocka_unit_test(test_late_bytes),
		cmocka_unit_test(test_closed_while_idle),
		cmocka_unit_test(test_refused_connection),
		cmocka_unit_test(test_refused_targets),
		cmocka_unit_test(test_own_ports),
		cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_connections_max),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_close_busy),
		cmocka_unit_test(test_reentrance),
		cmocka_unit_test(test_idle_peer),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_v6),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_silent_names),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
