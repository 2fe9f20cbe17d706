/* A whole postrider in the test's process, with a receiver beside it: real node, real server, real client. */
#ifndef TEST_API_RIG_H
#define TEST_API_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "api/api.h"
#include "base/json.h"
#include "hub/hub.h"

#define ADMIN_KEY "test-admin-key-0123456789"
#define REST	  5 /* ms between two looks at a condition */

struct rig {
	struct guard *guard;
	struct hub *hub;
	struct watch *watch;
	struct node *node;
	struct api *api;
	struct server *server;
	char url[128];
	const char *key; /* of the calls; NULL: none */
	/* of the last call */
	int status;
	struct buf body, headers;
	struct json_doc doc;
	struct buf scratch;
	/* the receiver */
	struct server *receiver;
	char receiver_url[128];
	pthread_mutex_t lock;
	pthread_cond_t came;
	size_t received;
	int answer;
	bool hold; /* requests wait until it is false again */
	struct server_request *held[64];
	size_t held_count;
	struct buf last_body, last_headers;
};

int rig_begin(void **state);
int rig_end(void **state);

/* One call with rig->key. body NULL: none. Returns the status; the answer is in rig->body, parsed in rig->doc. */
int rig_call(struct rig *r, const char *method, const char *path, const char *body);
/* The same with one more header, or NULL. */
int rig_call_with(struct rig *r, const char *method, const char *path, const char *header, const char *body, size_t n);
/* The answer's value at a dotted path. */
struct json rig_at(struct rig *r, const char *path);
/* As text; "" when absent. Valid until the next one. */
const char *rig_text(struct rig *r, const char *path);
int64_t rig_number(struct rig *r, const char *path);

#define expect(r, path, wanted) assert_string_equal(rig_text((r), (path)), (wanted))
#define expect_error(r, c, p)                                                                                          \
	do {                                                                                                           \
		expect((r), "error.code", (c));                                                                        \
		expect((r), "error.param", (p));                                                                       \
	} while (0)

/* PUTs a project p1 and, with settings besides url, an endpoint e1 of it at the receiver. */
void rig_project(struct rig *r);
void rig_endpoint(struct rig *r, const char *more);
/* Waits until the receiver has had so many requests. */
void rig_wait_received(struct rig *r, size_t count);
/* Calls path again until the value at `at` is wanted; fails after some seconds. */
void rig_wait(struct rig *r, const char *path, const char *at, const char *wanted);
/* Lets held requests go. */
void rig_release(struct rig *r);

#endif
