/*
 * The client's place in the loop. It has one timer and one idle handle, whatever the number
 * of peers and calls: a heap says which of the many times comes first, and the idle handle
 * runs once, in the next turn, for all peers that have something to do (so that a burst of
 * sends made by one turn's answers goes out together, just before the loop waits again).
 *
 * Peers' multi handles and their sockets: client_peer.c, client_socket.c. One exchange: client_call.c.
 */
#include <arpa/inet.h>
#include <assert.h>

#include "base/mem.h"
#include "net/client_impl.h"

#define IDLE_PEER_MS 60000

int64_t client_now_ms(const struct client *c)
{
	return (int64_t)uv_now(c->loop);
}

void client_handle_opened(struct client *c)
{
	c->handles++;
}

void client_handle_gone(struct client *c)
{
	if (--c->handles > 0)
		return;
	c->closed(c->closed_ctx);
	mem_free(c->sockets);
	buf_free(&c->reason);
	X509_STORE_free(c->system_store);
	heap_free(&c->timers);
	mem_free(c);
	curl_global_cleanup();
}

static void on_timer(uv_timer_t *handle);

/*
 * The timer may stand too early, when the first of the heap was taken out:
 * then it fires for nothing, which costs less than moving it each time.
 */
static void timer_arm(struct client *c)
{
	const struct heap_node *first = heap_peek(&c->timers);
	int64_t wait;

	if (!first || first->key >= c->armed_ms)
		return;
	c->armed_ms = first->key;
	wait = first->key - client_now_ms(c);
	uv_timer_start(&c->timer, on_timer, wait > 0 ? (uint64_t)wait : 0, 0);
}

static void on_timer(uv_timer_t *handle)
{
	struct client *c = handle->data;
	int64_t now = client_now_ms(c);
	struct heap_node *first;

	c->armed_ms = INT64_MAX;
	while (!c->closing && (first = heap_peek(&c->timers)) && first->key <= now) {
		struct client_timer *t = CONTAINER_OF(first, struct client_timer, node);

		heap_remove(&c->timers, first);
		t->fire(t);
	}
	if (!c->closing)
		timer_arm(c);
}

void client_timer_set(struct client *c, struct client_timer *t, int64_t at_ms)
{
	heap_set(&c->timers, &t->node, at_ms);
	timer_arm(c);
}

void client_timer_stop(struct client *c, struct client_timer *t)
{
	heap_remove(&c->timers, &t->node);
}

static void on_idle(uv_idle_t *idle)
{
	struct client *c = idle->data;
	struct list turn, *it;

	/*
	 * Who is kicked again by what happens now has to wait for the next
	 * turn, or a call that fails at once could hold the loop for ever.
	 */
	list_init(&turn);
	list_splice_front(&turn, &c->kicked);
	while ((it = list_pop(&turn)))
		client_peer_turn(CONTAINER_OF(it, struct client_peer, kick));
	if (list_empty(&c->kicked))
		uv_idle_stop(idle);
}

void client_kick(struct client_peer *p)
{
	struct client *c = p->client;

	if (c->closing || list_linked(&p->kick))
		return;
	if (list_empty(&c->kicked))
		uv_idle_start(&c->idle, on_idle);
	list_push(&c->kicked, &p->kick);
}

static bool bind_parse(const char *text, union resolve_address *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->sa.sa_family = AF_UNSPEC;
	return !text || uv_ip4_addr(text, 0, &ret->in) == 0 || uv_ip6_addr(text, 0, &ret->in6) == 0;
}

int client_new(uv_loop_t *loop, const struct client_options *options, struct client **ret, struct fault *fault)
{
	struct resolve_options look_up = { .guard = options->guard, .servers = options->dns_servers };
	struct client *c = mem_zalloc(sizeof(*c));
	int err;

	if (!bind_parse(options->bind_address, &c->bind)) {
		mem_free(c);
		return fault_param(fault, "bind_address",
				   "\"%s\" is no numeric address; write one of this machine's own",
				   options->bind_address);
	}
	err = resolve_new(loop, &look_up, &c->resolve, fault);
	if (err) {
		mem_free(c);
		return err;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	c->loop = loop;
	c->guard = options->guard;
	c->idle_peer_ms = options->idle_peer_ms > 0 ? options->idle_peer_ms : IDLE_PEER_MS;
	c->armed_ms = INT64_MAX;
	heap_init(&c->timers);
	list_init(&c->peers);
	list_init(&c->kicked);
	buf_init(&c->reason, REASON_MAX);
	uv_timer_init(loop, &c->timer);
	uv_idle_init(loop, &c->idle);
	c->timer.data = c->idle.data = c;
	c->handles = 3;
	*ret = c;
	return 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
	client_handle_gone(handle->data);
}

static void on_resolve_closed(void *ctx)
{
	client_handle_gone(ctx);
}

void client_close(struct client **client, void (*closed)(void *ctx), void *ctx)
{
	struct client *c = *client;
	struct list *it;

	*client = NULL;
	assert(!c->closing);
	c->closing = true;
	c->closed = closed;
	c->closed_ctx = ctx;
	while ((it = list_pop(&c->peers))) {
		struct client_peer *p = CONTAINER_OF(it, struct client_peer, link);

		client_peer_drop(p);
		p->client = NULL;
	}
	uv_close((uv_handle_t *)&c->timer, on_handle_closed);
	uv_close((uv_handle_t *)&c->idle, on_handle_closed);
	resolve_close(&c->resolve, on_resolve_closed, c);
}
