/* Everything here fails the test when it goes wrong. */
#include "town.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/latch.h"
#include "base/mem.h"

static int project_put(struct town *t, const char *id, const char *settings)
{
	struct fault fault = { 0 };
	struct json_doc doc;
	int err;

	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, slice_str(settings), &json_limits_default, &fault), 0);
	err = node_project_put(t->node, slice_str(id), json_root(&doc), false, NULL, &fault);
	json_doc_free(&doc);
	return err;
}

void town_start(struct town *t)
{
	struct fault fault = { 0 };

	if (node_start(&t->options, &t->node, &fault))
		fail_msg("%s: %s", fault.code, fault.message);
}

void town_stop(struct town *t)
{
	node_stop(&t->node);
	assert_null(t->node);
}

void town_hook(struct town *t, const struct node_hooks *hooks)
{
	town_stop(t);
	t->options.hooks = hooks;
	town_start(t);
}

void town_found(struct town *t, const char *dir, unsigned shards)
{
	t->guard = guard_new();
	assert_int_equal(guard_allow_net(t->guard, SLICE_LIT("127.0.0.0/8"), NULL), 0);
	assert_int_equal(guard_allow_ports(t->guard, SLICE_LIT("1-65535"), NULL), 0);
	slice_copy(t->dir, sizeof(t->dir), slice_str(dir));
	t->options = (struct node_options){ .data_dir = t->dir,
					    .shards = shards,
					    .guard = t->guard,
					    .stop_ms = 5000,
					    .hooks = t->options.hooks,
					    .limits = engine_limits_default };
	t->options.limits.memory_age_ms = 500;
	town_start(t);
}

void town_open(struct town *t, unsigned shards)
{
	char dir[] = "/tmp/node-test-XXXXXX";

	*t = (struct town){ 0 };
	assert_non_null(mkdtemp(dir));
	t->sink = sink_start();
	town_found(t, dir, shards);
	assert_int_equal(project_put(t, "p", "{\"name\":\"P\"}"), 0);
}

static void remove_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(path);
}

void town_close(struct town *t)
{
	if (t->node)
		town_stop(t);
	sink_stop(&t->sink);
	guard_free(&t->guard);
	remove_folder(t->dir);
}

struct outcome {
	struct latch latch;
	int err;
	bool duplicate;
};

static void on_done(void *ctx, int err, const int64_t *seqs, const bool *duplicates)
{
	struct outcome *o = ctx;

	o->err = err;
	if (!err) {
		assert_true(seqs[0] > 0);
		o->duplicate = duplicates[0];
	}
	latch_set(&o->latch);
}

int town_post(struct town *t, const char *project, const char *event, bool *ret_duplicate)
{
	struct outcome o = { 0 };
	struct event *ev;
	struct submission s = { &ev, 1, on_done, &o };
	struct fault fault = { 0 };
	struct json_doc doc;

	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, slice_str(event), &json_limits_default, &fault), 0);
	assert_int_equal(event_parse(json_root(&doc), slice_str(project), node_now_ms(t->node), &ev, &fault), 0);
	json_doc_free(&doc);
	latch_init(&o.latch);
	node_submit(t->node, &s);
	latch_wait(&o.latch);
	latch_free(&o.latch);
	if (ret_duplicate)
		*ret_duplicate = o.duplicate;
	return o.err;
}

int town_status(struct town *t, const char *project, const char *id)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "{\"type\":\"send_status\",\"id\":\"e-%s\",\"message\":{\"id\":\"m-%s\",\"status\":\"delivered\"}}",
		 id, id);
	return town_post(t, project, text, NULL);
}

struct event *town_made(struct town *t, const char *project, const char *id, uint64_t target)
{
	char text[300], own[60] = "";

	if (target)
		snprintf(own, sizeof(own), ",\"postrider\":{\"to\":%llu}", (unsigned long long)target);
	snprintf(text, sizeof(text),
		 "{\"type\":\"send_status\",\"id\":\"e-%s\",\"message\":{\"id\":\"m-%s\",\"status\":\"delivered\"}%s}",
		 id, id, own);
	return event_make(slice_str(text), slice_str(project), node_now_ms(t->node));
}

int town_change(struct town *t, struct owner owner, const char *id, const char *settings, enum endpoint_change how,
		struct fault *fault)
{
	struct json_doc doc;
	int err;

	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, slice_str(settings), &json_limits_default, fault), 0);
	err = node_endpoint_change(t->node, owner, slice_str(id), json_root(&doc), how, NULL, fault);
	json_doc_free(&doc);
	return err;
}

void town_endpoint(struct town *t, const char *id, const char *path, const char *more)
{
	struct fault fault = { 0 };
	char text[1024];

	snprintf(text, sizeof(text), "{\"url\":\"http://127.0.0.1:%u%s\"%s}", sink_port(t->sink), path, more);
	if (town_change(t, PROJECT("p"), id, text, ENDPOINT_REPLACE, &fault))
		fail_msg("%s: %s", fault.param, fault.message);
}

struct endpoint_view town_view(struct town *t, const char *id)
{
	struct endpoint_view v;

	assert_int_equal(node_endpoint_get(t->node, PROJECT("p"), slice_str(id), &v), 0);
	return v;
}
