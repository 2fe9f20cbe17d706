/*
 * An endpoint as its customer configured it, checked and compiled: filters, templates,
 * batch, success and retry rules, how to talk to it. One struct endpoint is one
 * revision of its settings: immutable, shared between threads by reference count.
 */
#ifndef DIALECT_ENDPOINT_H
#define DIALECT_ENDPOINT_H

#include <stdatomic.h>

#include "base/http.h"
#include "base/json.h"
#include "dialect/event.h"
#include "dialect/maps.h"
#include "dialect/sign.h"
#include "dialect/status.h"
#include "dialect/template.h"
#include "dialect/zone.h"

enum content_type {
	CONTENT_JSON,
	CONTENT_XML,
	CONTENT_EVENT_JSON,
	CONTENT_FORM,
	CONTENT_QUERY,
	CONTENT_WEBCOM_XML,
	CONTENT_WEBCOM_JSON
};
enum url_scheme { SCHEME_HTTP, SCHEME_HTTPS };
enum order_rule { ORDER_NONE, ORDER_MESSAGE, ORDER_STRICT };
enum actions_rule {
	ACTIONS_NONE,
	ACTIONS_TELERIVET /* the answer to an incoming_message is taken as a service's is: replies, variables */
};
enum ack_rule {
	ACK_NONE,	 /* a success status is enough */
	ACK_IDS_XML,	 /* the body lists the ids it took, <id_sms>…</id_sms> */
	ACK_IDS_JSON,	 /* the same in JSON */
	ACK_BODY_EQUALS, /* the body is ack_body, blanks around it aside */
	ACK_BODY_PREFIX, /* the body begins with one of ack_prefixes */
	ACK_BODY_NOT_EMPTY
};

#define ENDPOINT_HEADERS_MAX	   32
#define ENDPOINT_DELAYS_MAX	   64
#define ENDPOINT_FIELDS_MAX	   100
#define ENDPOINT_PORTS_MAX	   32
#define ENDPOINT_STATUS_RANGES_MAX 16
#define ENDPOINT_PREFIXES_MAX	   8

struct status_range {
	int from, to; /* inclusive */
};

struct status_set {
	struct status_range ranges[ENDPOINT_STATUS_RANGES_MAX];
	size_t count;
};

struct endpoint_header {
	char *name;
	struct template *value;
};

/* One parameter of a flat form or query. */
struct endpoint_form_field {
	char *name; /* encoded for a form */
	struct template *value;
};

struct endpoint_filter; /* compiled `filter`, `statuses`, `message_types`, `final_statuses` */

struct endpoint {
	_Atomic int refs;
	/* identity */
	uint64_t number;       /* the store's name for this endpoint (all revisions); never used again after a DELETE */
	uint32_t revision;     /* counts up with each change */
	bool of_organization;  /* gets the events of all projects of `owner`, an organization */
	char *owner;	       /* project id or organization id */
	char *id;	       /* unique within its owner */
	char *organization_id; /* the owner project's organization when this revision was made; "" when it has none */
	/*
	 * One of the hub's own (a service's webhook, a gateway, the receiver of a message's status_url): gets targeted
	 * events only, and the API neither lists nor changes it. Its id begins with '_'.
	 */
	bool internal;
	/*
	 * the hub is told what becomes of events (node/book.h): of
	 * an internal one's all, otherwise of those with actions
	 */
	bool reports;
	enum actions_rule actions;
	/* URL and secret stand in the event, postrider.url and postrider.secret; `url` only says host and port */
	bool url_from_event;
	/* settings */
	char *name, *preset; /* preset: NULL when none */
	bool active;
	uint32_t event_mask; /* 1 << enum event_type */
	struct endpoint_filter *filter;
	enum http_method method;
	enum content_type content;
	uint32_t scheme_mask; /* 1 << enum url_scheme: what `url` may begin with */
	struct template *url;
	struct template *body;		    /* NULL when the content type makes it, or with GET */
	char *xml_root;			    /* name of the batch's root element, "batch" */
	struct endpoint_form_field *fields; /* of `form` and `query`, in order; NULL: the nested form */
	size_t field_count;
	struct maps *maps; /* NULL when none */
	struct zone *zone; /* NULL: UTC */
	/* "application/json; charset=utf-8"; NULL with GET and when a header of the endpoint says it (W19) */
	char *content_type_header;
	struct endpoint_header *headers;
	size_t header_count;
	bool headers_extra; /* webhook-id, webhook-timestamp, webhook-attempt */
	struct status_map *statuses;
	struct {
		uint32_t max_items; /* 1: batching is off, the bare body */
		int64_t max_wait_ms;
		size_t max_bytes;
		char *wrap;	   /* JSON: the name that the items stand under; "[]": a bare array */
		char *head, *tail; /* what stands before and behind the items; NULL around a bare body */
	} batch;
	struct status_set success;
	struct status_set throttle; /* failures that throttle the endpoint at once, not after several in a row */
	enum ack_rule ack;
	char *ack_body;				   /* for ACK_BODY_EQUALS; NULL otherwise */
	char *ack_prefixes[ENDPOINT_PREFIXES_MAX]; /* for ACK_BODY_PREFIX; none otherwise */
	size_t ack_prefix_count;
	bool ack_any_status; /* an acknowledging body counts whatever the status (X7) */
	enum order_rule order;
	/* a newer event of a message takes the place of one that waits (X5); only with ORDER_MESSAGE */
	bool newest_replaces;
	uint32_t concurrency;
	double rate_per_s; /* 0: no limit */
	struct {
		uint32_t delays_ms[ENDPOINT_DELAYS_MAX];
		size_t delay_count;    /* 0: no retry */
		double jitter;	       /* 0 .. 1, only shortens */
		uint32_t max_attempts; /* 0: no limit */
		int64_t max_age_ms;
	} retry;
	int64_t disable_after_ms; /* failing without a success for so long disables it; 0: never */
	enum signature_kind signature;
	char *secrets[2]; /* the current one, and the one before while it is being rotated; NULL when none */
	struct http_peer peer;
	char host[256];	     /* of the URL, for log lines */
	struct slice source; /* the settings as they were given, JSON, secrets included: what the store keeps */
};

/* Who the endpoint is, beside its settings. */
struct endpoint_identity {
	uint64_t number;
	uint32_t revision;
	bool of_organization;
	/* settings may then hold "reports" and "url_from_event" (booleans); `events` says nothing, there are none */
	bool internal;
	struct slice owner, id, organization_id;
};

/*
 * Checks and compiles settings (an object as in api.md, without `id`) on top of their preset's. *ret has one reference.
 * On failure ERR_INVALID; *fault names the field ("tls.pin", "headers.X-Tenant"), position in templates, reason and
 * cure. Unknown members are refused and named. Any thread.
 */
int endpoint_compile(struct json settings, const struct endpoint_identity *who, struct endpoint **ret,
		     struct fault *fault);
struct endpoint *endpoint_ref(struct endpoint *ep);
void endpoint_unref(struct endpoint **ep);

/*
 * New settings = old ones with the members of patch laid over, as JSON: for PATCH, POST of changed fields, enable,
 * disable, rotate. Objects are laid over member by member, and null removes, so that the preset's value or the default
 * counts again; `filter` is replaced as a whole; in `status_map` null is a value of its words. A secret given as "***"
 * (as endpoint_write shows it) keeps the old one.
 */
void endpoint_merge(struct json old, struct json patch, struct buf *out);
/*
 * For PUT: writes settings as they are, but each secret given as "***" becomes the one of old; where old has none it
 * stays, and endpoint_compile refuses it. `previous_secret` is taken along when the secret stays.
 */
void endpoint_keep_secrets(struct json old, struct json settings, struct buf *out);
/*
 * Writes the members that the API shows: everything in force, presets' values included,
 * secrets as "***". With reveal the secrets themselves and `previous_secret`: settings
 * that compile to the same endpoint. The caller has begun the object.
 */
void endpoint_write(const struct endpoint *ep, struct json_writer *w, bool reveal);

/*
 * True when the event goes to this endpoint: type, message type, status, filter (filter.h), origin rule, and a status
 * the map does not leave out; an event with a target goes there alone, whatever that one's settings say. Ignores
 * `active` and ownership.
 */
bool endpoint_wants(const struct endpoint *ep, const struct event *e);
/*
 * By `final_statuses` (X12): are there any; and is this a status after
 * which nothing more of its message is sent, once it was acknowledged?
 */
bool endpoint_has_finals(const struct endpoint *ep);
bool endpoint_is_final(const struct endpoint *ep, const struct event *e);
/*
 * Events of one batch must agree in this: a hash of rendered URL and header values (W9); 0 when none of them differ by
 * event, or a request takes one event anyway.
 */
uint64_t endpoint_group(const struct endpoint *ep, const struct event *e);
/* True when the status is a success by `success.statuses`. */
bool endpoint_success(const struct endpoint *ep, int status);
/* True when the status throttles at once, by `throttle.statuses`. */
bool endpoint_throttles(const struct endpoint *ep, int status);
/*
 * The delay after the n-th failure (n from 1), shortened by jitter with unit in [0, 1); -1 when there is no retry any
 * more (empty list or max_attempts reached).
 */
int64_t endpoint_delay_ms(const struct endpoint *ep, uint32_t failures, double unit);

#endif
