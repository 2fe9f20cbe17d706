/*
 * A test request is answered when its endpoint has answered, on the loop's thread, or when the API stops, whichever is
 * first. So the entry outlives the call: the one who takes the call out of it, under the lock, answers it, and the
 * entry goes when the node has called back.
 */
#include "api/tests.h"

#include "api/answer.h"
#include "api/endpoint_show.h"
#include "api/exchange_show.h"
#include "base/clock.h"
#include "base/mem.h"
#include "dialect/ack.h"

#define UNDER_WAY_MAX 64
#define ACK_WORDS_MAX 2048

struct tests {
	pthread_mutex_t lock;
	struct list entries;
	size_t count;
	bool stopping;
};

struct entry {
	struct list link;
	struct tests *tests;
	struct call *call; /* NULL once it is answered */
	struct endpoint *endpoint;
	struct event **events;
	size_t count;
};

struct tests *tests_new(void)
{
	struct tests *t = mem_zalloc(sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	list_init(&t->entries);
	return t;
}

static void entry_free(struct entry *e)
{
	endpoint_unref(&e->endpoint);
	for (size_t i = 0; i < e->count; i++)
		event_unref(&e->events[i]);
	mem_free(e->events);
	mem_free(e);
}

void tests_free(struct tests **tp)
{
	struct tests *t = *tp;
	struct list *l;

	while ((l = list_pop(&t->entries)))
		entry_free(CONTAINER_OF(l, struct entry, link));
	pthread_mutex_destroy(&t->lock);
	mem_free(t);
	*tp = NULL;
}

/* --- the answer --- */

static void write_event(struct json_writer *w, const struct event *ev)
{
	json_key(w, "event");
	event_shown(w, ev);
}

/* As a delivery would be judged, acknowledgement included; what its reader has to say is appended to words. */
static bool is_taken(const struct entry *e, const struct http_answer *answer, int *ret_code, struct buf *words)
{
	bool ok = answer->failure == FAILURE_NONE && endpoint_success(e->endpoint, answer->status), all = true;
	struct ack_result result;
	bool *acked;

	*ret_code = answer->failure == FAILURE_NONE ? answer->status : -(int)answer->failure;
	if (answer->failure != FAILURE_NONE || e->endpoint->ack == ACK_NONE || !ack_status(e->endpoint, answer->status))
		return ok;
	acked = mem_zalloc(e->count * sizeof(*acked));
	result = ack_read(e->endpoint, e->events, e->count, answer->body, acked, words);
	for (size_t i = 0; i < e->count; i++)
		all &= acked[i];
	mem_free(acked);
	if (ok && result.worthless)
		*ret_code = -FAILURE_BAD_ACK;
	return all;
}

static void write_reason(struct json_writer *w, const struct entry *e, const struct http_answer *answer, bool ok,
			 struct slice words)
{
	json_key(w, "reason");
	if (words.n > 0)
		json_put_string(w, words);
	else if (answer->reason.n > 0)
		json_put_string(w, answer->reason);
	else if (!ok)
		status_reason_show(w, e->endpoint, e->events[0], answer->status, answer->headers);
	else
		json_put_null(w);
}

static void write_exchange(struct json_writer *w, const struct entry *e, const struct request *rq,
			   const struct http_answer *answer)
{
	struct buf words;
	int code;
	bool ok;

	buf_init(&words, ACK_WORDS_MAX);
	ok = is_taken(e, answer, &code, &words);
	json_begin_object(w);
	json_member_str(w, "outcome", ok ? "ok" : "failed");
	json_key(w, "code");
	code_write(w, code);
	write_reason(w, e, answer, ok, buf_slice(&words));
	buf_free(&words);
	json_key(w, "duration_ms");
	ms_write(w, answer->timings.total);
	json_key(w, "timings");
	timings_show(w, &answer->timings);
	json_key(w, "request");
	request_show(w, e->endpoint, e->events[0], &rq->http, SHOWN_BODY_MAX);
	json_key(w, "response");
	if (answer->status)
		response_show(w, e->endpoint, e->events[0], answer->headers, answer->body, answer->body.n);
	else
		json_put_null(w);
	write_event(w, e->events[0]);
	json_end_object(w);
}

static void on_done(void *ctx, const struct request *rq, const struct http_answer *answer, const struct fault *fault)
{
	struct entry *e = ctx;
	struct tests *t = e->tests;
	struct call *c;

	pthread_mutex_lock(&t->lock);
	list_del(&e->link);
	t->count--;
	c = e->call;
	pthread_mutex_unlock(&t->lock);
	if (c && answer) {
		write_exchange(answer_begin(c), e, rq, answer);
		answer_json(c, 200);
	} else if (c) {
		answer_fault(c, 422, fault);
	}
	entry_free(e);
}

/* --- the way out --- */

static const char *enter(struct tests *t, struct entry *e, int *ret_status)
{
	const char *refusal = NULL;

	pthread_mutex_lock(&t->lock);
	if (t->stopping) {
		refusal = "postrider is stopping";
		*ret_status = 503;
	} else if (t->count >= UNDER_WAY_MAX) {
		refusal = "too many tests are under way; try again in a moment";
		*ret_status = 429;
	} else {
		list_push(&t->entries, &e->link);
		t->count++;
	}
	pthread_mutex_unlock(&t->lock);
	return refusal;
}

void tests_send(struct tests *t, struct call *c, struct endpoint *ep, struct event *const *events, size_t count)
{
	struct entry *e = mem_zalloc(sizeof(*e));
	struct node *n = c->node;
	const char *refusal;
	int status;

	*e = (struct entry){ .tests = t,
			     .call = c,
			     .endpoint = endpoint_ref(ep),
			     .events = mem_dup(events, count * sizeof(struct event *)),
			     .count = count };
	for (size_t i = 0; i < count; i++)
		event_ref(e->events[i]);
	list_init(&e->link);
	refusal = enter(t, e, &status);
	if (refusal) {
		answer_error(c, status, "busy", NULL, "%s", refusal);
		entry_free(e);
		return;
	}
	/* From here on the stop may answer the call and the loop may free the entry. */
	node_send_once(n, ep, events, count, on_done, e);
}

void tests_quiesce(struct tests *t)
{
	pthread_mutex_lock(&t->lock);
	t->stopping = true;
	LIST_EACH (it, &t->entries) {
		struct entry *e = CONTAINER_OF(it, struct entry, link);

		if (e->call)
			answer_error(e->call, 503, "busy", NULL,
				     "postrider is stopping; the endpoint has not answered yet");
		e->call = NULL;
	}
	pthread_mutex_unlock(&t->lock);
}
