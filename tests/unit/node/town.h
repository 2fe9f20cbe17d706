/* A node, a receiver and a folder for its data: what every test of the node begins with. */
#ifndef TESTS_UNIT_NODE_TOWN_H
#define TESTS_UNIT_NODE_TOWN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/node.h"
#include "sink.h"

struct town {
	char dir[64];
	struct node_options options;
	struct guard *guard;
	struct sink *sink;
	struct node *node;
};

/* Makes all of it and starts the node with a project "p". */
void town_open(struct town *t, unsigned shards);
/* Only the node, on a folder that another process made, with the hooks in options. */
void town_found(struct town *t, const char *dir, unsigned shards);
void town_close(struct town *t);
void town_start(struct town *t);
void town_stop(struct town *t);
/* Starts it anew, with these hooks. */
void town_hook(struct town *t, const struct node_hooks *hooks);

/* Parses and submits one event and waits for its commit. Returns what done was told; *ret_duplicate may be NULL. */
int town_post(struct town *t, const char *project, const char *event, bool *ret_duplicate);
/* A send_status of message `id`, event id "e-ID". */
int town_status(struct town *t, const char *project, const char *id);
/* PUT of an endpoint of project p at the sink's path, settings as further members (", …" or ""). Asserts success. */
void town_endpoint(struct town *t, const char *id, const char *path, const char *more);
/* The same, returning the error. */
int town_change(struct town *t, struct owner owner, const char *id, const char *settings, enum endpoint_change how,
		struct fault *fault);
/* The same event with a target; made by the hub only. Takes number 0 for none. One reference. */
struct event *town_made(struct town *t, const char *project, const char *id, uint64_t target);
struct endpoint_view town_view(struct town *t, const char *id);

/* Waits until the condition holds; the test fails when it does not within 20 s. */
#define TOWN_WAIT(t, condition)                                                                                        \
	do {                                                                                                           \
		for (int64_t end_ = clock_mono_us() + 20000000; !(condition);) {                                       \
			assert_true(clock_mono_us() < end_);                                                           \
			sink_breathe((t)->sink);                                                                       \
		}                                                                                                      \
	} while (0)

#define PROJECT(name) ((struct owner){ SLICE_LIT(name), false })

#endif
