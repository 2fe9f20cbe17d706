/* Only what a stub resolver asks: one question, types A and AAAA. The answer repeats the question and points back to its name. */
#include "names.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

enum { TYPE_A = 1, TYPE_AAAA = 28, HEADER = 12, NAMES_MAX = 16, NXDOMAIN = 3 };

struct record {
	char name[128];
	char addresses[4096];
	bool silent;
	uint32_t ttl_s;
};

struct names {
	uv_udp_t udp;
	char address[32];
	struct record records[NAMES_MAX];
	size_t count, asked;
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
static unsigned add_address(struct buf *out, const char *text, unsigned type, uint32_t ttl_s)
{
	uint8_t address[16];
	bool v6 = strchr(text, ':') != NULL;

	if (v6 != (type == TYPE_AAAA))
		return 0;
	assert(inet_pton(v6 ? AF_INET6 : AF_INET, text, address) == 1);
	add16(out, 0xc000 | HEADER);
	add16(out, type);
	add16(out, 1);
	add16(out, ttl_s >> 16);
	add16(out, ttl_s & 0xffff);
	add16(out, v6 ? 16 : 4);
	buf_add(out, address, v6 ? 16 : 4);
	return 1;
}

static unsigned add_addresses(struct buf *out, const struct record *record, unsigned type)
{
	struct slice rest = slice_str(record->addresses);
	unsigned count = 0;

	while (rest.n > 0) {
		size_t n = slice_find(rest, ' ');
		char text[64];

		slice_copy(text, sizeof(text), slice_of(rest.p, n));
		if (n > 0)
			count += add_address(out, text, type, record->ttl_s);
		rest = slice_from(rest, n < rest.n ? n + 1 : n);
	}
	return count;
}

static void answer(struct names *n, const uint8_t *p, size_t length, const struct sockaddr *from)
{
	char name[256];
	size_t end = read_name(p, length, name, sizeof(name)) + 4;
	const struct record *record = find(n, name);
	unsigned count = 0;
	struct buf out;
	uv_buf_t sent;

	n->asked++;
	if (record && record->silent)
		return;
	buf_init(&out, 65536);
	buf_add(&out, p, end);
	if (record)
		count = add_addresses(&out, record, p[end - 3]);
	out.p[2] = (char)0x84;
	out.p[3] = (char)(record ? 0x80 : 0x80 | NXDOMAIN);
	out.p[6] = (char)(count >> 8);
	out.p[7] = (char)count;
	memset(out.p + 8, 0, 4);
	sent = uv_buf_init(out.p, (unsigned)out.n);
	uv_udp_try_send(&n->udp, &sent, 1, from);
	buf_free(&out);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	(void)handle;
	*buf = uv_buf_init(malloc(size), (unsigned)size);
}

static void on_receive(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
	(void)flags;
	if (n > HEADER && from)
		answer(udp->data, (const uint8_t *)buf->base, (size_t)n, from);
	free(buf->base);
}

struct names *names_new(uv_loop_t *loop)
{
	struct names *n = mem_zalloc(sizeof(*n));
	struct sockaddr_in address;
	int length = sizeof(address);

	uv_ip4_addr("127.0.0.1", 0, &address);
	uv_udp_init(loop, &n->udp);
	n->udp.data = n;
	assert(uv_udp_bind(&n->udp, (const struct sockaddr *)&address, 0) == 0);
	uv_udp_getsockname(&n->udp, (struct sockaddr *)&address, &length);
	snprintf(n->address, sizeof(n->address), "127.0.0.1:%u", ntohs(address.sin_port));
	uv_udp_recv_start(&n->udp, on_alloc, on_receive);
	return n;
}

static void on_closed(uv_handle_t *handle)
{
	mem_free(handle->data);
}

void names_free(struct names **n)
{
	uv_close((uv_handle_t *)&(*n)->udp, on_closed);
	*n = NULL;
}

const char *names_address(const struct names *n)
{
	return n->address;
}

void names_set(struct names *n, const char *name, const char *addresses, uint32_t ttl_s)
{
	struct record *record = find(n, name);

	if (!record) {
		assert(n->count < NAMES_MAX);
		record = &n->records[n->count++];
		slice_copy(record->name, sizeof(record->name), slice_str(name));
	}
	record->silent = !addresses;
	record->ttl_s = ttl_s;
	slice_copy(record->addresses, sizeof(record->addresses), slice_str(addresses));
}

size_t names_asked(const struct names *n)
{
	return n->asked;
}
