/*
 * One struct visit a connection. A request is whole when its Content-Length
 * is there; then its play is written, and perhaps the connection closed.
 */
#include "receiver.h"

#include <assert.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"

#define REQUEST_MAX (8 * 1024 * 1024)

struct receiver {
	uv_tcp_t tcp;
	const struct play *plays;
	size_t count, requests, connections, open;
	struct buf last;
	struct list visits;
	bool closing;
};

struct visit {
	struct list link;
	uv_tcp_t tcp;
	uv_timer_t timer;
	struct receiver *receiver;
	struct buf in, out;
	size_t dripped;
	enum play_end end;
	const char *late;
	unsigned drip_ms;
	int handles;
};

struct sending {
	uv_write_t write;
	char *bytes;
	enum play_end end;
	struct visit *visit;
};

static void receiver_gone(struct receiver *r)
{
	if (!r->closing || r->open > 0 || uv_is_active((uv_handle_t *)&r->tcp))
		return;
	buf_free(&r->last);
	mem_free(r);
}

static void on_visit_closed(uv_handle_t *handle)
{
	struct visit *v = handle->data;
	struct receiver *r = v->receiver;

	if (--v->handles > 0)
		return;
	buf_free(&v->in);
	buf_free(&v->out);
	mem_free(v);
	r->open--;
	receiver_gone(r);
}

static void visit_close(struct visit *v, bool reset)
{
	if (uv_is_closing((uv_handle_t *)&v->tcp))
		return;
	list_del(&v->link);
	uv_close((uv_handle_t *)&v->timer, on_visit_closed);
	if (!reset || uv_tcp_close_reset(&v->tcp, on_visit_closed) != 0)
		uv_close((uv_handle_t *)&v->tcp, on_visit_closed);
}

static void on_written(uv_write_t *write, int status)
{
	struct sending *s = CONTAINER_OF(write, struct sending, write);

	if (status == 0 && s->end == PLAY_CLOSE)
		visit_close(s->visit, false);
	if (status == 0 && s->end == PLAY_RESET)
		visit_close(s->visit, true);
	mem_free(s->bytes);
	mem_free(s);
}

static void visit_write(struct visit *v, const char *bytes, size_t n, enum play_end end)
{
	struct sending *s = mem_zalloc(sizeof(*s));
	uv_buf_t buf;

	s->bytes = mem_dup(n ? bytes : "", n ? n : 1);
	s->end = end;
	s->visit = v;
	buf = uv_buf_init(s->bytes, (unsigned)n);
	if (uv_write(&s->write, (uv_stream_t *)&v->tcp, &buf, 1, on_written) != 0) {
		mem_free(s->bytes);
		mem_free(s);
	}
}

static void on_drip(uv_timer_t *timer)
{
	struct visit *v = timer->data;

	if (v->dripped == v->out.n) {
		uv_timer_stop(timer);
		return;
	}
	visit_write(v, v->out.p + v->dripped, 1, PLAY_KEEP);
	v->dripped++;
}

static void visit_play(struct visit *v, const struct play *play)
{
	v->late = play->late;
	buf_reset(&v->out);
	buf_add_str(&v->out, play->head);
	for (size_t i = 0; i < play->fill; i++)
		buf_add_char(&v->out, 'x');
	buf_add_str(&v->out, play->tail ? play->tail : "");
	if (play->drip_ms) {
		v->dripped = 0;
		uv_timer_start(&v->timer, on_drip, play->drip_ms, play->drip_ms);
	} else if (v->out.n > 0 || play->end != PLAY_KEEP) {
		visit_write(v, v->out.p, v->out.n, play->end);
	}
}

/* The length of the whole request at the front of in, 0 while some is missing. */
static size_t request_length(const struct buf *in)
{
	const char *end = in->n ? memmem(in->p, in->n, "\r\n\r\n", 4) : NULL;
	const char *length;
	size_t head, body = 0;

	if (!end)
		return 0;
	head = (size_t)(end - in->p) + 4;
	length = memmem(in->p, head, "Content-Length: ", 16);
	if (length)
		body = strtoul(length + 16, NULL, 10);
	return in->n >= head + body ? head + body : 0;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct visit *v = stream->data;
	struct receiver *r = v->receiver;
	size_t length;

	if (n > 0)
		buf_add(&v->in, buf->base, (size_t)n);
	free(buf->base);
	if (n < 0) {
		visit_close(v, false);
		return;
	}
	while ((length = request_length(&v->in))) {
		size_t at = r->requests < r->count ? r->requests : r->count - 1;

		buf_reset(&r->last);
		buf_add(&r->last, v->in.p, length);
		r->requests++;
		memmove(v->in.p, v->in.p + length, v->in.n - length);
		buf_truncate(&v->in, v->in.n - length);
		visit_play(v, &r->plays[at]);
	}
}

static void on_alloc(uv_handle_t *handle, size_t n, uv_buf_t *buf)
{
	(void)handle;
	*buf = uv_buf_init(malloc(n), (unsigned)n);
}

static void on_connection(uv_stream_t *server, int status)
{
	struct receiver *r = server->data;
	struct visit *v = mem_zalloc(sizeof(*v));

	assert(status == 0);
	v->receiver = r;
	v->handles = 2;
	buf_init(&v->in, REQUEST_MAX);
	buf_init(&v->out, REQUEST_MAX);
	uv_tcp_init(server->loop, &v->tcp);
	uv_timer_init(server->loop, &v->timer);
	v->tcp.data = v->timer.data = v;
	uv_accept(server, (uv_stream_t *)&v->tcp);
	uv_read_start((uv_stream_t *)&v->tcp, on_alloc, on_read);
	list_push(&r->visits, &v->link);
	r->connections++;
	r->open++;
}

static struct receiver *receiver_at(uv_loop_t *loop, const struct sockaddr *address, const struct play *plays,
				    size_t count)
{
	struct receiver *r = mem_zalloc(sizeof(*r));

	r->plays = plays;
	r->count = count;
	buf_init(&r->last, REQUEST_MAX);
	list_init(&r->visits);
	uv_tcp_init(loop, &r->tcp);
	r->tcp.data = r;
	assert(uv_tcp_bind(&r->tcp, address, 0) == 0);
	assert(uv_listen((uv_stream_t *)&r->tcp, 128, on_connection) == 0);
	return r;
}

struct receiver *receiver_new(uv_loop_t *loop, const struct play *plays, size_t count)
{
	struct sockaddr_in address;

	uv_ip4_addr("127.0.0.1", 0, &address);
	return receiver_at(loop, (const struct sockaddr *)&address, plays, count);
}

struct receiver *receiver_new_v6(uv_loop_t *loop, const struct play *plays, size_t count)
{
	struct sockaddr_in6 address;

	uv_ip6_addr("::1", 0, &address);
	return receiver_at(loop, (const struct sockaddr *)&address, plays, count);
}

void receiver_say_late(struct receiver *r)
{
	LIST_EACH (it, &r->visits) {
		struct visit *v = CONTAINER_OF(it, struct visit, link);

		if (v->late)
			visit_write(v, v->late, strlen(v->late), PLAY_KEEP);
		v->late = NULL;
	}
}

static void on_closed(uv_handle_t *handle)
{
	receiver_gone(handle->data);
}

void receiver_free(struct receiver **r)
{
	LIST_EACH (it, &(*r)->visits) {
		visit_close(CONTAINER_OF(it, struct visit, link), false);
	}
	(*r)->closing = true;
	uv_close((uv_handle_t *)&(*r)->tcp, on_closed);
	*r = NULL;
}

uint16_t receiver_port(const struct receiver *r)
{
	struct sockaddr_in6 address; /* where the port of IPv4 has the same place */
	int n = sizeof(address);

	uv_tcp_getsockname(&r->tcp, (struct sockaddr *)&address, &n);
	return ntohs(address.sin6_port);
}

size_t receiver_requests(const struct receiver *r)
{
	return r->requests;
}

size_t receiver_connections(const struct receiver *r)
{
	return r->connections;
}

size_t receiver_open(const struct receiver *r)
{
	return r->open;
}

struct slice receiver_last(const struct receiver *r)
{
	return buf_slice(&r->last);
}
