/* Replays: count what would be sent again, start it, watch it, cancel it. The work is the node's. */
#include "api/event_ids.h"
#include "api/handlers.h"
#include "api/owner.h"
#include "base/when.h"

/* --- the question --- */

static bool is_known(struct slice name)
{
	return slice_is(name, "since") || slice_is(name, "until") || slice_is(name, "outcome") ||
	       slice_is(name, "count_only") || slice_is(name, "event_ids");
}

/* A misspelt limit would send more than was meant, so unknown members are refused. */
static int check_names(struct json body, struct fault *fault)
{
	struct json_iter it = json_each(body);
	struct buf scratch;
	char param[64];
	int err = 0;

	buf_init(&scratch, 4096);
	while (!err && json_next(&it)) {
		struct slice name = json_text_slice(it.key, &scratch);

		slice_copy(param, sizeof(param), name);
		if (!is_known(name))
			err = fault_param(fault, param,
					  "is not known here; since, until, outcome, count_only and event_ids are");
	}
	buf_free(&scratch);
	return err;
}

static int read_time(struct json body, const char *name, int64_t *ret_ms, struct fault *fault)
{
	struct json v = json_get(body, name);
	struct buf scratch;
	bool good;

	*ret_ms = 0;
	if (json_is_nil(v))
		return 0;
	buf_init(&scratch, 4096);
	good = when_read(json_text_slice(v, &scratch), ret_ms);
	buf_free(&scratch);
	return good ? 0 : fault_param(fault, name, WHEN_WANTED);
}

static int read_query(struct json body, struct replay_query *q, bool *ret_count_only, struct fault *fault)
{
	struct json outcome = json_get(body, "outcome"), count = json_get(body, "count_only");

	if (check_names(body, fault) || read_time(body, "since", &q->since_ms, fault) ||
	    read_time(body, "until", &q->until_ms, fault))
		return ERR_INVALID;
	if (!json_is_nil(outcome) && !json_is(outcome, "failed") && !json_is(outcome, "all"))
		return fault_param(fault, "outcome", "must be \"failed\" (the default) or \"all\"");
	if (!json_is_nil(count) && json_type(count) != JSON_TRUE && json_type(count) != JSON_FALSE)
		return fault_param(fault, "count_only", "must be true or false");
	if (q->since_ms && q->until_ms && q->since_ms > q->until_ms)
		return fault_param(fault, "until", "lies before since");
	if (!json_is_nil(json_get(body, "event_ids")) && (q->since_ms || q->until_ms || !json_is_nil(outcome)))
		return fault_param(fault, "event_ids", "says already which; leave since, until and outcome out");
	q->failed_only = !json_is(outcome, "all");
	*ret_count_only = json_type(count) == JSON_TRUE;
	return 0;
}

/* --- the answers --- */

static void answer_replay(struct call *c, struct slice id, int status)
{
	if (node_replay_write(c->node, call_owner(c), c->params[1], id, answer_begin(c)))
		answer_error(c, 404, "not_found", NULL, "there is no replay \"%.*s\" of this endpoint", SLICE_ARG(id));
	else
		answer_json(c, status);
}

static void count(struct call *c, const struct replay_query *q)
{
	struct fault fault = NO_FAULT;
	struct json_writer *w;
	int64_t n = 0;
	int err = node_replay_count(c->node, call_owner(c), c->params[1], q, &n, &fault);

	if (err) {
		answer_err(c, err, &fault);
		return;
	}
	w = answer_begin(c);
	json_begin_object(w);
	json_member_i64(w, "count", n);
	json_end_object(w);
	answer_json(c, 200);
}

static void start(struct call *c, const struct replay_query *q)
{
	struct fault fault = NO_FAULT;
	char id[ID_BYTES];
	int err = node_replay_start(c->node, call_owner(c), c->params[1], q, id, &fault);

	if (err)
		answer_err(c, err, &fault);
	else
		answer_replay(c, slice_str(id), 202);
}

/* event_ids, when they are there. False: answered. */
static bool read_chosen(struct call *c, struct json body, struct replay_query *q, int64_t *seqs)
{
	struct json ids = json_get(body, "event_ids");

	if (json_is_nil(ids))
		return true;
	q->seqs = seqs;
	q->failed_only = false;
	return event_ids_read(c, ids, call_owner(c), seqs, &q->seq_count);
}

void replay_start(struct call *c)
{
	struct fault fault = NO_FAULT;
	struct replay_query q = { 0 };
	struct json body;
	bool count_only = false;
	int64_t *seqs = arena_alloc(&c->arena, REPLAY_CHOSEN_MAX * sizeof(*seqs));

	if (!call_body_or_none(c, &body))
		return;
	if (read_query(body, &q, &count_only, &fault)) {
		answer_err(c, ERR_INVALID, &fault);
		return;
	}
	if (!read_chosen(c, body, &q, seqs))
		return;
	if (count_only)
		count(c, &q);
	else
		start(c, &q);
}

void replay_get(struct call *c)
{
	answer_replay(c, c->params[2], 200);
}

void replay_cancel(struct call *c)
{
	struct fault fault = NO_FAULT;
	int err = node_replay_cancel(c->node, call_owner(c), c->params[1], c->params[2], &fault);

	if (err)
		answer_err(c, err, &fault);
	else
		answer_empty(c);
}
