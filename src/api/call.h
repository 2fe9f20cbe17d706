/* Inside of the API: one request on its way to its answer. */
#ifndef API_CALL_H
#define API_CALL_H

#include <pthread.h>
#include <stdatomic.h>

#include "api/api.h"
#include "api/schemas.h"
#include "base/arena.h"
#include "base/list.h"
#include "hub/rest.h"
#include "node/portal.h"

#define CALL_PARAMS_MAX 3
#define CALL_ANSWER_MAX ((size_t)64 * 1024 * 1024)

struct call;
struct desk;

/* Who may call a route. */
enum access {
	ACCESS_NONE,	/* anybody, without a key */
	ACCESS_KEY,	/* any key */
	ACCESS_PROJECT, /* the admin key, or a key of the project that the path names */
	ACCESS_ADMIN,
	ACCESS_METRICS /* the admin key, or anybody where the operator says so */
};

/* What a portal link (node/portal.h) may do with a route that a project's key may call. */
enum portal {
	PORTAL_BY_METHOD, /* GET: every link; other methods: only one that may write */
	PORTAL_LOOKS,	  /* changes nothing, whatever its method says: every link */
	PORTAL_NEVER
};

enum place {
	PLACE_HERE, /* on the server's thread: must not wait for anything */
	PLACE_DESK
};

/* What a call takes and gives, for /v1/openapi.json. */
struct route_words {
	const char *query; /* names of arguments, with blanks between; a list has page_size and marker besides */
	enum schema takes, gives;
	enum { ANSWER_ONE, ANSWER_LIST, ANSWER_TEXT } answer;
	const char *statuses;	/* of success, with blanks between */
	const char *media_type; /* of ANSWER_TEXT */
};

/* One row of the table of routes. Ends the call by one of the answer_ functions, now or later. */
struct route {
	const char *method;
	const char *path; /* "/v1/projects/{pid}/events": what is in braces becomes a parameter */
	enum access access;
	enum place place;
	void (*run)(struct call *c);
	struct route_words words;
	const char *summary;
	rest_op *op; /* of the messaging side; NULL for others */
	enum rest_way way;
	enum portal portal;
};

struct call {
	struct api *api;
	struct node *node;
	struct server_request *rq;
	const struct route *route;
	struct slice params[CALL_PARAMS_MAX]; /* of the path, decoded */
	enum key_role role;
	char key_project[256]; /* of a project's key, or of a link */
	/*
	 * The key is a portal link: role is KEY_PROJECT then, so that who forgets to ask treats it as the lesser one.
	 */
	bool by_link;
	struct portal_link portal;
	struct arena arena;
	struct json_doc doc;  /* of the body; its memory is used again by later calls */
	struct buf out;	      /* the answer, likewise */
	struct json_writer w; /* writes out */
	struct list link;     /* in the pool or in the desk's queue */
};

struct calls; /* the pool */

struct api {
	struct api_options options;
	struct hub *hub;     /* set before node */
	struct watch *watch; /* likewise */
	struct node *_Atomic node;
	_Atomic bool stopping;
	_Atomic bool metrics_open; /* api_set_metrics_open */
	struct calls *calls;
	struct desk *desk;
	struct tests *tests; /* test requests under way */
	pthread_mutex_t settings_lock;
	char *settings; /* api_settings; under the lock; NULL: not told yet */
};

/* --- the pool (call.c) --- */
struct calls *calls_new(void);
void calls_free(struct calls **pool);
struct call *call_begin(struct api *a, struct server_request *rq);
/* Only answer.c ends calls. */
void call_end(struct call *c);

/* --- threads for what may wait (desk.c) --- */
struct desk *desk_new(unsigned threads);
/* False when too much waits; the call is the caller's still. */
bool desk_add(struct desk *d, struct call *c);
/* Works off what is queued and ends. */
void desk_stop(struct desk *d);
void desk_free(struct desk **d);

/* --- what handlers ask --- */

/* Something but blanks. */
bool call_has_body(const struct call *c);
/* The body as one JSON object. False: it was none, and the call is answered. */
bool call_body(struct call *c, struct json *ret);
/* The same, but no body counts as an empty object. */
bool call_body_or_none(struct call *c, struct json *ret);
/* The organization of a project, in the call's arena; empty when it has none, or there is no such project. */
struct slice call_organization(struct call *c, struct slice project);
bool call_is_admin(const struct call *c);
/*
 * For a call that lasts: whether who came with this Authorization header
 * may still see the project, or with an empty one everything. Any thread.
 */
bool api_may_still(struct api *a, struct slice authorization, struct slice project);
/* Is this an id that a caller may choose? False: answered with 400 and param. */
bool api_id_check(struct call *c, struct slice id, const char *param);
/* Like server_argument, with the argument given as text: false when it is not there or empty. */
bool call_argument(struct call *c, const char *name, struct slice *ret);
/* "1", "true", "yes" or the bare name. */
bool call_flag(struct call *c, const char *name);

#endif
