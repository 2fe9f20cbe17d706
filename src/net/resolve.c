/*
 * Name look-up. One c-ares channel a loop; its sockets are polled by libuv. A name has one struct entry, which is the
 * cache and the place where those wait who ask while a question is under way. c-ares may answer inside the question
 * (hosts file) or inside its own processing, so answers are only put down there; an idle handle hands them out in the
 * loop's next turn, from where the callbacks may do anything.
 *
 * Only good answers are kept, between 5 s and 5 min: a failed one is asked again by
 * the next attempt, which the engine has already spaced. Addresses are not sorted by
 * c-ares: that would open a socket towards each of them before the guard has seen it.
 */
#include "net/resolve.h"

#include <ares.h>
#include <arpa/inet.h>
#include <stdio.h>

#include "base/digest.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#define TTL_MIN_MS 5000
#define TTL_MAX_MS 300000
/* The first question to a server; c-ares doubles it per round. Over all, the call's own deadline decides. */
#define SERVER_TIMEOUT_MS 2000
#define SERVER_TRIES	  3
/* Fits into one packet on every path; longer answers come over TCP (DNS flag day 2020). */
#define EDNS_BYTES 1232
/* So many entries are looked at for their age whenever one is added: the cache forgets faster than it grows. */
#define AGED_AT_ONCE 2

struct entry {
	struct map_node node;
	struct list age;   /* in resolve.ages */
	struct list ready; /* in resolve.ready while an answer waits to be handed out */
	struct list queries;
	struct resolve *resolve;
	struct resolve_answer *kept;  /* the last good one */
	struct resolve_answer *fresh; /* arrived, not handed out yet */
	int64_t kept_until_ms;
	int64_t fresh_ttl_ms;
	unsigned kept_guard, fresh_guard; /* version that the answer was checked by */
	bool asking;
	bool delivering;
	char name[256];
};

struct resolve_query {
	struct list link;
	resolve_done_fn *done;
	void *ctx;
};

struct socket {
	struct list link;
	uv_poll_t poll;
	struct resolve *resolve;
	ares_socket_t fd;
};

struct resolve {
	uv_loop_t *loop;
	const struct guard *guard;
	ares_channel channel;
	uv_timer_t timer;
	uv_idle_t idle;
	struct list sockets;
	struct list ages;
	struct list ready;
	struct map entries;
	struct hash_key key;
	uint64_t serial;
	int64_t ttl_min_ms, ttl_max_ms;
	size_t handles; /* of libuv, open or closing */
	bool closing;
	void (*closed)(void *ctx);
	void *closed_ctx;
};

static void handle_gone(struct resolve *r)
{
	if (--r->handles > 0)
		return;
	r->closed(r->closed_ctx);
	mem_free(r);
}

static void on_timer_closed(uv_handle_t *handle)
{
	handle_gone(handle->data);
}

static void on_socket_closed(uv_handle_t *handle)
{
	struct socket *s = handle->data;
	struct resolve *r = s->resolve;

	mem_free(s);
	handle_gone(r);
}

static void on_timer(uv_timer_t *timer);

/* c-ares says anew after everything it did when it wants to be called again. */
static void timer_arm(struct resolve *r)
{
	struct timeval tv;

	if (r->closing)
		return;
	if (ares_timeout(r->channel, NULL, &tv))
		uv_timer_start(&r->timer, on_timer, (uint64_t)(tv.tv_sec * 1000 + tv.tv_usec / 1000 + 1), 0);
	else
		uv_timer_stop(&r->timer);
}

static void on_timer(uv_timer_t *timer)
{
	struct resolve *r = timer->data;

	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	timer_arm(r);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct socket *s = poll->data;
	struct resolve *r = s->resolve;
	bool in = status < 0 || (events & UV_READABLE), out = status < 0 || (events & UV_WRITABLE);

	ares_process_fd(r->channel, in ? s->fd : ARES_SOCKET_BAD, out ? s->fd : ARES_SOCKET_BAD);
	timer_arm(r);
}

static struct socket *socket_find(struct resolve *r, ares_socket_t fd)
{
	LIST_EACH (it, &r->sockets) {
		struct socket *s = CONTAINER_OF(it, struct socket, link);

		if (s->fd == fd)
			return s;
	}
	return NULL;
}

static struct socket *socket_new(struct resolve *r, ares_socket_t fd)
{
	struct socket *s = mem_zalloc(sizeof(*s));

	s->resolve = r;
	s->fd = fd;
	if (uv_poll_init(r->loop, &s->poll, fd) != 0) {
		mem_free(s);
		return NULL;
	}
	s->poll.data = s;
	r->handles++;
	list_push(&r->sockets, &s->link);
	return s;
}

/* c-ares tells what it waits for on a socket; with neither it is about to close it, and libuv must let go first. */
static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
	struct resolve *r = data;
	struct socket *s = socket_find(r, fd);

	if (!readable && !writable) {
		if (s) {
			list_del(&s->link);
			uv_poll_stop(&s->poll);
			uv_close((uv_handle_t *)&s->poll, on_socket_closed);
		}
		return;
	}
	if (!s)
		s = socket_new(r, fd);
	/* Without a poll handle the question ends in c-ares's time-out. */
	if (s)
		uv_poll_start(&s->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), on_poll);
}

static void entry_free(struct entry *e)
{
	list_del(&e->age);
	list_del(&e->ready);
	map_del(&e->resolve->entries, &e->node);
	mem_free(e->kept);
	mem_free(e->fresh);
	mem_free(e);
}

static void entries_age(struct resolve *r, int64_t now_ms)
{
	for (int i = 0; i < AGED_AT_ONCE && !list_empty(&r->ages); i++) {
		struct entry *e = CONTAINER_OF(list_pop(&r->ages), struct entry, age);

		if (e->asking || e->fresh || e->delivering || e->kept_until_ms > now_ms)
			list_push(&r->ages, &e->age);
		else
			entry_free(e);
	}
}

static struct entry *entry_find(struct resolve *r, const char *name, uint64_t hash)
{
	for (struct map_node *n = map_first(&r->entries, hash); n; n = map_next(n, hash)) {
		struct entry *e = CONTAINER_OF(n, struct entry, node);

		if (strcmp(e->name, name) == 0)
			return e;
	}
	return NULL;
}

static struct entry *entry_new(struct resolve *r, const char *name, uint64_t hash)
{
	struct entry *e;

	entries_age(r, (int64_t)uv_now(r->loop));
	e = mem_zalloc(sizeof(*e));
	e->resolve = r;
	list_init(&e->ready);
	list_init(&e->queries);
	slice_copy(e->name, sizeof(e->name), slice_str(name));
	list_push(&r->ages, &e->age);
	map_add(&r->entries, &e->node, hash);
	return e;
}

static void answer_fail(struct resolve_answer *a, const char *name, int status)
{
	a->failure = FAILURE_DNS;
	a->heard = status == ARES_ENOTFOUND || status == ARES_ENODATA;
	snprintf(a->reason, sizeof(a->reason),
		 "the name %s could not be looked up: %s; check the host of the URL and the name servers", name,
		 ares_strerror(status));
}

static void answer_refuse(struct resolve_answer *a, const char *name, const struct sockaddr *address, const char *why)
{
	char text[INET6_ADDRSTRLEN] = "";

	uv_ip_name(address, text, sizeof(text));
	a->failure = FAILURE_REFUSED_ADDRESS;
	a->count = 0;
	snprintf(a->reason, sizeof(a->reason),
		 "the name %s leads to the address %s, which is refused: %s; if it is meant, open it with --allow-net",
		 name, text, why);
}

static void answer_add(struct resolve_answer *a, const struct sockaddr *address)
{
	if (a->count == RESOLVE_ADDRESSES_MAX)
		return;
	if (address->sa_family == AF_INET)
		memcpy(&a->addresses[a->count++].in, address, sizeof(struct sockaddr_in));
	else
		memcpy(&a->addresses[a->count++].in6, address, sizeof(struct sockaddr_in6));
}

/* Checks every address; *ttl_s becomes the smallest of the answer. */
static void answer_fill(struct entry *e, struct resolve_answer *a, const struct ares_addrinfo *info, int *ttl_s)
{
	for (const struct ares_addrinfo_cname *c = info->cnames; c; c = c->next)
		if (c->ttl < *ttl_s)
			*ttl_s = c->ttl;
	for (const struct ares_addrinfo_node *n = info->nodes; n; n = n->ai_next) {
		const char *why = guard_check(e->resolve->guard, n->ai_addr);

		if (why) {
			answer_refuse(a, e->name, n->ai_addr, why);
			return;
		}
		answer_add(a, n->ai_addr);
		if (n->ai_ttl < *ttl_s)
			*ttl_s = n->ai_ttl;
	}
	if (a->count == 0)
		answer_fail(a, e->name, ARES_ENODATA);
}

static int64_t ttl_clamp(const struct resolve *r, int ttl_s)
{
	int64_t ms = (int64_t)ttl_s * 1000;

	if (ms < r->ttl_min_ms)
		return r->ttl_min_ms;
	return ms > r->ttl_max_ms ? r->ttl_max_ms : ms;
}

static void on_idle(uv_idle_t *idle);

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct entry *e = arg;
	struct resolve *r = e->resolve;
	struct resolve_answer *a;
	int ttl_s = INT32_MAX;

	(void)timeouts;
	if (r->closing) {
		ares_freeaddrinfo(info);
		return;
	}
	a = mem_zalloc(sizeof(*a));
	a->serial = ++r->serial;
	e->fresh_guard = guard_version(r->guard);
	if (status == ARES_SUCCESS)
		answer_fill(e, a, info, &ttl_s);
	else
		answer_fail(a, e->name, status);
	ares_freeaddrinfo(info);
	e->asking = false;
	e->fresh = a;
	e->fresh_ttl_ms = ttl_clamp(r, ttl_s);
	list_push(&r->ready, &e->ready);
	uv_idle_start(&r->idle, on_idle);
}

static void entry_keep(struct entry *e, struct resolve_answer *a)
{
	mem_free(e->kept);
	e->kept = a;
	e->kept_guard = e->fresh_guard;
	e->kept_until_ms = (int64_t)uv_now(e->resolve->loop) + e->fresh_ttl_ms;
}

/*
 * Hands the fresh answer to all who wait. Their callbacks may ask again, even for this name, and may cancel each other.
 */
static void entry_deliver(struct entry *e)
{
	struct resolve *r = e->resolve;
	struct resolve_answer *a = e->fresh;
	bool good = a->failure == FAILURE_NONE;
	struct list waiting, *it;

	e->fresh = NULL;
	e->delivering = true;
	if (good)
		entry_keep(e, a);
	list_init(&waiting);
	list_splice_front(&waiting, &e->queries);
	while ((it = list_pop(&waiting))) {
		struct resolve_query query = *CONTAINER_OF(it, struct resolve_query, link);

		mem_free(CONTAINER_OF(it, struct resolve_query, link));
		query.done(query.ctx, a);
		if (r->closing)
			break;
	}
	while ((it = list_pop(&waiting)))
		mem_free(CONTAINER_OF(it, struct resolve_query, link));
	e->delivering = false;
	if (!good)
		mem_free(a);
}

static void entries_drop(struct resolve *r)
{
	struct list *it;

	while ((it = list_pop(&r->ages))) {
		struct entry *e = CONTAINER_OF(it, struct entry, age);
		struct list *query;

		while ((query = list_pop(&e->queries)))
			mem_free(CONTAINER_OF(query, struct resolve_query, link));
		entry_free(e);
	}
	map_free(&r->entries);
}

static void close_now(struct resolve *r)
{
	ares_destroy(r->channel);
	entries_drop(r);
	uv_close((uv_handle_t *)&r->timer, on_timer_closed);
	uv_close((uv_handle_t *)&r->idle, on_timer_closed);
}

static void on_idle(uv_idle_t *idle)
{
	struct resolve *r = idle->data;
	struct list ready, *it;

	list_init(&ready);
	list_splice_front(&ready, &r->ready);
	while (!r->closing && (it = list_pop(&ready)))
		entry_deliver(CONTAINER_OF(it, struct entry, ready));
	if (r->closing)
		close_now(r);
	else if (list_empty(&r->ready))
		uv_idle_stop(idle);
}

/* The system's settings for files and servers, but no search domains: a receiver's name is complete. */
static int channel_open(struct resolve *r, const char *servers, struct fault *fault)
{
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_EDNS,
		.ednspsz = EDNS_BYTES,
		.timeout = SERVER_TIMEOUT_MS,
		.tries = SERVER_TRIES,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = r,
		.lookups = (char[]){ "fb" },
	};
	int status = ares_init_options(&r->channel, &options,
				       ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
					       ARES_OPT_EDNSPSZ | ARES_OPT_LOOKUPS);

	if (status != ARES_SUCCESS) {
		fault_set(fault, "internal", "", "the name look-up cannot start: %s", ares_strerror(status));
		return ERR_SYSTEM;
	}
	if (!servers)
		return 0;
	status = ares_set_servers_ports_csv(r->channel, servers);
	if (status == ARES_SUCCESS)
		return 0;
	ares_destroy(r->channel);
	return fault_param(fault, "dns_servers",
			   "\"%s\" is no list of name servers; write numeric addresses like 9.9.9.9,[2620:fe::fe]:53",
			   servers);
}

int resolve_new(uv_loop_t *loop, const struct resolve_options *options, struct resolve **ret, struct fault *fault)
{
	struct resolve *r = mem_zalloc(sizeof(*r));
	int err;

	r->loop = loop;
	r->guard = options->guard;
	r->ttl_min_ms = options->ttl_max_ms ? options->ttl_min_ms : TTL_MIN_MS;
	r->ttl_max_ms = options->ttl_max_ms ? options->ttl_max_ms : TTL_MAX_MS;
	list_init(&r->sockets);
	list_init(&r->ages);
	list_init(&r->ready);
	map_init(&r->entries);
	random_secure(&r->key, sizeof(r->key));
	err = channel_open(r, options->servers, fault);
	if (err) {
		mem_free(r);
		return err;
	}
	uv_timer_init(loop, &r->timer);
	uv_idle_init(loop, &r->idle);
	r->timer.data = r->idle.data = r;
	r->handles = 2;
	*ret = r;
	return 0;
}

void resolve_close(struct resolve **r, void (*closed)(void *ctx), void *ctx)
{
	(*r)->closing = true;
	(*r)->closed = closed;
	(*r)->closed_ctx = ctx;
	/* In the next turn, because this may run inside a callback that entry_deliver made. */
	uv_timer_stop(&(*r)->timer);
	uv_idle_start(&(*r)->idle, on_idle);
	*r = NULL;
}

const struct resolve_answer *resolve_cached(struct resolve *r, const char *name)
{
	struct entry *e = entry_find(r, name, hash_bytes(&r->key, slice_str(name)));

	if (!e || e->kept_until_ms <= (int64_t)uv_now(r->loop) || e->kept_guard != guard_version(r->guard))
		return NULL;
	return e->kept;
}

static void entry_ask(struct entry *e)
{
	static const struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};

	e->asking = true;
	ares_getaddrinfo(e->resolve->channel, e->name, NULL, &hints, on_answer, e);
	timer_arm(e->resolve);
}

struct resolve_query *resolve_ask(struct resolve *r, const char *name, resolve_done_fn *done, void *ctx)
{
	uint64_t hash = hash_bytes(&r->key, slice_str(name));
	struct entry *e = entry_find(r, name, hash);
	struct resolve_query *query = mem_zalloc(sizeof(*query));

	if (!e)
		e = entry_new(r, name, hash);
	query->done = done;
	query->ctx = ctx;
	list_push(&e->queries, &query->link);
	if (!e->asking && !e->fresh)
		entry_ask(e);
	return query;
}

void resolve_cancel(struct resolve_query **query)
{
	list_del(&(*query)->link);
	mem_free(*query);
	*query = NULL;
}
