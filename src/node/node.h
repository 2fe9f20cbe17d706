/*
 * The engine at work: the threads, the queues between them, and the directory of projects, endpoints and keys. One
 * struct node is one running postrider without its HTTP API.
 *
 *	api threads --submit--> [store thread: group commit] --events, in order of seq--> [shard loops: engine + client]
 *	                              ^---- results, settings, floors --------------------------'
 *
 * Unless said otherwise a function may be called from any thread, blocks
 * until its change is on disk and in force, and copies what it is given.
 */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include "base/digest.h"
#include "base/fault.h"
#include "base/json.h"
#include "base/log.h"
#include "dialect/endpoint.h"
#include "engine/engine.h"
#include "net/guard.h"
#include "store/store.h"

struct node;
struct node_hooks; /* book.h */

/*
 * What a watcher hears, from inside node_start until node_stop is through, all after it is
 * on disk (but `state`, which is of memory). None may block, or call the node but where it
 * says so, and what they are given is valid during the call. Each may be NULL. They come
 * for every event and every attempt, so a watcher that nobody listens to returns at once.
 */
struct node_taps {
	void *ctx;
	/* Store thread: new events, in the order of seq. */
	void (*accepted)(void *ctx, struct event *const *events, size_t count);
	/*
	 * Loop thread: an attempt, or an end without one. The row names its endpoint by
	 * number and its events by seq; node_endpoint_by_number may be called from here.
	 */
	void (*attempt)(void *ctx, struct node *n, const struct attempt_row *row);
	/* Loop thread: an endpoint's lane goes from one state to another; why is a sentence or empty. */
	void (*state)(void *ctx, const struct endpoint *ep, enum lane_state before, enum lane_state now,
		      const char *why);
};

struct node_options {
	const char *data_dir;
	unsigned shards;			/* loops; 1 by default */
	const struct guard *guard;		/* borrowed */
	const char *bind_address, *dns_servers; /* NULL: the system's */
	struct log *log;			/* borrowed */
	int64_t retention_ms;			/* of events and attempts; default 31 days */
	int64_t dead_retention_ms;		/* of dead letters; default 31 days */
	uint32_t recent_ids;			/* default 1,000,000 */
	size_t queue_bytes;			/* events waiting for their commit; more is ERR_BUSY. Default 32 MiB */
	int64_t stop_ms;			/* longest wait for what is on the wire at a stop; default 15,000 */
	struct engine_limits limits;
	const struct node_hooks *hooks; /* NULL: nobody is told; what it points to is copied */
	const struct node_taps *taps;	/* NULL: nobody listens; what it points to is copied */
	struct store *store;		/* NULL: SQLite in data_dir; otherwise taken over (tests) */
	/*
	 * While node_start recovers, on its thread, every few thousand rows that were read:
	 * a long start shows that it gets on. 0 rows: the store is brought up to this version's
	 * schema, in one step that shows nothing until it is done. NULL: nobody is told.
	 */
	void (*progress)(void *ctx, int64_t rows);
	void *progress_ctx;
};

/* Opens the store, recovers, starts all threads. On failure nothing is left running; *fault says what to change. */
int node_start(const struct node_options *options, struct node **ret, struct fault *fault);
/* What may change while it runs; as in node_options. */
struct node_tuning {
	int64_t retention_ms, dead_retention_ms, stop_ms;
};
/* Each is in force from the next time that it is asked for. */
void node_tune(struct node *n, const struct node_tuning *tuning);
/* Stops in order: no new submissions (ERR_BUSY), flush, finish what is on the wire, park, floor, close. */
void node_stop(struct node **n);
/*
 * True while it takes events: false once stopping, or while the store refuses
 * (disk full, broken); *ret_reason (may be NULL) is a constant sentence then.
 */
bool node_ready(const struct node *n, const char **ret_reason);
/* For how long a thread may be silent before it counts as stuck. */
struct node_patience {
	/* A loop waits for nothing: not for the disk, not for names, not for receivers. So a few seconds are many. */
	int64_t loop_ms;
	/*
	 * The store thread waits for the disk, and a new start would not make that faster: it would begin with reading
	 * all of it again. So one turn of it, a commit and upkeep, may take minutes; a turn that never ends may not.
	 */
	int64_t store_ms;
};
extern const struct node_patience node_patience_default; /* 10 s, 2 min */
/*
 * Whether the threads that an event passes through turn, as of the last call, which is when they were asked; so call
 * it again and again, from one thread. false: *ret_who is the silent one, a constant word. Never blocks.
 */
bool node_alive(struct node *n, const struct node_patience *patience, const char **ret_who);
/*
 * The store broke for good (fsync failed, damaged): the process should end with an error so that a fresh start
 * recovers. Also signalled through this file descriptor, readable then.
 */
int node_broken_fd(const struct node *n);

/* The node's clock, Unix milliseconds that never step back: what event_parse is to be given. */
int64_t node_now_ms(const struct node *n);

/* --- events --- */

struct submission {
	struct event **events; /* the references are taken over, the array is copied */
	size_t count;
	/*
	 * Called exactly once, from the store thread, when the commit is through or has failed; must not block. err: 0,
	 * ERR_BUSY (too much waits, or stopping), ERR_FULL, ERR_IO. seqs[i]: the event's place in the log;
	 * duplicates[i]: it was known already (seqs[i] is of the first one) and nothing was stored.
	 */
	void (*done)(void *ctx, int err, const int64_t *seqs, const bool *duplicates);
	void *ctx;
};
/* Never blocks. May call done before it returns when it refuses (ERR_BUSY). */
void node_submit(struct node *n, struct submission *s);

/* --- reading the store --- */

/* A reader handle for this thread, until node_reader_end: there are a few, and this waits for a free one. */
struct store *node_reader_begin(struct node *n);
void node_reader_end(struct node *n, struct store *reader);

/* --- keys --- */

enum key_role { KEY_NONE, KEY_PROJECT, KEY_ADMIN };
/*
 * Who holds this key; constant-time comparison of SHA-256. For
 * KEY_PROJECT, ret_project (room for 256 bytes) gets the project's id.
 */
enum key_role node_key_check(struct node *n, struct slice key, char ret_project[256]);
/*
 * Sets the admin key for this run (given on the command line), or makes and stores one at the first start: then
 * ret_made (room for 64 bytes) holds it, else "".
 */
int node_admin_key(struct node *n, const char *given, char ret_made[64], struct fault *fault);
/* A new key of a project: the key itself (shown once) in ret_key (room for 64 bytes), its id in ret_id. */
int node_key_create(struct node *n, struct slice project, struct slice name, char ret_id[ID_BYTES], char ret_key[64],
		    struct fault *fault);
int node_key_delete(struct node *n, struct slice project, struct slice id, struct fault *fault);
/*
 * Writes the project's keys as {"id","name","time_created"} into an array already begun, ordered by id, after `marker`,
 * at most limit; *ret_more. Returns how many; w may be NULL when only that is wanted.
 */
size_t node_key_list(struct node *n, struct slice project, struct slice marker, size_t limit, struct json_writer *w,
		     bool *ret_more);

/* --- projects: documents as the API shows them --- */

/*
 * settings: {"name","organization_id","notify_emails","timezone"}, checked; replaces. When organization_id changes, the
 * project's endpoints get a new revision.
 */
int node_project_put(struct node *n, struct slice id, struct json settings, bool merge, bool *ret_created,
		     struct fault *fault);
/* Deletes its endpoints (their deliveries end as `deleted`), keys and itself; its objects go soon after. */
int node_project_delete(struct node *n, struct slice id, struct fault *fault);
/* Writes the project as one JSON object; ERR_NOT_FOUND. */
int node_project_write(struct node *n, struct slice id, struct json_writer *w);
/*
 * Writes all projects (of one organization when that is not empty) as objects of an array already begun, ordered by id,
 * after `marker`, at most limit; *ret_more.
 */
void node_project_list(struct node *n, struct slice organization, struct slice marker, size_t limit,
		       struct json_writer *w, bool *ret_more);
bool node_project_exists(struct node *n, struct slice id);

/* --- endpoints --- */

/* Whose endpoint: a project's, or an organization's (all of that customer's projects). */
struct owner {
	struct slice id;
	bool organization;
};

enum endpoint_change { ENDPOINT_REPLACE, ENDPOINT_MERGE };
/*
 * Creates or changes. REPLACE: settings are all of it (a "***" keeps the old secret); MERGE: settings are laid over
 * what is there (ERR_NOT_FOUND when there is none). The change is in force when this returns: nothing is sent with the
 * old settings afterwards but what was sent with them before.
 */
int node_endpoint_change(struct node *n, struct owner owner, struct slice id, struct json settings,
			 enum endpoint_change how, bool *ret_created, struct fault *fault);
int node_endpoint_delete(struct node *n, struct owner owner, struct slice id, struct fault *fault);

/*
 * A view of one endpoint for showing. endpoint and stats are
 * references that the caller drops (node_endpoint_view_free).
 */
struct endpoint_view {
	struct endpoint *endpoint;
	struct endpoint_stats *stats;
	int64_t created_ms, changed_ms, from_seq;
	char disabled_reason[200]; /* "" when it was not disabled by itself */
	int64_t disabled_ms;
};
int node_endpoint_get(struct node *n, struct owner owner, struct slice id, struct endpoint_view *ret);
int node_endpoint_by_number(struct node *n, uint64_t number, struct endpoint_view *ret);
void node_endpoint_view_free(struct endpoint_view *v);
/*
 * Calls fn for the endpoints of an owner ordered by id, after marker; with
 * all_owners of everybody (marker then is "OWNER/ID"), internal ones included, which
 * are left out otherwise. fn returns false to stop; it must not call the node.
 */
typedef bool node_endpoint_fn(void *ctx, const struct endpoint_view *view);
void node_endpoint_list(struct node *n, struct owner owner, bool all_owners, struct slice marker, node_endpoint_fn *fn,
			void *ctx);
/* Compiled settings of an older (or the current) revision, one reference, NULL when it is not known any more. */
struct endpoint *node_endpoint_revision(struct node *n, uint64_t number, uint32_t revision);
/*
 * Endpoints that an event of this project is routed to at this moment (active, wanting it): for showing where it went.
 */
void node_routes(struct node *n, const struct event *ev, node_endpoint_fn *fn, void *ctx);

/* --- one exchange outside the queue: the API's test --- */

/*
 * Sends the events (of which a request of this endpoint takes so many) once with these settings, marked as a test by
 * nothing but its content; the answer is recorded nowhere. References are taken. done runs on a loop thread.
 */
void node_send_once(struct node *n, struct endpoint *ep, struct event *const *events, size_t count,
		    void (*done)(void *ctx, const struct request *rq, const struct http_answer *answer,
				 const struct fault *fault),
		    void *ctx);

/* --- replay --- */

struct replay_query {
	int64_t since_ms, until_ms; /* by acceptance; 0: open */
	bool failed_only;	    /* dead letters; otherwise every event that the endpoint wants */
	/*
	 * Only these events of the owner, ascending, each once, whatever the rest says and
	 * whether the endpoint would want them today; NULL: not chosen one by one. Copied.
	 */
	const int64_t *seqs;
	size_t seq_count;
};
#define REPLAY_CHOSEN_MAX 1000
/* How many events it would send again. */
int node_replay_count(struct node *n, struct owner owner, struct slice endpoint, const struct replay_query *q,
		      int64_t *ret, struct fault *fault);
/* Starts it durably; ret_id names it. */
int node_replay_start(struct node *n, struct owner owner, struct slice endpoint, const struct replay_query *q,
		      char ret_id[ID_BYTES], struct fault *fault);
/* Writes {"id","state": running|done|cancelled,"total","queued","time_created",…}. */
int node_replay_write(struct node *n, struct owner owner, struct slice endpoint, struct slice id,
		      struct json_writer *w);
int node_replay_cancel(struct node *n, struct owner owner, struct slice endpoint, struct slice id, struct fault *fault);

/* --- numbers --- */

struct node_numbers {
	uint64_t accepted, duplicates, refused_busy; /* events since start */
	uint64_t commits, committed_rows;
	int64_t queue_bytes, queue_events; /* waiting for their commit */
	int64_t last_seq, floor;
	int64_t store_bytes;
	int64_t started_ms;
	size_t projects, endpoints;
};
void node_numbers(const struct node *n, struct node_numbers *ret);

#endif
