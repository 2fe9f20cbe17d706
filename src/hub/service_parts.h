/* What the files about services share with each other, and nobody else. */
#ifndef HUB_SERVICE_PARTS_H
#define HUB_SERVICE_PARTS_H

#include "hub/message.h"
#include "hub/rest.h"
#include "hub/service.h"

/* RUN_WAITS: for the outcome of run.wait; run_report goes on then. */
enum run_step { RUN_ENDS, RUN_WAITS };

struct sent {
	struct record *message;
	struct sent *next;
};

/* One way of a message through its services, in the hand. */
struct run {
	struct deed deed;	  /* of whoever began it, with origin script */
	struct reply_scope scope; /* message NULL: a service invoked for a contact */
	const struct service_type *type;
	struct json_doc config;		     /* of the service at hand */
	bool unsaved;			     /* the message is new and nobody has saved it yet */
	bool alone;			     /* invoked by hand: no other service follows */
	bool handled;			     /* by this service or one before */
	bool acted;			     /* this service sent a message, changed a group, or took an answer */
	struct slice wait;		     /* id of the event whose outcome it waits for */
	struct slice path;		     /* where the rules wait, JSON; rules.c */
	size_t expanded;		     /* bytes of the texts that its rules had filled in */
	struct sent *first_sent, *last_sent; /* in this commit */
};

/* --- run.c --- */

/* A line in the log about the service at hand. */
void run_log(struct run *r, const char *type, struct slice content, bool error);
void run_logf(struct run *r, const char *type, bool error, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Sends for the service at hand: what is not given is filled in. Logs why it cannot. */
void run_send(struct run *r, struct message_send *s);
/*
 * One service alone, for a message (scope.message) or a contact. The caller has filled in deed (its origin is changed),
 * scope and alone; run_close ends it.
 */
void run_service(struct run *r);
void run_close(struct run *r);
/* Does the message wait for a webhook of one of its services? */
bool run_waits(struct record *message);

/* --- service_type.c --- */

struct service_type {
	const char *word;
	const char *name;     /* of a service that was given none */
	const char *contexts; /* JSON, as the API shows it */
	/* ERR_INVALID with *fault, whose param is a path inside config */
	int (*check)(struct json config, struct fault *fault);
	enum run_step (*start)(struct run *r);
	/* what it waited for is over */
	enum run_step (*resume)(struct run *r);
	/* Calls fn with the settings of each webhook action in config. */
	void (*webhooks)(struct json config, void (*fn)(void *ctx, struct json action), void *ctx);
};
/* NULL: there is no such type. */
const struct service_type *service_type_of(struct slice word);

/* --- webhook.c: what is sent to a service's or an action's URL --- */

/* Settings of the internal endpoint, from url, secret and the optional ports, retry, timeout_ms, tls. */
void webhook_settings(struct json config, struct buf *out);
/* ERR_INVALID with *fault: a member that the endpoint would refuse. */
int webhook_check(struct json config, struct fault *fault);
/* "_service.SV…" */
void webhook_service_id(struct slice service_id, struct buf *out);
/* "_action.SV….HASH": actions with the same settings are one endpoint. */
void webhook_action_id(struct slice service_id, struct json action, struct buf *out);
/* Sends the message there, run.wait is the event then. RUN_ENDS: it cannot be, which the log says. */
enum run_step webhook_call(struct run *r, struct slice endpoint_id, struct json config);

/* --- rules.c --- */

/* Does what `actions` says, from its beginning or behind the webhook that it waited for. */
enum run_step rules_begin(struct run *r, struct json actions);
enum run_step rules_resume(struct run *r, struct json actions);

/* --- rules_check.c --- */

#define RULES_DEPTH 8 /* of ifs inside each other */
/* ERR_INVALID with *fault, whose param is a path inside `actions`: "[2].url". */
int rules_check(struct json actions, struct fault *fault);
void rules_webhooks(struct json actions, void (*fn)(void *ctx, struct json action), void *ctx);
/* Refuses members of object that are not in names (NULL-terminated). */
int check_members(struct json object, const char *const *names, struct fault *fault);
/* A string, not empty; absent is fine when it is not needed. */
int check_text(struct json object, const char *name, bool needed, struct fault *fault);

/* --- condition.c --- */

int condition_check(struct json condition, struct fault *fault);
bool condition_holds(struct run *r, struct json condition);

/* --- poll.c --- */

int poll_check(struct json config, struct fault *fault);
enum run_step poll_start(struct run *r);
enum run_step poll_resume(struct run *r);

/* --- service_config.c: configs with secrets in them --- */

#define SECRET_SHOWN "***" /* what stands for a secret when a config is shown, and keeps it when it comes back */

/*
 * Appends old with the members of changed laid over it, null removing one; "***" for a secret becomes the old one's,
 * and stays where there is none. old may be NONE.
 */
void config_merge(struct json old, struct json changed, struct buf *out);
/* As config_merge, but what changed does not name is gone: a config given whole. */
void config_replace(struct json old, struct json given, struct buf *out);
/* Appends config with secrets as "***". */
void config_show(struct json config, struct buf *out);

/* --- service_params.c --- */

/*
 * Lays the call's parameters over a service, new (with its id, or with what
 * PUT keeps of an old one) or loaded. Finds every fault; saves nothing.
 */
int service_read(struct rest *r, struct record *service);
/* Its config changed to the old one with these members laid over. */
int service_read_config(struct rest *r, struct record *service, struct json config);

/* --- reply.c --- */

/* The contact in the scope again, as it is stored: sending a message changes it. */
void reply_reload(struct deed *d, struct reply_scope *scope);
/* A text with its variables filled in, in the arena; what is unknown is noted. */
struct slice reply_text(struct deed *d, struct reply_scope *scope, struct json text, struct buf *notes);

#endif
