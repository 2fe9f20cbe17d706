/*
 * A peer: the multi handle with the connections of one revision of one endpoint's settings. It is made by the first
 * call and closed when nothing was sent for a while. No more calls take part in it than the settings allow connections,
 * the others wait here in the order they came; so libcurl never holds a queue of its own.
 */
#include <assert.h>

#include "base/mem.h"
#include "net/client_impl.h"

static void multi_options(CURLM *multi, const struct http_peer *settings)
{
	long connections = settings->connections_max;

	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections);
	curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
}

static void on_idle(struct client_timer *timer)
{
	struct client_peer *p = CONTAINER_OF(timer, struct client_peer, idle);
	int64_t due = p->used_ms + p->client->idle_peer_ms;

	if (p->active > 0 || p->waiting_count > 0)
		due = client_now_ms(p->client) + p->client->idle_peer_ms;
	if (due > client_now_ms(p->client))
		client_timer_set(p->client, timer, due);
	else
		client_peer_drop(p);
}

static void multi_act(struct client_peer *p, curl_socket_t fd, int events)
{
	int running;

	curl_multi_socket_action(p->multi, fd, events, &running);
}

static void on_wake(struct client_timer *timer)
{
	struct client_peer *p = CONTAINER_OF(timer, struct client_peer, wake);

	multi_act(p, CURL_SOCKET_TIMEOUT, 0);
	client_peer_drain(p);
}

/* libcurl's wish to be called after so many milliseconds. */
static int on_multi_timer(CURLM *multi, long wait_ms, void *ctx)
{
	struct client_peer *p = ctx;

	(void)multi;
	if (wait_ms > 0) {
		client_timer_set(p->client, &p->wake, client_now_ms(p->client) + wait_ms);
		return 0;
	}
	client_timer_stop(p->client, &p->wake);
	if (wait_ms == 0 && !p->client->closing) {
		p->act = true;
		if (!p->in_turn)
			client_kick(p);
	}
	return 0;
}

struct client_peer *client_peer_new(struct client *c, const struct http_peer *settings)
{
	struct client_peer *p = mem_zalloc(sizeof(*p));

	assert(settings->connections_max > 0 && settings->timeout_ms > 0);
	p->client = c;
	p->settings = settings;
	p->refs = 1;
	p->wake.fire = on_wake;
	p->idle.fire = on_idle;
	list_init(&p->kick);
	list_init(&p->waiting);
	list_init(&p->looking);
	list_init(&p->free_slots);
	list_init(&p->busy_slots);
	list_init(&p->unnamed);
	map_init(&p->by_port);
	list_push(&c->peers, &p->link);
	return p;
}

void client_peer_hold(struct client_peer *p)
{
	p->refs++;
}

void client_peer_release(struct client_peer *p)
{
	if (--p->refs == 0)
		mem_free(p);
}

void client_peer_free(struct client_peer **peer)
{
	struct client_peer *p = *peer;

	if (!p)
		return;
	*peer = NULL;
	assert(p->active == 0 && p->waiting_count == 0);
	client_peer_drop(p);
	list_del(&p->link);
	p->freed = true;
	client_peer_release(p);
}

bool client_peer_open(struct client_peer *p)
{
	if (p->multi)
		return true;
	p->multi = curl_multi_init();
	if (!p->multi)
		return false;
	multi_options(p->multi, p->settings);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, on_multi_timer);
	client_socket_setup(p);
	buf_init(&p->loaded, sizeof(p->target.url.host) + 16);
	p->loaded_serial = 0;
	client_timer_set(p->client, &p->idle, client_now_ms(p->client) + p->client->idle_peer_ms);
	return true;
}

static void calls_drop(struct list *calls)
{
	while (!list_empty(calls))
		client_call_drop(CONTAINER_OF(calls->next, struct client_call, link));
}

static void slots_free(struct list *slots)
{
	struct list *it;

	while ((it = list_pop(slots)))
		client_slot_free(CONTAINER_OF(it, struct client_slot, link));
}

/* The easy handles go first and the multi handle last: it is the one that closes the connections. */
static void multi_close(struct client_peer *p)
{
	slots_free(&p->free_slots);
	if (p->multi)
		curl_multi_cleanup(p->multi);
	p->multi = NULL;
	buf_free(&p->loaded);
	p->act = false;
}

void client_peer_drop(struct client_peer *p)
{
	calls_drop(&p->waiting);
	calls_drop(&p->looking);
	while (!list_empty(&p->busy_slots))
		client_call_drop(CONTAINER_OF(p->busy_slots.next, struct client_slot, link)->call);
	multi_close(p);
	if (p->client) {
		client_timer_stop(p->client, &p->wake);
		client_timer_stop(p->client, &p->idle);
	}
	list_del(&p->kick);
	buf_free(&p->target.text);
	buf_free(&p->target.sent);
	p->target.serial = 0;
	client_socket_part(p);
	X509_STORE_free(p->store);
	p->store = NULL;
	X509_free(p->leaf);
	p->leaf = NULL;
}

/* false: done has freed the peer or closed the client. */
static bool alive(const struct client_peer *p)
{
	return p->client && !p->freed;
}

void client_peer_drain(struct client_peer *p)
{
	const CURLMsg *message;
	int left;

	client_peer_hold(p);
	while (alive(p) && p->multi && (message = curl_multi_info_read(p->multi, &left))) {
		char *slot = NULL;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
		client_call_finish((struct client_slot *)(void *)slot, message->data.result);
	}
	if (alive(p) && p->waiting_count > 0)
		client_kick(p);
	client_peer_release(p);
}

/* Only those who wait now: one that fails at once and is sent again by its done comes in the next turn. */
static void begin_waiting(struct client_peer *p)
{
	size_t count = p->waiting_count;

	while (count-- > 0 && alive(p) && p->waiting_count > 0 && p->active < p->settings->connections_max) {
		struct client_call *call = CONTAINER_OF(list_pop(&p->waiting), struct client_call, link);

		p->waiting_count--;
		p->active++;
		call->placed = true;
		list_push(&p->looking, &call->link);
		client_call_begin(call);
	}
}

void client_peer_turn(struct client_peer *p)
{
	client_peer_hold(p);
	p->in_turn = true;
	begin_waiting(p);
	p->in_turn = false;
	if (alive(p) && p->multi && p->act) {
		p->act = false;
		multi_act(p, CURL_SOCKET_TIMEOUT, 0);
		client_peer_drain(p);
	}
	client_peer_release(p);
}
