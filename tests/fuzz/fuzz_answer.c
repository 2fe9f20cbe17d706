/*
 * Any bytes as a receiver's answer, through the real client over loopback. The first two bytes of the input say how the
 * rest comes: in one piece or two, and whether the connection is closed behind it. Everything runs on one thread: the
 * receiver is looked after between two turns of the client's loop.
 *
 * Then the same peer sends a second request, which is answered properly. Its answer must be that one, to the byte:
 * nothing of the first may be taken for it.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PROPER "HTTP/1.1 299 Proper\r\nContent-Length: 6\r\n\r\nproper"
/* So many turns after the last byte without an end, and the receiver closes. */
#define PATIENCE 3

struct receiver {
	int listener, fd; /* fd -1: nobody is there */
	bool asked;	  /* the request has come */
	struct slice pieces[2];
	size_t sent, turns;
	bool close;
};

struct told {
	int count;
	bool good, proper;
};

struct rig {
	uv_loop_t loop;
	struct guard *guard;
	struct client *client;
	struct receiver receiver;
	char url[64];
	bool closed;
};

static void receiver_hang_up(struct receiver *r)
{
	struct linger at_once = { .l_onoff = 1 };

	if (r->fd < 0)
		return;
	/* A reset leaves no TIME_WAIT behind: thousands of them a second would use up the ports. */
	setsockopt(r->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(r->fd);
	r->fd = -1;
}

static void receiver_accept(struct receiver *r)
{
	int fd = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	receiver_hang_up(r);
	r->fd = fd;
}

static void receiver_ask(struct receiver *r)
{
	char request[4096];
	ssize_t n = r->fd < 0 ? -1 : recv(r->fd, request, sizeof(request), 0);

	r->asked |= n > 0;
}

/* One piece a turn, so that the client sees them apart. */
static void receiver_turn(struct receiver *r)
{
	if (!r->asked) {
		receiver_accept(r);
		receiver_ask(r);
	}
	if (!r->asked)
		return;
	if (r->sent < 2) {
		const struct slice *piece = &r->pieces[r->sent++];

		/* The client may have gone: what was wrong in the first piece was enough for it. */
		if (piece->n > 0)
			(void)!send(r->fd, piece->p, piece->n, MSG_NOSIGNAL);
	} else if (r->close || ++r->turns > PATIENCE) {
		shutdown(r->fd, SHUT_WR);
	}
}

static void check_headers(struct slice block)
{
	assert(block.n <= HTTP_HEADERS_MAX);
	for (size_t i = 0; i < block.n; i++) {
		uint8_t c = (uint8_t)block.p[i];

		if (c == '\r')
			assert(i + 1 < block.n && block.p[i + 1] == '\n');
		else if (c == '\n')
			assert(i > 0 && block.p[i - 1] == '\r');
		else
			assert(c >= ' ' || c == '\t');
		assert(c != 0x7f);
	}
	assert(block.n == 0 || block.p[block.n - 1] == '\n');
}

static void on_done(void *ctx, const struct http_answer *answer)
{
	struct told *t = ctx;

	t->count++;
	t->good = answer->failure == FAILURE_NONE;
	check_headers(answer->headers);
	assert(answer->body.n <= HTTP_BODY_MAX);
	assert(answer->status == 0 || (answer->status >= 200 && answer->status <= 599));
	assert(t->good == (answer->reason.n == 0) && (!t->good || answer->status != 0));
	for (size_t i = 0; i < answer->reason.n; i++)
		assert((uint8_t)answer->reason.p[i] >= ' ' && (uint8_t)answer->reason.p[i] != 0x7f);
	assert(!answer->tls_key_known && answer->timings.total >= 0);
	t->proper = t->good && answer->status == 299 && slice_is(answer->body, "proper") &&
		    slice_is(answer->headers, "Content-Length: 6\r\n");
}

static struct told exchange(struct rig *rig, struct client_peer *p, struct slice first, struct slice second, bool close)
{
	struct http_request request = { .method = HTTP_POST, .url = slice_str(rig->url), .body = SLICE_LIT("x") };
	struct receiver *r = &rig->receiver;
	struct told t = { 0 };

	*r = (struct receiver){ r->listener, r->fd, .pieces = { first, second }, .close = close };
	client_send(p, &request, on_done, &t);
	assert(t.count == 0);
	while (t.count == 0) {
		uv_run(&rig->loop, UV_RUN_NOWAIT);
		receiver_turn(r);
	}
	assert(t.count == 1);
	return t;
}

static void rig_open(struct rig *rig)
{
	struct client_options options = { .dns_servers = "127.0.0.1:9" };
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(address);
	struct buf url;

	uv_loop_init(&rig->loop);
	options.guard = rig->guard = guard_new();
	assert(guard_allow_net(rig->guard, SLICE_LIT("127.0.0.0/8"), NULL) == 0);
	assert(client_new(&rig->loop, &options, &rig->client, NULL) == 0);
	rig->receiver.fd = -1;
	rig->receiver.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert(bind(rig->receiver.listener, (const struct sockaddr *)&address, n) == 0);
	assert(listen(rig->receiver.listener, 8) == 0);
	assert(getsockname(rig->receiver.listener, (struct sockaddr *)&address, &n) == 0);
	buf_init(&url, sizeof(rig->url));
	buf_addf(&url, "http://127.0.0.1:%u/", ntohs(address.sin_port));
	slice_copy(rig->url, sizeof(rig->url), buf_slice(&url));
	buf_free(&url);
}

static void on_closed(void *ctx)
{
	*(bool *)ctx = true;
}

static void rig_close(struct rig *rig)
{
	receiver_hang_up(&rig->receiver);
	close(rig->receiver.listener);
	client_close(&rig->client, on_closed, &rig->closed);
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	assert(rig->closed && uv_loop_close(&rig->loop) == 0);
	guard_free(&rig->guard);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_peer settings = { .tls_min = 12, .timeout_ms = 5000, .connections_max = 1 };
	struct slice rest = slice_of(data, size), proper = SLICE_LIT(PROPER), none = SLICE_LIT("");
	struct rig rig = { 0 };
	struct client_peer *p;
	size_t cut;

	if (size < 2)
		return 0;
	rest = slice_from(rest, 2);
	cut = data[1] < rest.n ? data[1] : rest.n;
	rig_open(&rig);
	p = client_peer_new(rig.client, &settings);
	exchange(&rig, p, slice_of(rest.p, cut), slice_from(rest, cut), data[0] & 1);
	assert(exchange(&rig, p, proper, none, false).proper);
	client_peer_free(&p);
	rig_close(&rig);
	return 0;
}
