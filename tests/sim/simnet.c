/*
 * The network with a character. Every endpoint's receiver is in a mood, drawn anew from time to time:
 * quick, slow, hanging, broken, busy (Retry-After), cutting connections before or after it took the
 * request, flaky, gone for good. A picky receiver refuses batches that hold a poisoned event. What
 * the receiver saw and what the sender learns are two things, and the judge is told of both.
 */
#include "simnet.h"

#include <stdio.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "judge.h"
#include "node.h"

struct simnet {
	struct sim *sim;
	struct list calls;
};

/* One request on its way there and back. */
struct call {
	struct list link;
	struct alarm alarm;
	struct simnet *net;
	struct exchange *exchange; /* NULL once nobody waits for the answer */
	struct sighting sighting;
	bool arrived;
	bool lost;	      /* it never gets there */
	int status;	      /* of the receiver; 0: it says nothing */
	enum failure failure; /* what the sender learns instead of a status */
	int64_t retry_after_s;
	int64_t answer_ms;
	struct buf body; /* of the answer */
};

/* --- reading the request as a receiver does --- */

static void read_events(struct slice body, struct sighting *x)
{
	const char *p = body.p, *end = body.p + body.n;

	while ((p = memmem(p, (size_t)(end - p), "\"id\":\"ev", 8))) {
		p += 8;
		if (x->count < BATCH_MAX)
			x->events[x->count++] =
				(uint16_t)((p[0] - '0') * 1000 + (p[1] - '0') * 100 + (p[2] - '0') * 10 + p[3] - '0');
	}
}

static struct slice header(const struct http_request *rq, const char *name)
{
	for (size_t i = 0; i < rq->header_count; i++)
		if (slice_is(rq->headers[i].name, name))
			return rq->headers[i].value;
	return slice_str("");
}

static void read_request(struct sim *s, const struct exchange *x, struct sighting *ret)
{
	static const struct hash_key key = { 1, 2 };
	long long attempt = 0;

	ret->endpoint = &s->endpoints[x->endpoint->number - 1];
	ret->settings = x->endpoint;
	ret->sent_ms = s->world.now_ms;
	ret->body_hash = hash_bytes(&key, x->request->body) ^ hash_bytes(&key, x->request->url);
	ret->body_bytes = x->request->body.n;
	slice_copy(ret->delivery_id, sizeof(ret->delivery_id), header(x->request, "webhook-id"));
	slice_to_i64(header(x->request, "webhook-attempt"), &attempt);
	ret->attempt = (uint32_t)attempt;
	read_events(x->request->body, ret);
}

/* --- the receiver --- */

static enum mood draw_mood(struct sim *s)
{
	static const enum mood often[] = { MOOD_FAST,	MOOD_FAST, MOOD_FAST,	MOOD_SLOW, MOOD_HANGS,
					   MOOD_BROKEN, MOOD_BUSY, MOOD_RESETS, MOOD_FLAKY };

	if (world_chance(&s->world, 0.02))
		return MOOD_GONE;
	return often[world_draw(&s->world, 0, 8)];
}

static enum mood mood_of(struct sim *s, struct receiver *r)
{
	struct world *w = &s->world;

	if (s->healed)
		return MOOD_FAST;
	if (w->now_ms >= r->mood_until_ms) {
		r->mood = draw_mood(s);
		r->mood_until_ms = w->now_ms + world_draw(w, 5, world_chance(w, 0.2) ? 3600 : 300) * 1000;
	}
	return r->mood;
}

static bool holds_poison(const struct sim *s, const struct call *c)
{
	for (int i = 0; i < c->sighting.count; i++)
		if (s->events[c->sighting.events[i]].poison)
			return true;
	return false;
}

static void cut_connection(struct sim *s, struct call *c, enum failure failure)
{
	c->failure = failure;
	c->lost = world_chance(&s->world, 0.5);
}

/* Decides what becomes of the request; returns after how long the answer is there. */
static int64_t decide(struct sim *s, struct call *c, enum mood mood)
{
	struct world *w = &s->world;
	int64_t quick = world_draw(w, 1, 60);

	c->status = 200;
	switch (mood) {
	case MOOD_SLOW:
		return world_draw(w, 500, 8000);
	case MOOD_HANGS:
		cut_connection(s, c, FAILURE_TIMEOUT);
		return INT64_MAX;
	case MOOD_BROKEN:
		c->status = (int)world_draw(w, 500, 502);
		break;
	case MOOD_BUSY:
		c->status = world_chance(w, 0.5) ? 429 : 503;
		c->retry_after_s = world_draw(w, 0, 400);
		break;
	case MOOD_RESETS:
		cut_connection(s, c, world_chance(w, 0.7) ? FAILURE_RESET : FAILURE_CONNECT);
		break;
	case MOOD_FLAKY:
		if (world_chance(w, 0.4))
			c->status = world_chance(w, 0.5) ? 500 : 404;
		break;
	case MOOD_GONE:
		c->status = 410;
		break;
	default:
		break;
	}
	return quick;
}

/* --- receivers who name what they took --- */

enum answering { ANSWER_ALL, ANSWER_SOME, ANSWER_NONE, ANSWER_BROKEN, ANSWER_DTD, ANSWER_NOTHING };

static enum answering draw_answering(struct sim *s)
{
	return s->healed || world_chance(&s->world, 0.5) ? ANSWER_ALL
							 : (enum answering)world_draw(&s->world, 0, ANSWER_NOTHING);
}

/* Writes the answer. What a broken one names is not taken: nobody can rely on it. */
static void write_acks(struct sim *s, struct call *c)
{
	enum answering how = draw_answering(s);
	struct sighting *x = &c->sighting;
	bool lie = s->broken == BREAK_FALSE_ACK && world_chance(&s->world, 0.2);

	if (how == ANSWER_NOTHING)
		return;
	buf_add_str(&c->body, how == ANSWER_DTD ? "<!DOCTYPE r [<!ENTITY x 'y'>]><r>" : "<?xml version='1.0'?><r>\n");
	if (world_chance(&s->world, 0.2))
		buf_add_str(&c->body, "<id_sms>m9999</id_sms><id_sms></id_sms>");
	for (int i = 0; i < x->count; i++) {
		bool named = how != ANSWER_NONE && (how != ANSWER_SOME || world_chance(&s->world, 0.6));
		int message = s->events[x->events[i]].message;

		s->sabotaged |= lie && !named;
		if (!named && !lie)
			continue;
		buf_addf(&c->body, "<a><id_sms> m%d </id_sms></a>", message);
		/* An id stands for each item of its message. */
		for (int k = 0; k < x->count; k++)
			x->taken[k] |= named && how <= ANSWER_SOME && s->events[x->events[k]].message == message;
	}
	buf_add_str(&c->body, how == ANSWER_BROKEN ? "<id_sms>" : "</r>");
}

/* What the receiver takes. */
static void take(struct sim *s, struct call *c)
{
	bool success = endpoint_success(c->sighting.settings, c->status);

	buf_init(&c->body, 8192);
	for (int i = 0; i < c->sighting.count; i++)
		c->sighting.taken[i] = success && c->sighting.settings->ack == ACK_NONE;
	if (success && c->sighting.settings->ack != ACK_NONE)
		write_acks(s, c);
}

static void plan(struct sim *s, struct call *c)
{
	struct receiver *r = &c->sighting.endpoint->receiver;
	int64_t timeout = c->sighting.settings->peer.timeout_ms, takes = decide(s, c, mood_of(s, r));

	if (r->picky && c->status == 200 && c->failure == FAILURE_NONE && holds_poison(s, c))
		c->status = r->refusal;
	take(s, c);
	if (takes >= timeout) {
		c->failure = FAILURE_TIMEOUT;
		takes = timeout;
	}
	c->answer_ms = s->world.now_ms + takes;
	world_set(&s->world, &c->alarm, s->world.now_ms + world_draw(&s->world, 0, takes - 1));
}

/* --- there and back --- */

static void call_free(struct call *c)
{
	world_cancel(&c->net->sim->world, &c->alarm);
	list_del(&c->link);
	buf_free(&c->body);
	mem_free(c);
}

static void arrive(struct call *c)
{
	struct sim *s = c->net->sim;

	c->arrived = true;
	world_set(&s->world, &c->alarm, c->answer_ms);
	if (c->lost)
		return;
	judge_arrived(s, &c->sighting);
	if (s->broken == BREAK_DOUBLE_SEND && world_chance(&s->world, 0.05)) {
		s->sabotaged = true;
		judge_arrived(s, &c->sighting);
	}
}

static void answer(struct call *c)
{
	struct sim *s = c->net->sim;
	char headers[40] = "";
	struct http_answer a = { .failure = c->failure, .status = c->failure ? 0 : c->status };

	a.timings = (struct http_timings){ -1, -1, -1, -1, (s->world.now_ms - c->sighting.sent_ms) * 1000 };
	if (c->retry_after_s > 0)
		snprintf(headers, sizeof(headers), "Retry-After: %d\r\n", (int)c->retry_after_s);
	a.headers = slice_str(headers);
	if (!c->failure)
		a.body = buf_slice(&c->body);
	if (s->broken == BREAK_FALSE_SUCCESS && a.status >= 500 && world_chance(&s->world, 0.2)) {
		s->sabotaged = true;
		a.status = 200;
	}
	judge_answered(s, &c->sighting, &a);
	list_del(&c->link);
	list_init(&c->link);
	node_answer(s->node, c->exchange, &a);
	call_free(c);
}

static void ring(struct alarm *alarm)
{
	struct call *c = CONTAINER_OF(alarm, struct call, alarm);

	if (!c->arrived)
		arrive(c);
	else if (c->exchange)
		answer(c);
	else
		call_free(c);
}

void simnet_send(struct simnet *net, struct exchange *x)
{
	struct call *c = mem_zalloc(sizeof(*c));

	c->net = net;
	c->exchange = x;
	c->alarm.ring = ring;
	x->host_data = c;
	read_request(net->sim, x, &c->sighting);
	judge_sent(net->sim, &c->sighting);
	list_push(&net->calls, &c->link);
	plan(net->sim, c);
	net->sim->totals.exchanges++;
}

void simnet_cancel(struct simnet *net, struct exchange *x)
{
	struct call *c = x->host_data;

	c->exchange = NULL;
	if (!c->arrived && world_chance(&net->sim->world, 0.5))
		c->lost = true;
}

void simnet_crash(struct simnet *net)
{
	LIST_EACH (l, &net->calls) {
		struct call *c = CONTAINER_OF(l, struct call, link);

		if (c->exchange)
			simnet_cancel(net, c->exchange);
	}
}

int simnet_in_flight(const struct simnet *net, const struct sim_endpoint *ep)
{
	int count = 0;

	LIST_EACH (l, &net->calls) {
		const struct call *c = CONTAINER_OF(l, struct call, link);

		count += c->exchange && c->sighting.endpoint == ep;
	}
	return count;
}

struct simnet *simnet_new(struct sim *s)
{
	struct simnet *net = mem_zalloc(sizeof(*net));

	net->sim = s;
	list_init(&net->calls);
	return net;
}

void simnet_free(struct simnet **net)
{
	LIST_EACH (l, &(*net)->calls)
		call_free(CONTAINER_OF(l, struct call, link));
	mem_free(*net);
	*net = NULL;
}
