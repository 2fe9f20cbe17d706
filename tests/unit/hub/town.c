/* The memory store stands in for the disk; everything else is what the daemon runs. */
#include "town.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/server.h"
#include "store/store.h"

#define ANSWER_MAX (64u << 20)

/* --- the receiver --- */

static void keep(struct town *t, struct server_request *rq)
{
	size_t i = t->received_count;

	if (i == TOWN_RECEIVED)
		return;
	slice_copy(t->received[i].path, sizeof(t->received[i].path), server_path(rq));
	t->received[i].body = slice_dup(server_body(rq));
	t->received_count++;
}

static size_t answer_for(struct town *t, struct slice path)
{
	size_t i = 0;

	while (i < t->answer_count && !slice_is(path, t->answers[i].path))
		i++;
	return i;
}

static void receive(void *ctx, struct server_request *rq)
{
	struct town *t = ctx;
	char media_type[sizeof(t->answers[0].media_type)] = "text/plain";
	char *body = NULL;
	int status = 200;
	size_t i;

	pthread_mutex_lock(&t->lock);
	keep(t, rq);
	i = answer_for(t, server_path(rq));
	if (i < t->answer_count) {
		status = t->answers[i].status;
		slice_copy(media_type, sizeof(media_type), slice_str(t->answers[i].media_type));
		body = mem_strdup(t->answers[i].body);
	}
	pthread_mutex_unlock(&t->lock);
	if (status >= 300 && status <= 399)
		server_answer(rq, status, NULL, SLICE_LIT(""), &(struct server_header_out){ "Location", body }, 1);
	else
		server_answer(rq, status, media_type, slice_str(body), NULL, 0);
	mem_free(body);
}

void town_answer(struct town *t, const char *path, int status, const char *media_type, const char *body)
{
	size_t i;

	pthread_mutex_lock(&t->lock);
	i = answer_for(t, slice_str(path));
	assert_true(i < TOWN_ANSWERS);
	slice_copy(t->answers[i].path, sizeof(t->answers[i].path), slice_str(path));
	slice_copy(t->answers[i].media_type, sizeof(t->answers[i].media_type), slice_str(media_type));
	t->answers[i].status = status;
	mem_free(t->answers[i].body);
	t->answers[i].body = mem_strdup(body);
	if (i == t->answer_count)
		t->answer_count++;
	pthread_mutex_unlock(&t->lock);
}

static size_t count_locked(struct town *t, const char *path, size_t wanted, const char **ret_body)
{
	size_t count = 0;

	for (size_t i = 0; i < t->received_count; i++)
		if (strcmp(t->received[i].path, path) == 0 && count++ == wanted && ret_body)
			*ret_body = t->received[i].body;
	return count;
}

size_t town_count(struct town *t, const char *path)
{
	size_t count;

	pthread_mutex_lock(&t->lock);
	count = count_locked(t, path, 0, NULL);
	pthread_mutex_unlock(&t->lock);
	return count;
}

const char *town_body(struct town *t, const char *path, size_t index)
{
	const char *body = NULL;

	TOWN_WAIT(town_count(t, path) > index);
	pthread_mutex_lock(&t->lock);
	count_locked(t, path, index, &body);
	pthread_mutex_unlock(&t->lock);
	return body;
}

const char *town_field(struct town *t, const char *path, size_t index, const char *name)
{
	struct slice rest = slice_str(town_body(t, path, index));

	while (rest.n > 0) {
		size_t end = slice_find(rest, '&');
		struct slice pair = slice_of(rest.p, end);
		size_t equals = slice_find(pair, '=');

		buf_reset(&t->scratch);
		percent_decode(&t->scratch, slice_of(pair.p, equals), true);
		if (slice_is(buf_slice(&t->scratch), name)) {
			buf_reset(&t->scratch);
			if (equals < pair.n)
				percent_decode(&t->scratch, slice_from(pair, equals + 1), true);
			return buf_str(&t->scratch);
		}
		rest = slice_from(rest, end < rest.n ? end + 1 : end);
	}
	return NULL;
}

/* --- life --- */

static void start_receiver(struct town *t)
{
	struct server_options o = { .address = "127.0.0.1:0",
				    .threads = 2,
				    .body_max = 4u << 20,
				    .connections_max = 100,
				    .idle_timeout_s = 30 };
	struct fault fault = NO_FAULT;
	char address[64];

	if (server_start(&o, receive, t, &t->receiver, &fault))
		fail_msg("%s", fault.message);
	server_address(t->receiver, address, sizeof(address));
	snprintf(t->url, sizeof(t->url), "http://%s", address);
}

static void put_json(struct town *t, const char *text, struct json *ret)
{
	if (json_parse(&t->doc, slice_str(text), &json_limits_default, NULL))
		fail_msg("no JSON: %s", text);
	*ret = json_root(&t->doc);
}

static void start_node(struct town *t)
{
	struct store_options store = STORE_OPTIONS_DEFAULT;
	struct hub_options hub = { .public_url = "http://127.0.0.1:8420", .test_step_ms = 20 };
	struct node_options node = { .guard = t->guard, .stop_ms = 2000, .limits = engine_limits_default };
	struct fault fault = NO_FAULT;
	struct json settings;

	t->hub = hub_new(&hub);
	node.hooks = hub_hooks(t->hub);
	node.store = store_memory_new(&store);
	if (node_start(&node, &t->node, &fault) || hub_attach(t->hub, t->node, &fault))
		fail_msg("%s: %s", fault.param, fault.message);
	put_json(t, "{\"name\":\"P\"}", &settings);
	if (node_project_put(t->node, SLICE_LIT("p"), settings, false, NULL, &fault))
		fail_msg("%s: %s", fault.param, fault.message);
}

int town_begin(void **state)
{
	struct town *t = mem_zalloc(sizeof(*t));

	setenv("CMOCKA_TEST_ABORT", "1", 1);
	pthread_mutex_init(&t->lock, NULL);
	buf_init(&t->answer, ANSWER_MAX);
	buf_init(&t->scratch, ANSWER_MAX);
	json_doc_init(&t->doc);
	t->origin = ORIGIN_API;
	t->guard = guard_new();
	assert_int_equal(guard_allow_net(t->guard, SLICE_LIT("127.0.0.0/8"), NULL), 0);
	assert_int_equal(guard_allow_ports(t->guard, SLICE_LIT("1-65535"), NULL), 0);
	start_receiver(t);
	start_node(t);
	*state = t;
	return 0;
}

int town_end(void **state)
{
	struct town *t = *state;

	hub_detach(t->hub);
	node_stop(&t->node);
	hub_free(&t->hub);
	server_stop(&t->receiver);
	guard_free(&t->guard);
	for (size_t i = 0; i < t->answer_count; i++)
		mem_free(t->answers[i].body);
	for (size_t i = 0; i < t->received_count; i++)
		mem_free(t->received[i].body);
	json_doc_free(&t->doc);
	buf_free(&t->answer);
	buf_free(&t->scratch);
	pthread_mutex_destroy(&t->lock);
	mem_free(t);
	return 0;
}

/* --- deeds --- */

struct task {
	struct town *t;
	town_fn *fn;
	void *ctx;
};

static void run_deed(void *ctx, struct book *b)
{
	struct task *task = ctx;
	struct fault fault = NO_FAULT;
	struct arena arena;
	struct deed d = { .hub = task->t->hub,
			  .book = b,
			  .project = SLICE_LIT("p"),
			  .origin = task->t->origin,
			  .now_ms = b ? book_now_ms(b) : node_now_ms(task->t->node),
			  .arena = &arena,
			  .fault = &fault };

	arena_init(&arena);
	task->fn(&d, task->ctx);
	arena_free(&arena);
}

void town_do(struct town *t, town_fn *fn, void *ctx)
{
	struct task task = { t, fn, ctx };

	assert_int_equal(node_book_wait(t->node, run_deed, &task), 0);
}

void town_look(struct town *t, town_fn *fn, void *ctx)
{
	struct task task = { t, fn, ctx };

	node_book_read(t->node, run_deed, &task);
}

/* --- REST --- */

struct rest_call {
	struct town *t;
	rest_op *op;
	struct slice id, other;
	const char *params;
};

static void show_fault(struct town *t, const struct fault *fault)
{
	struct json_writer w;

	buf_reset(&t->answer);
	json_writer_init(&w, &t->answer);
	json_begin_object(&w);
	json_key(&w, "error");
	json_begin_object(&w);
	json_member_str(&w, "code", fault->code);
	json_member_str(&w, "message", fault->message);
	json_member_str(&w, "param", fault->param);
	json_end_object(&w);
	json_end_object(&w);
}

static int status_of(int err)
{
	return err == ERR_INVALID ? 400 : err == ERR_NOT_FOUND ? 404 : 500;
}

static void call_op(struct deed *d, void *ctx)
{
	struct rest_call *call = ctx;
	struct town *t = call->t;
	struct json_writer w;
	struct json_doc doc;
	struct rest r = { .deed = *d,
			  .id = call->id,
			  .other = call->other,
			  .w = &w,
			  .node = t->node,
			  .admin = t->admin,
			  .status = 200 };
	int err;

	json_doc_init(&doc);
	if (call->params && json_parse(&doc, slice_str(call->params), &json_limits_default, NULL))
		fail_msg("no JSON: %s", call->params);
	r.params = json_root(&doc);
	buf_reset(&t->answer);
	json_writer_init(&w, &t->answer);
	err = call->op(&r);
	t->status = err ? status_of(err) : r.status;
	if (err)
		show_fault(t, r.deed.fault);
	else if (t->answer.n == 0)
		buf_add_str(&t->answer, "{}");
	json_doc_free(&doc);
}

int town_rest(struct town *t, enum rest_way way, rest_op *op, const char *id, const char *other, const char *params)
{
	struct rest_call call = { t, op, slice_str(id), slice_str(other), params };
	struct task task = { t, call_op, &call };

	if (way == REST_WRITES)
		town_do(t, call_op, &call);
	else if (way == REST_READS)
		town_look(t, call_op, &call);
	else
		run_deed(&task, NULL);
	assert_int_equal(json_parse(&t->doc, buf_slice(&t->answer), &json_limits_default, NULL), 0);
	return t->status;
}

struct json town_at(struct town *t, const char *path)
{
	return json_path(json_root(&t->doc), slice_str(path));
}

const char *town_text(struct town *t, const char *path)
{
	buf_reset(&t->scratch);
	json_text(town_at(t, path), &t->scratch);
	return buf_str(&t->scratch);
}

/* One request at a time: what is told one after the other arrives so. */
void town_endpoint(struct town *t, const char *id, const char *path, const char *events)
{
	struct owner owner = { SLICE_LIT("p"), false };
	struct fault fault = NO_FAULT;
	struct json settings;
	char text[1024];

	snprintf(text, sizeof(text),
		 "{\"preset\":\"telerivet\",\"url\":\"%s%s\",\"secret\":\"s3cret\",\"ports\":null,"
		 "\"concurrency\":1,\"events\":%s}",
		 t->url, path, events);
	put_json(t, text, &settings);
	if (node_endpoint_change(t->node, owner, slice_str(id), settings, ENDPOINT_REPLACE, NULL, &fault))
		fail_msg("%s: %s", fault.param, fault.message);
}
