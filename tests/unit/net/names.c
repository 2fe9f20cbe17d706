/*
 * Only what a stub resolver asks: one question, types A and AAAA, over UDP
 * or TCP. The answer repeats the question and points back to its name.
 */
#include "names.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28, HEADER = 12, NAMES_MAX = 16, NXDOMAIN = 3 };

struct record {
	char name[128];
	char addresses[4096];
	char target[128]; /* of an alias, else empty */
	bool silent, truncated;
	uint32_t ttl_s;
};

struct names {
	uv_udp_t udp;
	uv_tcp_t tcp;
	char address[32];
	struct record records[NAMES_MAX];
	size_t count, asked, asked_tcp;
	int handles;
};

/* One question over TCP; c-ares may leave the connection open for more. */
struct caller {
	uv_tcp_t tcp;
	struct names *names;
	struct buf in;
};

static struct record *find(struct names *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++)
		if (strcmp(n->records[i].name, name) == 0)
			return &n->records[i];
	return NULL;
}

/* Reads the question's name; the offset behind it. */
static size_t read_name(const uint8_t *p, size_t n, char *ret, size_t cap)
{
	size_t at = HEADER, used = 0;

	while (at < n && p[at] != 0) {
		size_t label = p[at];

		assert(at + label < n && used + label + 2 < cap);
		if (used)
			ret[used++] = '.';
		memcpy(ret + used, p + at + 1, label);
		used += label;
		at += label + 1;
	}
	ret[used] = '\0';
	return at + 1;
}

static void add16(struct buf *out, unsigned v)
{
	buf_add_char(out, (char)(v >> 8));
	buf_add_char(out, (char)v);
}

/* One resource record, when the address is of the type asked for. */
static unsigned add_address(struct buf *out, unsigned owner, const char *text, unsigned type, uint32_t ttl_s)
{
	uint8_t address[16];
	bool v6 = strchr(text, ':') != NULL;

	if (v6 != (type == TYPE_AAAA))
		return 0;
	assert(inet_pton(v6 ? AF_INET6 : AF_INET, text, address) == 1);
	add16(out, 0xc000 | owner);
	add16(out, type);
	add16(out, 1);
	add16(out, ttl_s >> 16);
	add16(out, ttl_s & 0xffff);
	add16(out, v6 ? 16 : 4);
	buf_add(out, address, v6 ? 16 : 4);
	return 1;
}

static unsigned add_addresses(struct buf *out, unsigned owner, const struct record *record, unsigned type)
{
	struct slice rest = slice_str(record->addresses);
	unsigned count = 0;

	while (rest.n > 0) {
		size_t n = slice_find(rest, ' ');
		char text[64];

		slice_copy(text, sizeof(text), slice_of(rest.p, n));
		if (n > 0)
			count += add_address(out, owner, text, type, record->ttl_s);
		rest = slice_from(rest, n < rest.n ? n + 1 : n);
	}
	return count;
}

/* The record that says what name is another name for; the offset of that one, to point to. */
static unsigned add_alias(struct buf *out, const struct record *record)
{
	struct slice rest = slice_str(record->target);
	unsigned owner;

	add16(out, 0xc000 | HEADER);
	add16(out, TYPE_CNAME);
	add16(out, 1);
	add16(out, record->ttl_s >> 16);
	add16(out, record->ttl_s & 0xffff);
	add16(out, (unsigned)rest.n + 2);
	owner = (unsigned)out->n;
	while (rest.n > 0) {
		size_t n = slice_find(rest, '.');

		buf_add_char(out, (char)n);
		buf_add(out, rest.p, n);
		rest = slice_from(rest, n < rest.n ? n + 1 : n);
	}
	buf_add_char(out, 0);
	return owner;
}

static unsigned add_records(struct names *n, struct buf *out, const struct record *record, unsigned type)
{
	unsigned owner = HEADER, count = 0;

	if (record->target[0]) {
		owner = add_alias(out, record);
		count = 1;
		record = find(n, record->target);
	}
	return record ? count + add_addresses(out, owner, record, type) : count;
}

/* Empty: nothing is said. */
static void answer(struct names *n, const uint8_t *p, size_t length, bool tcp, struct buf *out)
{
	char name[256];
	size_t end = read_name(p, length, name, sizeof(name)) + 4;
	const struct record *record = find(n, name);
	bool cut = record && record->truncated && !tcp;
	unsigned count = 0;

	n->asked++;
	n->asked_tcp += tcp;
	buf_init(out, 65536);
	if (record && record->silent)
		return;
	buf_add(out, p, end);
	if (record && !cut)
		count = add_records(n, out, record, p[end - 3]);
	out->p[2] = (char)(cut ? 0x86 : 0x84);
	out->p[3] = (char)(record ? 0x80 : 0x80 | NXDOMAIN);
	out->p[6] = (char)(count >> 8);
	out->p[7] = (char)count;
	memset(out->p + 8, 0, 4);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	(void)handle;
	*buf = uv_buf_init(malloc(size), (unsigned)size);
}

static void on_receive(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
	struct buf out;
	uv_buf_t sent;

	(void)flags;
	if (n > HEADER && from) {
		answer(udp->data, (const uint8_t *)buf->base, (size_t)n, false, &out);
		sent = uv_buf_init(out.p, (unsigned)out.n);
		if (out.n > 0)
			uv_udp_try_send(udp, &sent, 1, from);
		buf_free(&out);
	}
	free(buf->base);
}

static void on_caller_closed(uv_handle_t *handle)
{
	struct caller *c = handle->data;

	buf_free(&c->in);
	mem_free(c);
}

/* The length of the whole question at the front, 0 while some is missing. */
static size_t question_length(const struct buf *in)
{
	size_t n = in->n < 2 ? 0 : (size_t)(uint8_t)in->p[0] << 8 | (uint8_t)in->p[1];

	return in->n >= n + 2 ? n : 0;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct caller *c = stream->data;
	size_t length;

	if (n > 0)
		buf_add(&c->in, buf->base, (size_t)n);
	free(buf->base);
	if (n < 0) {
		uv_close((uv_handle_t *)stream, on_caller_closed);
		return;
	}
	while ((length = question_length(&c->in)) > HEADER) {
		struct buf out;
		uint8_t head[2];
		uv_buf_t sent[2];

		answer(c->names, (const uint8_t *)c->in.p + 2, length, true, &out);
		head[0] = (uint8_t)(out.n >> 8);
		head[1] = (uint8_t)out.n;
		sent[0] = uv_buf_init((char *)head, 2);
		sent[1] = uv_buf_init(out.p, (unsigned)out.n);
		if (out.n > 0)
			uv_try_write(stream, sent, 2);
		buf_free(&out);
		memmove(c->in.p, c->in.p + length + 2, c->in.n - length - 2);
		buf_truncate(&c->in, c->in.n - length - 2);
	}
}

static void on_connection(uv_stream_t *server, int status)
{
	struct caller *c = mem_zalloc(sizeof(*c));

	assert(status == 0);
	c->names = server->data;
	c->tcp.data = c;
	buf_init(&c->in, 65536);
	uv_tcp_init(server->loop, &c->tcp);
	c->tcp.data = c;
	uv_accept(server, (uv_stream_t *)&c->tcp);
	uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

/* TCP chooses the port: of UDP's there are few in use. */
static void bind_both(struct names *n, uv_loop_t *loop, struct sockaddr_in *ret)
{
	int length = sizeof(*ret);

	uv_ip4_addr("127.0.0.1", 0, ret);
	uv_tcp_init(loop, &n->tcp);
	assert(uv_tcp_bind(&n->tcp, (const struct sockaddr *)ret, 0) == 0);
	assert(uv_listen((uv_stream_t *)&n->tcp, 8, on_connection) == 0);
	assert(uv_tcp_getsockname(&n->tcp, (struct sockaddr *)ret, &length) == 0);
	uv_udp_init(loop, &n->udp);
	assert(uv_udp_bind(&n->udp, (const struct sockaddr *)ret, 0) == 0);
}

struct names *names_new(uv_loop_t *loop)
{
	struct names *n = mem_zalloc(sizeof(*n));
	struct sockaddr_in address;

	bind_both(n, loop, &address);
	n->udp.data = n->tcp.data = n;
	n->handles = 2;
	snprintf(n->address, sizeof(n->address), "127.0.0.1:%u", ntohs(address.sin_port));
	uv_udp_recv_start(&n->udp, on_alloc, on_receive);
	return n;
}

static void on_closed(uv_handle_t *handle)
{
	struct names *n = handle->data;

	if (--n->handles == 0)
		mem_free(n);
}

void names_free(struct names **n)
{
	uv_close((uv_handle_t *)&(*n)->udp, on_closed);
	uv_close((uv_handle_t *)&(*n)->tcp, on_closed);
	*n = NULL;
}

const char *names_address(const struct names *n)
{
	return n->address;
}

static struct record *record_of(struct names *n, const char *name)
{
	struct record *record = find(n, name);

	if (!record) {
		assert(n->count < NAMES_MAX);
		record = &n->records[n->count++];
		slice_copy(record->name, sizeof(record->name), slice_str(name));
	}
	return record;
}

void names_set(struct names *n, const char *name, const char *addresses, uint32_t ttl_s)
{
	struct record *record = record_of(n, name);

	record->silent = !addresses;
	record->ttl_s = ttl_s;
	slice_copy(record->addresses, sizeof(record->addresses), slice_str(addresses));
}

void names_alias(struct names *n, const char *name, const char *target, uint32_t ttl_s)
{
	struct record *record = record_of(n, name);

	record->ttl_s = ttl_s;
	slice_copy(record->target, sizeof(record->target), slice_str(target));
}

void names_truncate(struct names *n, const char *name)
{
	record_of(n, name)->truncated = true;
}

size_t names_asked(const struct names *n)
{
	return n->asked;
}

size_t names_asked_tcp(const struct names *n)
{
	return n->asked_tcp;
}
