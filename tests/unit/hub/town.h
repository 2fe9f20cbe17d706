/*
 * A town for tests of the hub: a real node on the memory store, a hub with its hooks, a project "p", and a receiver on
 * 127.0.0.1 for what is sent. Everything here fails the test when it goes wrong.
 */
#ifndef TESTS_UNIT_HUB_TOWN_H
#define TESTS_UNIT_HUB_TOWN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/json.h"
#include "hub/hub.h"
#include "hub/rest.h"

#define TOWN_ANSWERS  16
#define TOWN_RECEIVED 256

struct town {
	struct guard *guard;
	struct node *node;
	struct hub *hub;
	enum event_origin origin; /* of the next deeds and REST calls; ORIGIN_API at first */
	bool admin;
	/* the last REST call: its answer, as text and parsed; of an error as the API shows it */
	int status;
	struct buf answer, scratch;
	struct json_doc doc;
	/* the receiver; under the lock */
	struct server *receiver;
	char url[128]; /* "http://127.0.0.1:PORT" */
	pthread_mutex_t lock;
	struct {
		char path[64], media_type[64];
		int status;
		char *body;
	} answers[TOWN_ANSWERS];
	struct {
		char path[256];
		char *body;
	} received[TOWN_RECEIVED];
	size_t answer_count, received_count;
};

/* For cmocka_unit_test_setup_teardown; *state is the town. */
int town_begin(void **state);
int town_end(void **state);

/*
 * Runs fn inside a commit and waits for it, with a deed for project p. fn may assert: it runs once on a memory store.
 * It does so on the store's thread, where cmocka cannot jump out of: what fails there says so and ends the program.
 */
typedef void town_fn(struct deed *d, void *ctx);
void town_do(struct town *t, town_fn *fn, void *ctx);
/* The same over a reader: nothing may be written. */
void town_look(struct town *t, town_fn *fn, void *ctx);

/*
 * Calls an operation as the API does: way says where it runs. id, other, params (JSON text of an object) may be NULL.
 * Returns the status: 200 or what the operation set, 400, 404, 500.
 */
int town_rest(struct town *t, enum rest_way way, rest_op *op, const char *id, const char *other, const char *params);
#define town_read(t, op, id, params)  town_rest((t), REST_READS, (op), (id), NULL, (params))
#define town_write(t, op, id, params) town_rest((t), REST_WRITES, (op), (id), NULL, (params))
#define town_block(t, op, id, params) town_rest((t), REST_BLOCKS, (op), (id), NULL, (params))

/* The answer's value at a dotted path, and as text ("" when absent; good until the next one). */
struct json town_at(struct town *t, const char *path);
const char *town_text(struct town *t, const char *path);
#define town_expect(t, path, wanted) assert_string_equal(town_text((t), (path)), (wanted))
#define town_expect_error(t, code, param)                                                                              \
	do {                                                                                                           \
		town_expect((t), "error.code", (code));                                                                \
		town_expect((t), "error.param", (param));                                                              \
	} while (0)

/* A webhook of project p at the receiver's path, that gets events of these types (JSON array text). */
void town_endpoint(struct town *t, const char *id, const char *path, const char *events);
/* From now on what comes to path is answered so; 200 without a body at first. Of a redirect body is the Location. */
void town_answer(struct town *t, const char *path, int status, const char *media_type, const char *body);
/* How many requests to path have come. */
size_t town_count(struct town *t, const char *path);
/* Waits for the index-th request to path and returns its body as it came; good until town_end. */
const char *town_body(struct town *t, const char *path, size_t index);
/* The decoded form field `name` ("contact[vars][a]") of that request; NULL when absent. Good until the next one. */
const char *town_field(struct town *t, const char *path, size_t index, const char *name);

/* Waits until the condition holds; the test fails when it does not within 20 s. */
#define TOWN_WAIT(condition)                                                                                           \
	do {                                                                                                           \
		for (int64_t end_ = clock_mono_us() + 20000000; !(condition); poll(NULL, 0, 5))                        \
			if (clock_mono_us() > end_)                                                                    \
				fail_msg("%s:%d: it never came true: %s", __FILE__, __LINE__, #condition);             \
	} while (0)

#endif
