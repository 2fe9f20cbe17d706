/*
 * The address guard. Three questions decide about an address, in this order: is it one of our own listeners (never), is
 * it inside a range the operator opened (yes, but a metadata service only when that very address was named), is it
 * inside one of the special ranges below (no). An IPv6 address that carries an IPv4 one is judged twice, as itself and
 * as what it carries, because somewhere a gateway will unwrap it. Of IPv6 only global unicast is left open, so that a
 * range nobody has thought of yet is refused and not let through.
 *
 * The ranges are those of the IANA special-purpose registries (RFC
 * 6890 and its followers) and the metadata services of the big clouds.
 */
#include "net/guard.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/mem.h"

enum { V4_BYTES = 4, V6_BYTES = 16 };

/* An address as bytes in network order. */
struct address {
	size_t n; /* V4_BYTES or V6_BYTES */
	uint8_t b[V6_BYTES];
};

struct net {
	struct address address;
	unsigned bits;
};

struct own {
	struct net net;
	uint16_t port;
};

struct port_range {
	uint16_t first, last;
};

struct guard {
	struct net *nets;
	size_t net_count;
	struct own *own;
	size_t own_count;
	struct port_range *ports;
	size_t port_count;
	bool ports_chosen; /* by the operator */
	_Atomic unsigned version;
	pthread_rwlock_t *lock; /* a pointer, for who reads has a const guard; uncontended but while settings change */
};

struct special {
	unsigned bits;
	uint8_t b[V6_BYTES];
	const char *why;
};

/* Nobody means these when he says "open 169.254.0.0/16": they hand out the machine's own credentials. */
static const struct special metadata4[] = {
	{ 32, { 169, 254, 169, 254 }, "it is the cloud's metadata service, 169.254.169.254" },
	{ 32, { 169, 254, 170, 2 }, "it is the cloud's metadata service, 169.254.170.2" },
	{ 32, { 169, 254, 170, 23 }, "it is the cloud's metadata service, 169.254.170.23" },
	{ 32, { 169, 254, 0, 23 }, "it is the cloud's metadata service, 169.254.0.23" },
	{ 32, { 100, 100, 100, 200 }, "it is the cloud's metadata service, 100.100.100.200" },
	{ 32, { 168, 63, 129, 16 }, "it is the cloud's metadata service, 168.63.129.16" },
	{ 32, { 192, 0, 0, 192 }, "it is the cloud's metadata service, 192.0.0.192" },
};

static const struct special metadata6[] = {
	{ 128, { 0xfd, 0, 0x0e, 0xc2, [14] = 0x02, 0x54 }, "it is the cloud's metadata service, fd00:ec2::254" },
	{ 128, { 0xfd, 0, 0x0e, 0xc2, [15] = 0x23 }, "it is the cloud's metadata service, fd00:ec2::23" },
	{ 128, { 0xfd, 0x20, 0, 0xce, [14] = 0x02, 0x54 }, "it is the cloud's metadata service, fd20:ce::254" },
};

static const struct special special4[] = {
	{ 8, { 0 }, "it is in the range of this host, 0.0.0.0/8" },
	{ 8, { 10 }, "it is in the private range 10.0.0.0/8" },
	{ 10, { 100, 64 }, "it is in the carrier's shared range 100.64.0.0/10" },
	{ 8, { 127 }, "it is in the loopback range 127.0.0.0/8" },
	{ 16, { 169, 254 }, "it is in the link-local range 169.254.0.0/16" },
	{ 12, { 172, 16 }, "it is in the private range 172.16.0.0/12" },
	{ 24, { 192, 0, 0 }, "it is in the protocol range 192.0.0.0/24" },
	{ 24, { 192, 0, 2 }, "it is in the documentation range 192.0.2.0/24" },
	{ 24, { 192, 31, 196 }, "it is in the AS112 range 192.31.196.0/24" },
	{ 24, { 192, 52, 193 }, "it is in the AMT range 192.52.193.0/24" },
	{ 24, { 192, 88, 99 }, "it is in the 6to4 relay range 192.88.99.0/24" },
	{ 16, { 192, 168 }, "it is in the private range 192.168.0.0/16" },
	{ 24, { 192, 175, 48 }, "it is in the AS112 range 192.175.48.0/24" },
	{ 15, { 198, 18 }, "it is in the benchmark range 198.18.0.0/15" },
	{ 24, { 198, 51, 100 }, "it is in the documentation range 198.51.100.0/24" },
	{ 24, { 203, 0, 113 }, "it is in the documentation range 203.0.113.0/24" },
	{ 4, { 224 }, "it is in the multicast range 224.0.0.0/4" },
	{ 4, { 240 }, "it is in the reserved range 240.0.0.0/4" },
};

static const struct special special6[] = {
	{ 128, { 0 }, "it is the unspecified address ::" },
	{ 128, { [15] = 1 }, "it is the loopback address ::1" },
	{ 96, { 0 }, "it is in the IPv4-compatible range ::/96" },
	{ 96, { [8] = 0xff, 0xff }, "it is in the IPv4-translated range ::ffff:0:0:0/96" },
	{ 48, { 0x00, 0x64, 0xff, 0x9b, 0, 1 }, "it is in the local NAT64 range 64:ff9b:1::/48" },
	{ 64, { 0x01 }, "it is in the discard range 100::/64" },
	{ 32, { 0x20, 0x01, 0, 0 }, "it is in the Teredo range 2001::/32" },
	{ 23, { 0x20, 0x01 }, "it is in the protocol range 2001::/23" },
	{ 32, { 0x20, 0x01, 0x0d, 0xb8 }, "it is in the documentation range 2001:db8::/32" },
	{ 16, { 0x20, 0x02 }, "it is in the 6to4 range 2002::/16" },
	{ 48, { 0x26, 0x20, 0, 0x4f, 0x80, 0 }, "it is in the AS112 range 2620:4f:8000::/48" },
	{ 20, { 0x3f, 0xff }, "it is in the documentation range 3fff::/20" },
	{ 16, { 0x5f }, "it is in the segment routing range 5f00::/16" },
	{ 7, { 0xfc }, "it is in the private range fc00::/7" },
	{ 10, { 0xfe, 0x80 }, "it is in the link-local range fe80::/10" },
	{ 10, { 0xfe, 0xc0 }, "it is in the site-local range fec0::/10" },
	{ 8, { 0xff }, "it is in the multicast range ff00::/8" },
};

/* Outside these an IPv6 address is no address of the public Internet. */
static const struct special open6[] = {
	{ 3, { 0x20 }, NULL },
	{ 96, { 0x00, 0x64, 0xff, 0x9b }, NULL },
	{ 96, { [10] = 0xff, 0xff }, NULL },
};

/* Where an IPv6 address carries an IPv4 one: n bytes of pattern at `at` announce it. */
static const struct embedding {
	uint8_t at, n, pattern[12];
	uint8_t v4_at;
	uint8_t flip; /* xor of every byte */
} embeddings[] = {
	{ 0, 12, { [10] = 0xff, 0xff }, 12, 0 },		 /* mapped */
	{ 0, 12, { 0 }, 12, 0 },				 /* compatible */
	{ 0, 12, { [8] = 0xff, 0xff }, 12, 0 },			 /* translated, RFC 2765 */
	{ 0, 12, { 0x00, 0x64, 0xff, 0x9b }, 12, 0 },		 /* NAT64, RFC 6052 */
	{ 0, 6, { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 12, 0 }, /* local NAT64, RFC 8215 */
	{ 0, 2, { 0x20, 0x02 }, 2, 0 },				 /* 6to4 */
	{ 0, 4, { 0x20, 0x01, 0x00, 0x00 }, 4, 0 },		 /* Teredo's server */
	{ 0, 4, { 0x20, 0x01, 0x00, 0x00 }, 12, 0xff },		 /* Teredo's client */
	{ 8, 4, { 0x00, 0x00, 0x5e, 0xfe }, 12, 0 },		 /* ISATAP, private */
	{ 8, 4, { 0x02, 0x00, 0x5e, 0xfe }, 12, 0 },		 /* ISATAP, global */
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static bool bits_same(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static const struct special *special_find(const struct special *table, size_t count, const struct address *a)
{
	for (size_t i = 0; i < count; i++)
		if (bits_same(a->b, table[i].b, table[i].bits))
			return &table[i];
	return NULL;
}

static bool net_has(const struct net *net, const struct address *a)
{
	return net->address.n == a->n && bits_same(net->address.b, a->b, net->bits);
}

static bool is_mapped(const struct address *a)
{
	return a->n == V6_BYTES && bits_same(a->b, (const uint8_t[12]){ [10] = 0xff, 0xff }, 96);
}

/* false for a family that is neither IPv4 nor IPv6. */
static bool address_read(const struct sockaddr *from, struct address *ret, uint16_t *ret_port)
{
	if (from->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;

		ret->n = V4_BYTES;
		memcpy(ret->b, &in->sin_addr, V4_BYTES);
		*ret_port = ntohs(in->sin_port);
		return true;
	}
	if (from->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)from;

		ret->n = V6_BYTES;
		memcpy(ret->b, &in6->sin6_addr, V6_BYTES);
		*ret_port = ntohs(in6->sin6_port);
		return true;
	}
	return false;
}

static struct address address_v4(const uint8_t *b, uint8_t flip)
{
	struct address a = { .n = V4_BYTES };

	for (size_t i = 0; i < V4_BYTES; i++)
		a.b[i] = b[i] ^ flip;
	return a;
}

struct guard *guard_new(void)
{
	static const struct port_range usual[] = { { 80, 80 }, { 443, 443 }, { 1024, 65535 } };
	struct guard *g = mem_zalloc(sizeof(*g));

	g->ports = mem_dup(usual, sizeof(usual));
	g->port_count = COUNT(usual);
	g->lock = mem_alloc(sizeof(*g->lock));
	pthread_rwlock_init(g->lock, NULL);
	return g;
}

void guard_free(struct guard **g)
{
	if (!*g)
		return;
	mem_free((*g)->nets);
	mem_free((*g)->own);
	mem_free((*g)->ports);
	pthread_rwlock_destroy((*g)->lock);
	mem_free((*g)->lock);
	mem_free(*g);
	*g = NULL;
}

void guard_replace(struct guard *g, struct guard *from)
{
	struct net *nets;
	struct port_range *ports;

	pthread_rwlock_wrlock(g->lock);
	nets = g->nets;
	ports = g->ports;
	g->nets = from->nets;
	g->net_count = from->net_count;
	g->ports = from->ports;
	g->port_count = from->port_count;
	g->ports_chosen = from->ports_chosen;
	atomic_fetch_add(&g->version, 1);
	pthread_rwlock_unlock(g->lock);
	mem_free(nets);
	mem_free(ports);
	from->nets = NULL;
	from->ports = NULL;
	from->net_count = from->port_count = 0;
}

unsigned guard_version(const struct guard *g)
{
	return atomic_load_explicit(&g->version, memory_order_acquire);
}

/* The address part of a range; a slice because it stands in a longer text. */
static bool address_parse(struct slice text, struct address *ret)
{
	char copy[INET6_ADDRSTRLEN + 1];

	if (text.n == 0 || text.n > INET6_ADDRSTRLEN || memchr(text.p, 0, text.n))
		return false;
	slice_copy(copy, sizeof(copy), text);
	if (inet_pton(AF_INET, copy, ret->b) == 1) {
		ret->n = V4_BYTES;
		return true;
	}
	ret->n = V6_BYTES;
	return inet_pton(AF_INET6, copy, ret->b) == 1;
}

/* Bits behind the prefix are most likely a typing error, and a range wider than meant. */
static bool net_clean(const struct net *net)
{
	for (unsigned bit = net->bits; bit < net->address.n * 8; bit++)
		if (net->address.b[bit / 8] & (0x80 >> bit % 8))
			return false;
	return true;
}

int guard_allow_net(struct guard *g, struct slice cidr, struct fault *fault)
{
	size_t slash = slice_find(cidr, '/');
	struct net net = { 0 };
	long long bits;

	if (!address_parse(slice_of(cidr.p, slash), &net.address))
		return fault_param(fault, "", "\"%.*s\" is no address range; write it like 10.1.0.0/16 or fd00::/8",
				   SLICE_ARG(cidr));
	bits = (long long)net.address.n * 8;
	if (slash < cidr.n &&
	    (!slice_to_i64(slice_from(cidr, slash + 1), &bits) || bits < 0 || bits > (long long)net.address.n * 8))
		return fault_param(fault, "", "the prefix length of \"%.*s\" must be a number from 0 to %zu",
				   SLICE_ARG(cidr), net.address.n * 8);
	net.bits = (unsigned)bits;
	if (!net_clean(&net))
		return fault_param(fault, "",
				   "\"%.*s\" has bits set behind its prefix; correct the address or the length",
				   SLICE_ARG(cidr));
	if (is_mapped(&net.address) && net.bits >= 96)
		return fault_param(fault, "", "\"%.*s\" is an IPv4 range in disguise; write it in IPv4's own form",
				   SLICE_ARG(cidr));
	g->nets = mem_realloc(g->nets, (g->net_count + 1) * sizeof(*g->nets));
	g->nets[g->net_count++] = net;
	return 0;
}

static bool port_parse(struct slice text, uint16_t *ret)
{
	long long port;

	if (!slice_to_i64(text, &port) || port < 1 || port > UINT16_MAX)
		return false;
	*ret = (uint16_t)port;
	return true;
}

static bool port_range_parse(struct slice text, struct port_range *ret)
{
	size_t dash = slice_find(text, '-');

	if (!port_parse(slice_of(text.p, dash), &ret->first))
		return false;
	ret->last = ret->first;
	return dash == text.n || (port_parse(slice_from(text, dash + 1), &ret->last) && ret->first <= ret->last);
}

int guard_allow_ports(struct guard *g, struct slice list, struct fault *fault)
{
	struct port_range *ports = NULL;
	size_t count = 0;

	for (;;) {
		size_t comma = slice_find(list, ',');
		struct slice item = slice_trim(slice_of(list.p, comma));

		ports = mem_realloc(ports, (count + 1) * sizeof(*ports));
		if (!port_range_parse(item, &ports[count])) {
			mem_free(ports);
			return fault_param(fault, "",
					   "\"%.*s\" is no port or range of ports; write a list like 80,443,8000-9000",
					   SLICE_ARG(item));
		}
		count++;
		if (comma == list.n)
			break;
		list = slice_from(list, comma + 1);
	}
	mem_free(g->ports);
	g->ports = ports;
	g->port_count = count;
	g->ports_chosen = true;
	return 0;
}

static void own_add(struct guard *g, const struct address *a, unsigned bits, uint16_t port)
{
	g->own = mem_realloc(g->own, (g->own_count + 1) * sizeof(*g->own));
	g->own[g->own_count++] = (struct own){ { *a, bits }, port };
}

/* A listener on the wildcard answers on every address of this machine. */
static void own_add_all(struct guard *g, uint16_t port)
{
	static const struct address loop4 = { V4_BYTES, { 127 } }, loop6 = { V6_BYTES, { [15] = 1 } };
	struct ifaddrs *list = NULL;

	own_add(g, &loop4, 8, port);
	own_add(g, &loop6, 128, port);
	if (getifaddrs(&list) != 0)
		return;
	for (struct ifaddrs *it = list; it; it = it->ifa_next) {
		struct address a = { 0 };
		uint16_t unused;

		if (it->ifa_addr && address_read(it->ifa_addr, &a, &unused))
			own_add(g, &a, (unsigned)a.n * 8, port);
	}
	freeifaddrs(list);
}

void guard_deny_own(struct guard *g, const struct sockaddr *address)
{
	static const struct address any4 = { V4_BYTES, { 0 } }, any6 = { V6_BYTES, { 0 } };
	struct address a = { 0 };
	uint16_t port;

	if (!address_read(address, &a, &port))
		return;
	if (is_mapped(&a))
		a = address_v4(a.b + 12, 0);
	/* Linux takes a connection to the wildcard address for one to loopback. */
	own_add(g, &any4, 32, port);
	own_add(g, &any6, 128, port);
	if (memcmp(a.b, any6.b, a.n) == 0)
		own_add_all(g, port);
	else
		own_add(g, &a, (unsigned)a.n * 8, port);
}

static bool is_own(const struct guard *g, const struct address *a, uint16_t port)
{
	for (size_t i = 0; i < g->own_count; i++)
		if (g->own[i].port == port && net_has(&g->own[i].net, a))
			return true;
	return false;
}

/* The most bits of any opened range that a is in, -1 when it is in none. */
static int opened(const struct guard *g, const struct address *a)
{
	int best = -1;

	for (size_t i = 0; i < g->net_count; i++)
		if (net_has(&g->nets[i], a) && (int)g->nets[i].bits > best)
			best = (int)g->nets[i].bits;
	return best;
}

/* The verdict on the address alone, without what it may carry. */
static const char *judge(const struct guard *g, const struct address *a, uint16_t port)
{
	bool v4 = a->n == V4_BYTES;
	const struct special *found =
		v4 ? special_find(metadata4, COUNT(metadata4), a) : special_find(metadata6, COUNT(metadata6), a);
	int bits = opened(g, a);

	if (is_own(g, a, port))
		return "it is this daemon's own listener";
	if (found)
		return bits == (int)a->n * 8 ? NULL : found->why;
	if (bits >= 0)
		return NULL;
	found = v4 ? special_find(special4, COUNT(special4), a) : special_find(special6, COUNT(special6), a);
	if (found)
		return found->why;
	if (!v4 && !special_find(open6, COUNT(open6), a))
		return "it is outside the global unicast range 2000::/3";
	return NULL;
}

static const char *judge_embedded(const struct guard *g, const struct address *a, uint16_t port)
{
	for (size_t i = 0; i < COUNT(embeddings); i++) {
		const struct embedding *e = &embeddings[i];
		struct address inner;
		const char *why;

		if (memcmp(a->b + e->at, e->pattern, e->n) != 0)
			continue;
		inner = address_v4(a->b + e->v4_at, e->flip);
		why = judge(g, &inner, port);
		if (why)
			return why;
	}
	return NULL;
}

/* Of the form of a carried 0.0.0.1, but it carries nothing (RFC 4291, 2.5.5.1). */
static bool is_loopback6(const struct address *a)
{
	static const uint8_t loopback[V6_BYTES] = { [V6_BYTES - 1] = 1 };

	return memcmp(a->b, loopback, sizeof(loopback)) == 0;
}

const char *guard_check(const struct guard *g, const struct sockaddr *address)
{
	struct address a = { 0 };
	uint16_t port;
	const char *why;

	if (!address_read(address, &a, &port))
		return "it is neither an IPv4 nor an IPv6 address";
	pthread_rwlock_rdlock(g->lock);
	why = judge(g, &a, port);
	if (!why && a.n == V6_BYTES && !is_loopback6(&a))
		why = judge_embedded(g, &a, port);
	pthread_rwlock_unlock(g->lock);
	return why;
}

bool guard_port(const struct guard *g, uint16_t port)
{
	bool open = false;

	pthread_rwlock_rdlock(g->lock);
	for (size_t i = 0; i < g->port_count && !open; i++)
		open = port >= g->ports[i].first && port <= g->ports[i].last;
	pthread_rwlock_unlock(g->lock);
	return open;
}

bool guard_ports_chosen(const struct guard *g)
{
	bool chosen;

	pthread_rwlock_rdlock(g->lock);
	chosen = g->ports_chosen;
	pthread_rwlock_unlock(g->lock);
	return chosen;
}
