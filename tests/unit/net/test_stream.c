/*
 * Streamed answers on loopback with raw sockets. The test itself is the writer; the handler only begins a stream for
 * each request, at once or (for /later) when the test says so, and hands it over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/server.h"
#include "wire.h"

#define STREAMS	    128
#define PATIENCE_US INT64_C(20000000)
#define ASK	    "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define PIECE	    ((size_t)8 * 1024)

struct fixture {
	struct server *server;
	char address[64];
	pthread_mutex_t lock;
	pthread_cond_t came;
	struct server_stream *streams[STREAMS];
	struct server_request *held;
	size_t count;
};

static void add(struct fixture *f, struct server_stream *st)
{
	pthread_mutex_lock(&f->lock);
	f->streams[f->count++] = st;
	pthread_cond_broadcast(&f->came);
	pthread_mutex_unlock(&f->lock);
}

static void handle(void *ctx, struct server_request *rq)
{
	static const struct server_header_out header = { "X-Stream", "yes" };
	struct fixture *f = ctx;

	if (!slice_is(server_path(rq), "/later")) {
		add(f, server_stream_begin(rq, 200, "text/event-stream", &header, 1));
		return;
	}
	pthread_mutex_lock(&f->lock);
	f->held = rq;
	pthread_cond_broadcast(&f->came);
	pthread_mutex_unlock(&f->lock);
}

static void start(struct fixture *f, int idle_timeout_s)
{
	struct server_options o = { .address = "127.0.0.1:0",
				    .threads = 2,
				    .body_max = 1024,
				    .connections_max = 200,
				    .idle_timeout_s = idle_timeout_s };
	struct fault fault;

	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->came, NULL);
	assert_int_equal(server_start(&o, handle, f, &f->server, &fault), 0);
	server_address(f->server, f->address, sizeof(f->address));
}

static void stop(struct fixture *f)
{
	for (size_t i = 0; i < f->count; i++)
		server_stream_end(&f->streams[i]);
	server_stop(&f->server);
	pthread_cond_destroy(&f->came);
	pthread_mutex_destroy(&f->lock);
}

/* A client that asked, once its stream has begun. */
static int ask(struct fixture *f)
{
	size_t had = f->count;
	int fd = wire_connect(f->address);

	assert_true(fd >= 0 && wire_send(fd, SLICE_LIT(ASK)));
	pthread_mutex_lock(&f->lock);
	while (f->count == had)
		pthread_cond_wait(&f->came, &f->lock);
	pthread_mutex_unlock(&f->lock);
	return fd;
}

/* Reads until this text has come; false when the connection ends before. */
static bool hear(int fd, struct buf *in, const char *text)
{
	char chunk[16384];

	while (!strstr(buf_str(in), text)) {
		ssize_t n = recv(fd, chunk, sizeof(chunk), 0);

		if (n <= 0)
			return false;
		buf_add(in, chunk, (size_t)n);
	}
	return true;
}

static bool put(struct server_stream *st, const char *text)
{
	struct blob *b = blob_new(slice_str(text));
	bool ok = server_stream_write(st, b);

	assert_int_equal(ok, server_stream_alive(st));
	blob_unref(&b);
	return ok;
}

static struct blob *piece(void)
{
	char *bytes = mem_alloc(PIECE);
	struct blob *b;

	memset(bytes, 'x', PIECE);
	b = blob_new(slice_of(bytes, PIECE));
	mem_free(bytes);
	return b;
}

static void await_gone(struct server_stream *st)
{
	int64_t until = clock_mono_us() + PATIENCE_US;

	while (server_stream_alive(st)) {
		assert_true(clock_mono_us() < until);
		poll(NULL, 0, 2);
	}
}

/* --- */

static void test_comes_as_written(void **state)
{
	struct fixture f;
	struct buf in;
	int fd;

	(void)state;
	start(&f, 30);
	fd = ask(&f);
	buf_init(&in, 1 << 20);
	assert_true(put(f.streams[0], "one "));
	assert_true(hear(fd, &in, "one "));
	assert_non_null(strstr(buf_str(&in), "X-Stream: yes\r\n"));
	assert_non_null(strstr(buf_str(&in), "Content-Type: text/event-stream\r\n"));
	assert_non_null(strstr(buf_str(&in), "Transfer-Encoding: chunked\r\n"));
	assert_true(put(f.streams[0], "two"));
	assert_true(hear(fd, &in, "two"));
	server_stream_end(&f.streams[0]);
	assert_true(hear(fd, &in, "\r\n0\r\n\r\n"));
	/* The connection is as good as before. */
	assert_true(wire_send(fd, SLICE_LIT(ASK)));
	buf_reset(&in);
	assert_true(hear(fd, &in, "\r\n\r\n"));
	close(fd);
	buf_free(&in);
	stop(&f);
}

static void test_begun_later(void **state)
{
	struct fixture f;
	struct buf in;
	int fd;

	(void)state;
	start(&f, 30);
	fd = wire_connect(f.address);
	assert_true(wire_send(fd, SLICE_LIT("GET /later HTTP/1.1\r\nHost: x\r\n\r\n")));
	pthread_mutex_lock(&f.lock);
	while (!f.held)
		pthread_cond_wait(&f.came, &f.lock);
	pthread_mutex_unlock(&f.lock);
	add(&f, server_stream_begin(f.held, 200, NULL, NULL, 0));
	assert_true(put(f.streams[0], "at last"));
	buf_init(&in, 1 << 20);
	assert_true(hear(fd, &in, "at last"));
	close(fd);
	buf_free(&in);
	stop(&f);
}

/* One piece of memory, a hundred readers, in several turns. */
static void test_shared(void **state)
{
	struct fixture f;
	struct blob *b = blob_new(SLICE_LIT("to all, "));
	struct buf in;
	int fds[100];

	(void)state;
	start(&f, 30);
	for (int i = 0; i < 100; i++)
		fds[i] = ask(&f);
	for (int turn = 0; turn < 3; turn++)
		for (int i = 0; i < 100; i++)
			assert_true(server_stream_write(f.streams[i], b));
	for (int i = 0; i < 100; i++) {
		server_stream_end(&f.streams[i]);
		buf_init(&in, 1 << 20);
		assert_true(hear(fds[i], &in, "\r\n0\r\n\r\n"));
		close(fds[i]);
		buf_free(&in);
	}
	assert_int_equal(atomic_load(&b->refs), 1);
	blob_unref(&b);
	stop(&f);
}

/* The writer is told at once, holds no more than it may, and the other reader does not notice. */
static void test_who_does_not_read_is_cut(void **state)
{
	struct fixture f;
	struct blob *b = piece();
	size_t given = 0;
	struct buf in;
	char byte;
	int idle, fd;

	(void)state;
	start(&f, 30);
	idle = ask(&f);
	fd = ask(&f);
	while (server_stream_write(f.streams[0], b)) {
		given += PIECE;
		assert_true(given < 64u << 20);
	}
	assert_false(server_stream_alive(f.streams[0]));
	assert_false(server_stream_write(f.streams[0], b));
	buf_init(&in, 1 << 20);
	assert_true(put(f.streams[1], "still here"));
	assert_true(hear(fd, &in, "still here"));
	/* What waited in the kernel was thrown away with the connection: a reset, no end of file. */
	await_gone(f.streams[0]);
	while (recv(idle, &byte, 1, MSG_TRUNC) > 0)
		;
	close(idle);
	close(fd);
	server_stream_end(&f.streams[0]);
	server_stream_end(&f.streams[1]);
	stop(&f); /* waits until nobody has it any more */
	assert_int_equal(atomic_load(&b->refs), 1);
	blob_unref(&b);
	buf_free(&in);
}

static void test_client_leaves(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	start(&f, 30);
	fd = ask(&f);
	assert_true(put(f.streams[0], "hello"));
	close(fd);
	await_gone(f.streams[0]);
	assert_false(put(f.streams[0], "nobody"));
	stop(&f);
}

/* The idle time-out is for clients that owe a request. */
static void test_rests_longer_than_idle(void **state)
{
	int64_t until = clock_mono_us() + INT64_C(2300000);
	struct fixture f;
	struct buf in;
	int fd;

	(void)state;
	start(&f, 1);
	fd = ask(&f);
	while (clock_mono_us() < until)
		poll(NULL, 0, 50);
	assert_true(put(f.streams[0], "rested"));
	buf_init(&in, 1 << 20);
	assert_true(hear(fd, &in, "rested"));
	close(fd);
	buf_free(&in);
	stop(&f);
}

static void test_head(void **state)
{
	struct fixture f;
	struct buf in;
	int fd;

	(void)state;
	start(&f, 30);
	fd = wire_connect(f.address);
	assert_true(wire_send(fd, SLICE_LIT("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")));
	buf_init(&in, 1 << 20);
	assert_true(hear(fd, &in, "\r\n\r\n"));
	await_gone(f.streams[0]);
	close(fd);
	buf_free(&in);
	stop(&f);
}

/* server_stop ends although a reader has not read what was given. */
static void test_stop(void **state)
{
	struct fixture f;
	struct blob *b = piece();
	struct buf in;
	int fd, idle;

	(void)state;
	start(&f, 30);
	fd = ask(&f);
	idle = ask(&f);
	assert_true(server_stream_write(f.streams[1], b));
	server_stream_end(&f.streams[0]);
	server_stream_end(&f.streams[1]);
	server_stop(&f.server);
	buf_init(&in, 1 << 20);
	assert_true(hear(fd, &in, "\r\n0\r\n\r\n"));
	close(fd);
	close(idle);
	stop(&f);
	blob_unref(&b);
	buf_free(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_as_written),
		cmocka_unit_test(test_begun_later),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_who_does_not_read_is_cut),
		cmocka_unit_test(test_client_leaves),
		cmocka_unit_test(test_rests_longer_than_idle),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
