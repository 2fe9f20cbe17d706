/*
 * One exchange from client_send to done: it waits for a place, has its name looked up,
 * runs on a slot, ends. It ends in one function, whatever happened, and done is called
 * there and nowhere else. The deadline counts from client_send and nothing moves it.
 */
#include <assert.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/client_impl.h"

/* A transfer that is cut may not have begun: then the multi handle was never told the addresses that it carried. */
static void forget_loaded(const struct client_call *call)
{
	if (call->slot)
		call->peer->loaded_serial = 0;
}

/* Takes the call out of everything that knows it. */
static void detach(struct client_call *call)
{
	struct client_peer *p = call->peer;

	client_timer_stop(p->client, &call->deadline);
	if (call->query)
		resolve_cancel(&call->query);
	if (call->slot)
		client_slot_return(call->slot);
	list_del(&call->link);
	if (call->placed)
		p->active--;
	else
		p->waiting_count--;
	p->used_ms = client_now_ms(p->client);
	if (p->waiting_count > 0)
		client_kick(p);
}

void client_call_drop(struct client_call *call)
{
	forget_loaded(call);
	detach(call);
	mem_free(call);
}

static void end(struct client_call *call, struct http_answer *answer)
{
	client_done_fn *done = call->done;
	void *ctx = call->ctx;

	answer->timings.total = clock_mono_us() - call->sent_us;
	detach(call);
	mem_free(call);
	done(ctx, answer);
}

/* An end without libcurl's help. */
static void fail(struct client_call *call, enum failure failure, const char *reason)
{
	struct http_answer answer = {
		.failure = failure,
		.headers = slice_str(""),
		.body = slice_str(""),
		.timings = { .dns = call->dns_us, .connect = -1, .tls = -1, .first_byte = -1 },
		.reason = slice_str(reason),
	};

	end(call, &answer);
}

static int64_t info_us(CURL *easy, CURLINFO info, int64_t from_us)
{
	curl_off_t us = 0;

	curl_easy_getinfo(easy, info, &us);
	return us > 0 ? from_us + us : -1;
}

static void timings_read(const struct client_call *call, CURL *easy, struct http_timings *ret)
{
	int64_t from_us = call->started_us - call->sent_us;
	long connections = 0;

	*ret = (struct http_timings){ .dns = call->dns_us, .connect = -1, .tls = -1 };
	ret->first_byte = info_us(easy, CURLINFO_STARTTRANSFER_TIME_T, from_us);
	curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connections);
	if (connections == 0)
		return;
	ret->connect = info_us(easy, CURLINFO_CONNECT_TIME_T, from_us);
	ret->tls = info_us(easy, CURLINFO_APPCONNECT_TIME_T, from_us);
}

static void end_slot(struct client_slot *slot)
{
	struct http_answer answer = {
		.failure = slot->failure,
		.status = slot->status,
		.headers = buf_slice(&slot->headers),
		.body = buf_slice(&slot->body),
		.tls_key_known = slot->tls_key_known,
		.reason = slice_str(slot->reason),
	};

	memcpy(answer.tls_key, slot->tls_key, sizeof(answer.tls_key));
	timings_read(slot->call, slot->easy, &answer.timings);
	end(slot->call, &answer);
}

void client_call_finish(struct client_slot *slot, CURLcode result)
{
	/* libcurl takes an end within the headers for the end of the answer. */
	if (result == CURLE_OK && !slot->headers_done)
		result = CURLE_PARTIAL_FILE;
	if (result != CURLE_OK) {
		client_reason_fill(slot, result);
	} else {
		/* An address that was refused does not matter when the next one answered. */
		slot->failure = FAILURE_NONE;
		slot->reason[0] = '\0';
	}
	end_slot(slot);
}

static void on_deadline(struct client_timer *timer)
{
	struct client_call *call = CONTAINER_OF(timer, struct client_call, deadline);
	char reason[REASON_MAX];

	client_reason_timeout(call, reason, sizeof(reason));
	if (!call->slot) {
		fail(call, FAILURE_TIMEOUT, reason);
		return;
	}
	forget_loaded(call);
	call->slot->failure = FAILURE_TIMEOUT;
	slice_copy(call->slot->reason, sizeof(call->slot->reason), slice_str(reason));
	end_slot(call->slot);
}

static void start(struct client_call *call, const struct resolve_answer *addresses)
{
	struct client_peer *p = call->peer;

	if (client_peer_open(p))
		call->slot = client_slot_take(p);
	if (!call->slot) {
		fail(call, FAILURE_INTERNAL, "libcurl gave no handle; look at this machine's memory");
		return;
	}
	list_del(&call->link);
	if (client_slot_load(call->slot, call, addresses))
		return;
	forget_loaded(call);
	end_slot(call->slot);
}

static void on_resolved(void *ctx, const struct resolve_answer *answer)
{
	struct client_call *call = ctx;

	call->query = NULL;
	call->dns_us = clock_mono_us() - call->sent_us;
	if (answer->failure != FAILURE_NONE) {
		fail(call, answer->failure, answer->reason);
		return;
	}
	/* Another call's URL may have been read meanwhile. */
	client_target_read(call->peer, call->request->url);
	start(call, answer);
}

void client_call_begin(struct client_call *call)
{
	struct client_peer *p = call->peer;
	const struct client_target *target = client_target_read(p, call->request->url);
	const struct resolve_answer *cached;

	if (target->failure != FAILURE_NONE) {
		fail(call, target->failure, target->reason);
		return;
	}
	if (target->url.host_is_ip) {
		start(call, NULL);
		return;
	}
	cached = resolve_cached(p->client->resolve, target->url.host);
	if (cached)
		start(call, cached);
	else
		call->query = resolve_ask(p->client->resolve, target->url.host, on_resolved, call);
}

struct client_call *client_send(struct client_peer *p, const struct http_request *request, client_done_fn *done,
				void *ctx)
{
	struct client_call *call = mem_zalloc(sizeof(*call));

	assert(p->client && !p->client->closing);
	call->peer = p;
	call->request = request;
	call->done = done;
	call->ctx = ctx;
	call->sent_us = clock_mono_us();
	call->dns_us = -1;
	call->deadline.fire = on_deadline;
	client_timer_set(p->client, &call->deadline, client_now_ms(p->client) + p->settings->timeout_ms);
	list_push(&p->waiting, &call->link);
	p->waiting_count++;
	client_kick(p);
	return call;
}

void client_cancel(struct client_call **call)
{
	client_call_drop(*call);
	*call = NULL;
}
