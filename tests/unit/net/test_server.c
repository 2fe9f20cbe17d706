/*
 * The server adapter with real clients on loopback: raw sockets for what only hostile or lazy
 * clients send, libcurl for the ordinary ones. The handler under test answers at once, or hands the
 * request to a thread of its own that answers later, or answers from that thread while the worker
 * still is inside the handler: the three ways that server.c's atomic word has to tell apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "net/server.h"
#include "wire.h"

#define BODY_MAX ((size_t)64 * 1024)

struct later {
	struct list link;
	struct server_request *rq;
};

struct fixture {
	struct server *server;
	char address[64];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	struct list queue; /* of struct later */
	size_t waiting;	   /* in queue */
	bool hold;	   /* the thread leaves the queue alone */
	bool ending;
	unsigned handled;
	int screened; /* questions */
};

/* --- the handler --- */

static void echo(struct server_request *rq)
{
	struct buf out;
	struct slice name, value;
	char argument_count[20];
	size_t n = 0;

	buf_init(&out, 1 << 20);
	while (server_argument_at(rq, n, &name, &value))
		n++;
	snprintf(argument_count, sizeof(argument_count), "%zu", n);
	buf_add_slice(&out, server_method(rq));
	buf_add_char(&out, ' ');
	buf_add_slice(&out, server_path(rq));
	buf_add_char(&out, ' ');
	buf_add_slice(&out, server_query(rq));
	buf_add_char(&out, ' ');
	buf_add_slice(&out, server_header(rq, "x-mark"));
	buf_add_char(&out, ' ');
	buf_add_slice(&out, server_body(rq));
	server_answer(rq, 200, "text/plain", buf_slice(&out),
		      &(struct server_header_out){ "X-Arguments", argument_count }, 1);
	buf_free(&out);
}

static void *later_main(void *arg)
{
	struct fixture *f = arg;

	pthread_mutex_lock(&f->lock);
	for (;;) {
		while (!f->ending && (f->hold || list_empty(&f->queue)))
			pthread_cond_wait(&f->moved, &f->lock);
		if (list_empty(&f->queue))
			break;
		struct later *l = CONTAINER_OF(list_pop(&f->queue), struct later, link);

		f->waiting--;
		pthread_cond_broadcast(&f->moved);
		pthread_mutex_unlock(&f->lock);
		echo(l->rq);
		mem_free(l);
		pthread_mutex_lock(&f->lock);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

/*
 * /race waits inside the handler until the thread has taken the
 * request, so that its answer mostly comes before the suspension.
 */
static void handle(void *ctx, struct server_request *rq)
{
	struct fixture *f = ctx;
	bool race = slice_is(server_path(rq), "/race"), later = race || slice_is(server_path(rq), "/later");
	struct later *l;

	pthread_mutex_lock(&f->lock);
	f->handled++;
	if (later) {
		l = mem_alloc(sizeof(*l));
		l->rq = rq;
		list_push(&f->queue, &l->link);
		f->waiting++;
		pthread_cond_broadcast(&f->moved);
		while (race && f->waiting > 0)
			pthread_cond_wait(&f->moved, &f->lock);
	}
	pthread_mutex_unlock(&f->lock);
	if (!later)
		echo(rq);
}

static void hold(struct fixture *f, bool on)
{
	pthread_mutex_lock(&f->lock);
	f->hold = on;
	pthread_cond_broadcast(&f->moved);
	pthread_mutex_unlock(&f->lock);
}

static void await_waiting(struct fixture *f, size_t count)
{
	pthread_mutex_lock(&f->lock);
	while (f->waiting < count)
		pthread_cond_wait(&f->moved, &f->lock);
	pthread_mutex_unlock(&f->lock);
}

static const struct server_options usual = {
	.address = "127.0.0.1:0",
	.threads = 3,
	.body_max = BODY_MAX,
	.connections_max = 1000,
	.idle_timeout_s = 30,
};

static void start(struct fixture *f, const struct server_options *options)
{
	struct fault fault;

	memset(f, 0, sizeof(*f));
	list_init(&f->queue);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->moved, NULL);
	assert_int_equal(pthread_create(&f->thread, NULL, later_main, f), 0);
	assert_int_equal(server_start(options, handle, f, &f->server, &fault), 0);
	server_address(f->server, f->address, sizeof(f->address));
}

static void stop(struct fixture *f)
{
	server_stop(&f->server);
	assert_null(f->server);
	pthread_mutex_lock(&f->lock);
	f->ending = true;
	pthread_cond_broadcast(&f->moved);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	pthread_cond_destroy(&f->moved);
	pthread_mutex_destroy(&f->lock);
}

/* --- one raw conversation --- */

struct talk {
	int fd;
	struct buf in, head, body;
};

static void talk_start(struct talk *t, const struct fixture *f)
{
	t->fd = wire_connect(f->address);
	assert_true(t->fd >= 0);
	buf_init(&t->in, 1 << 20);
	buf_init(&t->head, 1 << 16);
	buf_init(&t->body, 1 << 20);
}

static void talk_end(struct talk *t)
{
	close(t->fd);
	buf_free(&t->in);
	buf_free(&t->head);
	buf_free(&t->body);
}

static void say(struct talk *t, const char *text)
{
	assert_true(wire_send(t->fd, slice_str(text)));
}

static int hear(struct talk *t)
{
	return wire_answer(t->fd, &t->in, &t->head, &t->body);
}

/* One request on a connection of its own; the answer's status. body may be NULL. */
static int ask(struct fixture *f, const char *text, struct buf *body)
{
	struct talk t;
	int status;

	talk_start(&t, f);
	say(&t, text);
	status = hear(&t);
	if (body) {
		buf_reset(body);
		buf_add_slice(body, buf_slice(&t.body));
	}
	talk_end(&t);
	return status;
}

/* A POST of bytes with these extra header lines. */
static int post(struct fixture *f, const char *headers, struct slice bytes, struct buf *body)
{
	struct buf head;
	struct talk t;
	int status;

	buf_init(&head, 4096);
	buf_addf(&head, "POST /p HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n", headers, bytes.n);
	talk_start(&t, f);
	say(&t, buf_str(&head));
	wire_send(t.fd, bytes);
	status = hear(&t);
	buf_reset(body);
	buf_add_slice(body, buf_slice(&t.body));
	talk_end(&t);
	buf_free(&head);
	return status;
}

static void assert_error(const struct buf *body, const char *code)
{
	char start_of[64];

	snprintf(start_of, sizeof(start_of), "{\"error\":{\"code\":\"%s\",\"message\":\"", code);
	assert_memory_equal(buf_str(body), start_of, strlen(start_of));
	assert_non_null(strstr(buf_str(body), "\"param\":null}}"));
}

static void gzip_add(struct buf *out, struct slice plain)
{
	size_t cap = plain.n + 1024;
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)(uintptr_t)plain.p;
	z.avail_in = (uInt)plain.n;
	z.next_out = (unsigned char *)buf_extend(out, cap);
	z.avail_out = (uInt)cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_truncate(out, out->n - z.avail_out);
	deflateEnd(&z);
}

/* --- tests --- */

static void test_shows_what_was_sent(void **state)
{
	struct fixture f;
	struct talk t;

	(void)state;
	start(&f, &usual);
	talk_start(&t, &f);
	say(&t, "POST /a%20b/c?x=1%2B1&flag&y=%C3%A5+z&&x=2 HTTP/1.1\r\nHost: x\r\nX-Mark: hello\r\n"
		"Content-Length: 4\r\n\r\nbody");
	assert_int_equal(hear(&t), 200);
	assert_string_equal(buf_str(&t.body), "POST /a%20b/c x=1%2B1&flag&y=%C3%A5+z&&x=2 hello body");
	assert_non_null(strstr(buf_str(&t.head), "X-Arguments: 4\r\n"));
	assert_null(strstr(buf_str(&t.head), "Server:"));
	talk_end(&t);
	stop(&f);
}

static void see_arguments(void *ctx, struct server_request *rq)
{
	struct slice name = { 0 }, value = { 0 };
	bool *ok = ctx;

	*ok = server_argument(rq, "y", &value) && slice_is(value, "\xc3\xa5 z") && server_argument(rq, "x", &value) &&
	      slice_is(value, "1+1") && server_argument(rq, "flag", &value) && value.n == 0 &&
	      !server_argument(rq, "absent", &value) && server_argument_at(rq, 3, &name, &value) &&
	      slice_is(name, "x") && slice_is(value, "2") && !server_argument_at(rq, 4, &name, &value) &&
	      server_header_at(rq, 1, &name, &value) && slice_is(name, "X-Mark") && slice_is(value, "m") &&
	      !server_header_at(rq, 2, &name, &value) && server_header(rq, "x-none").n == 0;
	server_answer(rq, 204, NULL, slice_str(""), NULL, 0);
}

static void test_arguments_and_headers(void **state)
{
	struct fixture f = { 0 };
	struct fault fault;
	bool ok = false;

	(void)state;
	assert_int_equal(server_start(&usual, see_arguments, &ok, &f.server, &fault), 0);
	server_address(f.server, f.address, sizeof(f.address));
	assert_int_equal(ask(&f, "GET /?x=1%2B1&flag&y=%C3%A5+z&&x=2 HTTP/1.1\r\nHost: x\r\nX-Mark: m\r\n\r\n", NULL),
			 204);
	assert_true(ok);
	server_stop(&f.server);
}

static void test_keep_alive_and_pipelining(void **state)
{
	struct fixture f;
	struct talk t;
	char expected[40];

	(void)state;
	start(&f, &usual);
	talk_start(&t, &f);
	for (int i = 0; i < 3; i++) {
		say(&t, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
		assert_int_equal(hear(&t), 200);
	}
	say(&t, "POST /later?1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nA"
		"GET /race?2 HTTP/1.1\r\nHost: x\r\n\r\n"
		"GET /now?3 HTTP/1.1\r\nHost: x\r\n\r\n");
	static const char *const lines[] = { "POST /later 1  A", "GET /race 2  ", "GET /now 3  " };
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(hear(&t), 200);
		snprintf(expected, sizeof(expected), "%s", lines[i]);
		assert_string_equal(buf_str(&t.body), expected);
	}
	talk_end(&t);
	stop(&f);
}

static void test_chunked_body(void **state)
{
	struct fixture f;
	struct buf body;

	(void)state;
	start(&f, &usual);
	buf_init(&body, 1 << 20);
	assert_int_equal(ask(&f,
			     "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
			     "3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\n\r\n",
			     &body),
			 200);
	assert_string_equal(buf_str(&body), "POST /c   abcdefg");
	buf_free(&body);
	stop(&f);
}

static void test_too_large(void **state)
{
	struct fixture f;
	struct talk t;
	struct buf body, big;

	(void)state;
	start(&f, &usual);
	buf_init(&body, 1 << 20);
	/* Said in advance: refused before a byte of it. */
	assert_int_equal(ask(&f, "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 1099511627776\r\n\r\n", &body), 413);
	assert_error(&body, "too_large");
	/* A little too large, in chunks: borne to its end, then refused. */
	buf_init(&big, 1 << 20);
	buf_add_str(&big, "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n");
	memset(buf_extend(&big, BODY_MAX + 1), 'x', BODY_MAX + 1);
	buf_add_str(&big, "\r\n0\r\n\r\n");
	assert_int_equal(ask(&f, buf_str(&big), &body), 413);
	assert_error(&body, "too_large");
	/* Exactly the bound is fine. */
	buf_reset(&big);
	memset(buf_extend(&big, BODY_MAX), 'x', BODY_MAX);
	assert_int_equal(post(&f, "", buf_slice(&big), &body), 200);
	/* An endless one is cut, with an answer. */
	talk_start(&t, &f);
	say(&t, "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n");
	while (wire_send(t.fd, buf_slice(&big)))
		;
	assert_int_equal(hear(&t), 413);
	assert_error(&t.body, "too_large");
	assert_true(wire_closed(t.fd));
	talk_end(&t);
	assert_int_equal(f.handled, 1);
	buf_free(&big);
	buf_free(&body);
	stop(&f);
}

static void test_gzip(void **state)
{
	struct fixture f;
	struct buf packed, body;

	(void)state;
	start(&f, &usual);
	buf_init(&packed, 1 << 20);
	buf_init(&body, 1 << 20);
	gzip_add(&packed, slice_str("hello, "));
	gzip_add(&packed, slice_str("gzip")); /* two members are one body */
	assert_int_equal(post(&f, "Content-Encoding: gzip\r\n", buf_slice(&packed), &body), 200);
	assert_string_equal(buf_str(&body), "POST /p   hello, gzip");
	/* Cut short, with trailing rubbish, not gzip at all. */
	assert_int_equal(post(&f, "Content-Encoding: gzip\r\n", slice_of(packed.p, packed.n - 3), &body), 400);
	assert_error(&body, "invalid_body");
	buf_add_str(&packed, "rubbish");
	assert_int_equal(post(&f, "Content-Encoding: X-GZIP\r\n", buf_slice(&packed), &body), 400);
	assert_int_equal(post(&f, "Content-Encoding: gzip\r\n", slice_str("plain text"), &body), 400);
	assert_error(&body, "invalid_body");
	assert_int_equal(post(&f, "Content-Encoding: br\r\n", slice_str("x"), &body), 415);
	assert_error(&body, "unsupported_encoding");
	assert_int_equal(post(&f, "Content-Encoding: identity\r\n", slice_str("x"), &body), 200);
	assert_int_equal(f.handled, 2);
	buf_free(&packed);
	buf_free(&body);
	stop(&f);
}

static void test_gzip_bomb(void **state)
{
	struct fixture f;
	struct buf packed, body;
	size_t n = 16 << 20;
	char *zeros = mem_zalloc(n);

	(void)state;
	start(&f, &usual);
	buf_init(&packed, 32 << 20);
	buf_init(&body, 1 << 20);
	gzip_add(&packed, slice_of(zeros, n));
	assert_true(packed.n < BODY_MAX);
	assert_int_equal(post(&f, "Content-Encoding: gzip\r\n", buf_slice(&packed), &body), 413);
	assert_error(&body, "too_large");
	buf_reset(&packed);
	gzip_add(&packed, slice_of(zeros, BODY_MAX)); /* exactly the bound is fine */
	assert_int_equal(post(&f, "Content-Encoding: gzip\r\n", buf_slice(&packed), &body), 200);
	buf_reset(&packed);
	gzip_add(&packed, slice_of(zeros, BODY_MAX + 1));
	assert_int_equal(post(&f, "Content-Encoding: gzip\r\n", buf_slice(&packed), &body), 413);
	mem_free(zeros);
	buf_free(&packed);
	buf_free(&body);
	stop(&f);
}

/* Says that a body of n bytes comes, and sends the first `now` of them. */
static void begin_post(struct talk *t, const struct fixture *f, const char *path, size_t n, size_t now)
{
	char *bytes = mem_alloc(now);
	struct buf head;

	memset(bytes, 'a', now);
	buf_init(&head, 4096);
	buf_addf(&head, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", path, n);
	talk_start(t, f);
	say(t, buf_str(&head));
	wire_send(t->fd, slice_of(bytes, now));
	buf_free(&head);
	mem_free(bytes);
}

/*
 * While one body holds most of the room a second one is refused; returns what became of the first one, which may
 * itself be the one that found no room while both were on their way: nobody can say which bytes arrive first.
 */
static int one_of_two(const struct fixture *f)
{
	struct talk first, second;
	int status;

	begin_post(&first, f, "/p", BODY_MAX, BODY_MAX - 1);
	do {
		begin_post(&second, f, "/p", BODY_MAX - 1, BODY_MAX - 1);
		status = hear(&second);
		assert_true(status == 200 || status == 503);
		if (status == 503) {
			assert_error(&second.body, "busy");
			assert_non_null(strstr(buf_str(&second.head), "Retry-After: 1\r\n"));
		}
		talk_end(&second);
	} while (status == 200); /* the first one's bytes had not arrived yet */
	say(&first, "a");
	status = hear(&first);
	talk_end(&first);
	return status;
}

/*
 * Whoever reaches the port could once make the server hold the largest body on every one of
 * its connections, with a few kilobytes of gzip each and without a key. Now all bodies share
 * one sum: while one holds most of it a second one is refused and told to come again, and
 * when the first has ended there is room again.
 */
static void test_bodies_share_one_sum(void **state)
{
	struct server_options tight = usual;
	struct talk next;
	struct fixture f;
	int status;

	(void)state;
	tight.bodies_max = BODY_MAX + BODY_MAX / 2;
	start(&f, &tight);
	while ((status = one_of_two(&f)) != 200)
		assert_int_equal(status, 503);
	do { /* until it is gone */
		begin_post(&next, &f, "/p", BODY_MAX - 1, BODY_MAX - 1);
		status = hear(&next);
		talk_end(&next);
	} while (status != 200);
	stop(&f);
}

static bool wants(void *ctx, struct server_request *rq)
{
	struct fixture *f = ctx;

	pthread_mutex_lock(&f->lock);
	f->screened++;
	pthread_mutex_unlock(&f->lock);
	return !slice_is(server_path(rq), "/stranger");
}

/* A stranger's large body is not kept: the handler gets an empty one. Nobody is asked about small ones. */
static void test_screen(void **state)
{
	struct server_options screening = usual;
	struct fixture f;
	struct talk t;

	(void)state;
	screening.screen = wants;
	start(&f, &screening);
	begin_post(&t, &f, "/stranger", SERVER_UNSCREENED, SERVER_UNSCREENED);
	assert_int_equal(hear(&t), 200);
	assert_int_equal(t.body.n, strlen("POST /stranger   ") + SERVER_UNSCREENED);
	talk_end(&t);
	assert_int_equal(f.screened, 0);
	begin_post(&t, &f, "/stranger", SERVER_UNSCREENED + 1, SERVER_UNSCREENED + 1);
	assert_int_equal(hear(&t), 200);
	assert_string_equal(buf_str(&t.body), "POST /stranger   ");
	talk_end(&t);
	begin_post(&t, &f, "/friend", SERVER_UNSCREENED + 1, SERVER_UNSCREENED + 1);
	assert_int_equal(hear(&t), 200);
	assert_int_equal(t.body.n, strlen("POST /friend   ") + SERVER_UNSCREENED + 1);
	talk_end(&t);
	assert_int_equal(f.screened, 2);
	stop(&f);
}

#define CHUNKED "Transfer-Encoding: chunked\r\n"

/* What a proxy before us could read differently. */
static void test_smuggling_is_refused(void **state)
{
	static const char *const heads[] = {
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: x\r\n" CHUNKED CHUNKED "\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n",
		"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /\xc3\xa5 HTTP/1.1\r\nHost: x\r\n\r\n",
	};
	struct fixture f;
	struct talk t;

	(void)state;
	start(&f, &usual);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		talk_start(&t, &f);
		say(&t, heads[i]);
		assert_int_equal(hear(&t), 400);
		assert_true(wire_closed(t.fd));
		talk_end(&t);
	}
	assert_int_equal(f.handled, 0);
	stop(&f);
}

static void test_answers_from_another_thread(void **state)
{
	struct fixture f;
	struct buf body;

	(void)state;
	start(&f, &usual);
	buf_init(&body, 1 << 20);
	for (int i = 0; i < 200; i++) {
		const char *path =
			i % 2 ? "GET /race HTTP/1.1\r\nHost: x\r\n\r\n" : "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";

		assert_int_equal(ask(&f, path, &body), 200);
	}
	buf_free(&body);
	stop(&f);
}

static size_t collect(char *p, size_t size, size_t n, void *out)
{
	buf_add(out, p, size * n);
	return size * n;
}

static void curl_setup(CURL *easy, const char *url, struct buf *out)
{
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, 60L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, out);
}

/* 200 requests that all wait, each with a connection of its own on three workers; then all of them are answered. */
static void test_many_at_once(void **state)
{
	enum { MANY = 200 };
	struct fixture f;
	struct buf out[MANY];
	CURL *easy[MANY];
	CURLM *multi;
	int running = MANY, left;
	bool held = true;
	char url[100];

	(void)state;
	start(&f, &usual);
	hold(&f, true);
	multi = curl_multi_init();
	snprintf(url, sizeof(url), "http://%s/later?n=1", f.address);
	for (int i = 0; i < MANY; i++) {
		buf_init(&out[i], 1000);
		easy[i] = curl_easy_init();
		curl_setup(easy[i], url, &out[i]);
		curl_easy_setopt(easy[i], CURLOPT_COPYPOSTFIELDS, "payload");
		curl_multi_add_handle(multi, easy[i]);
	}
	while (running > 0) {
		assert_int_equal(curl_multi_perform(multi, &running), CURLM_OK);
		pthread_mutex_lock(&f.lock);
		if (held && f.waiting == MANY) {
			held = f.hold = false;
			pthread_cond_broadcast(&f.moved);
		}
		pthread_mutex_unlock(&f.lock);
		curl_multi_poll(multi, NULL, 0, held ? 10 : 1000, NULL);
	}
	for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));)
		assert_int_equal(m->data.result, CURLE_OK);
	for (int i = 0; i < MANY; i++) {
		assert_string_equal(buf_str(&out[i]), "POST /later n=1  payload");
		curl_multi_remove_handle(multi, easy[i]);
		curl_easy_cleanup(easy[i]);
		buf_free(&out[i]);
	}
	curl_multi_cleanup(multi);
	stop(&f);
}

struct stopper {
	struct fixture *f;
	_Atomic bool done;
};

static void *stopper_main(void *arg)
{
	struct stopper *s = arg;

	stop(s->f);
	s->done = true;
	return NULL;
}

/* A request under way is answered, idle connections are closed, half a request is dropped, newcomers are refused. */
static void test_stop(void **state)
{
	struct fixture f;
	struct stopper s = { &f, false };
	struct talk idle, waiting, half;
	pthread_t thread;

	(void)state;
	start(&f, &usual);
	hold(&f, true);
	talk_start(&idle, &f);
	say(&idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(hear(&idle), 200);
	talk_start(&half, &f);
	say(&half, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
	talk_start(&waiting, &f);
	say(&waiting, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
	await_waiting(&f, 1);
	server_quiesce(f.server);
	assert_int_equal(wire_connect(f.address), -1);
	/* Those inside are still served. */
	say(&idle, "GET /again HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(hear(&idle), 200);
	pthread_create(&thread, NULL, stopper_main, &s);
	assert_false(s.done);
	hold(&f, false);
	assert_int_equal(hear(&waiting), 200);
	assert_true(wire_closed(idle.fd));
	assert_true(wire_closed(half.fd));
	pthread_join(thread, NULL);
	assert_true(s.done);
	talk_end(&idle);
	talk_end(&half);
	talk_end(&waiting);
}

/* Beyond connections_max a client waits in the backlog and is served as soon as another one leaves. */
static void test_connections_max(void **state)
{
	struct server_options few = usual;
	struct fixture f;
	struct talk inside[2], outside;
	struct timeval moment = { .tv_usec = 100000 }, long_time = { .tv_sec = WIRE_TIMEOUT_S };
	char byte;

	(void)state;
	few.connections_max = 2;
	start(&f, &few);
	for (int i = 0; i < 2; i++) {
		talk_start(&inside[i], &f);
		say(&inside[i], "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
		assert_int_equal(hear(&inside[i]), 200);
	}
	talk_start(&outside, &f);
	say(&outside, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	setsockopt(outside.fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment));
	assert_int_equal(recv(outside.fd, &byte, 1, MSG_PEEK), -1);
	setsockopt(outside.fd, SOL_SOCKET, SO_RCVTIMEO, &long_time, sizeof(long_time));
	talk_end(&inside[0]);
	assert_int_equal(hear(&outside), 200);
	talk_end(&inside[1]);
	talk_end(&outside);
	stop(&f);
}

static void test_idle_timeout(void **state)
{
	struct server_options quick = usual;
	struct fixture f;
	struct talk t;

	(void)state;
	quick.idle_timeout_s = 1;
	start(&f, &quick);
	talk_start(&t, &f);
	say(&t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(hear(&t), 200);
	assert_true(wire_closed(t.fd));
	talk_end(&t);
	stop(&f);
}

static void test_address_faults(void **state)
{
	static const char *const wrong[] = {
		"",	  "8420", "localhost:8420", "127.0.0.1",    "127.0.0.1:65536", "127.0.0.1:-1",
		"::1:80", "[::1", "[zz]:80",	    "127.0.0.1:80x"
	};
	struct server_options o = usual;
	struct server *other = NULL;
	struct fixture f;
	struct fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		o.address = wrong[i];
		assert_int_equal(server_start(&o, handle, NULL, &other, &fault), ERR_INVALID);
		assert_null(other);
		assert_non_null(strstr(fault.message, "write numbers"));
	}
	start(&f, &usual);
	o.address = f.address;
	assert_int_equal(server_start(&o, handle, NULL, &other, &fault), ERR_SYSTEM);
	assert_non_null(strstr(fault.message, f.address));
	assert_non_null(strstr(fault.message, "choose another port"));
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shows_what_was_sent),
		cmocka_unit_test(test_arguments_and_headers),
		cmocka_unit_test(test_keep_alive_and_pipelining),
		cmocka_unit_test(test_chunked_body),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_gzip_bomb),
		cmocka_unit_test(test_bodies_share_one_sum),
		cmocka_unit_test(test_screen),
		cmocka_unit_test(test_smuggling_is_refused),
		cmocka_unit_test(test_answers_from_another_thread),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_connections_max),
		cmocka_unit_test(test_idle_timeout),
		cmocka_unit_test(test_address_faults),
	};
	int rc;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	curl_global_cleanup();
	return rc;
}
