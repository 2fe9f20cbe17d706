/*
 * Projects, endpoints, revisions and keys, as they are in force, in memory; documents of the store carry them over
 * restarts. Many threads read under a read lock; the few that change something have written it to the store before.
 *
 * Functions marked (locked) are called with directory_read or
 * directory_write held, and what they return is valid until it is released.
 */
#ifndef NODE_DIRECTORY_H
#define NODE_DIRECTORY_H

#include <pthread.h>

#include "base/digest.h"
#include "base/log.h"
#include "node/node.h"
#include "node/sorted.h"

struct project {
	char *id;
	char *settings;	    /* JSON object as the API takes and shows it */
	char *organization; /* "" when it has none */
	/*
	 * Events up to this seq belong to the organization before: which
	 * endpoints they go to must come out the same after a crash.
	 */
	char *organization_before;
	int64_t organization_from;
	int64_t created_ms, changed_ms;
	int64_t links_from_ms; /* its portal links made before this have ended; 0: none was ended (portal.h) */
};

/* One endpoint, through all its revisions. */
struct entry {
	uint64_t number;
	struct endpoint *current;     /* a reference */
	struct endpoint_stats *stats; /* a reference */
	int64_t created_ms, changed_ms, from_seq;
	char disabled_reason[200];
	int64_t disabled_ms;
	bool deleted; /* its deliveries are being ended; not to be found by its name any more */
};

/* A superseded revision that rows may still name. */
struct revision {
	uint64_t number;
	uint32_t revision;
	int64_t superseded_ms;
	struct endpoint *compiled; /* NULL until somebody asks */
};

struct key {
	char *id, *project, *name;
	uint8_t hash[SHA256_BYTES];
	int64_t created_ms;
};

struct directory {
	pthread_rwlock_t lock;
	struct sorted projects;	 /* by id */
	struct sorted names;	 /* entries that are not deleted, by owner, id, kind of owner */
	struct sorted numbers;	 /* all entries, by number */
	struct sorted revisions; /* by number, revision */
	struct sorted keys;	 /* by id */
	/* numbers given out, by changes and by steps */
	_Atomic uint64_t last_endpoint, last_replay;
	bool has_admin;
	uint8_t admin[SHA256_BYTES];
};

struct directory *directory_new(void);
void directory_free(struct directory **d);
void directory_read(struct directory *d);
void directory_write(struct directory *d);
void directory_release(struct directory *d);

/* Ids of projects, organizations and endpoints: characters that need no quoting in a path. */
int directory_check_name(struct slice id, const char *param, struct fault *fault);

/* --- projects (locked) --- */
/* The place in d->projects of the first one after id. */
size_t directory_project_after(const struct directory *d, struct slice id);
struct project *directory_project(const struct directory *d, struct slice id);
/* Takes p over; it replaces the one of the same id. */
void directory_project_set(struct directory *d, struct project *p);
void directory_project_remove(struct directory *d, struct slice id);
void project_free(struct project *p);

/*
 * The organization of an event's project, as of the event's place in the log. Locks by itself; the answer is valid as
 * long as the cache, which makes it cheap for many events of one project in a row.
 */
struct organization_cache {
	bool known;
	char project[256], now[256], before[256];
	int64_t from;
};
struct slice directory_organization(struct directory *d, const struct event *ev, struct organization_cache *cache);

/* --- endpoints (locked) --- */
struct entry *directory_endpoint(const struct directory *d, struct owner owner, struct slice id);
struct entry *directory_number(const struct directory *d, uint64_t number);
/* The place in d->names of the first endpoint that stands after (owner, id). */
size_t directory_after(const struct directory *d, struct owner owner, struct slice id);
/* Of one that was never added. */
void entry_free(struct entry *en);
/* A new entry, taken over. */
void directory_add(struct directory *d, struct entry *en);
/* A new revision in force; the old one goes to the superseded ones. Takes the reference. */
void directory_revise(struct directory *d, struct entry *en, struct endpoint *ep, int64_t now_ms);
/* Not to be found by name any more. */
void directory_hide(struct directory *d, struct entry *en);
/* Its last delivery has ended: the entry goes, its last revision stays for the history. */
void directory_forget(struct directory *d, struct entry *en, int64_t now_ms);
/* A superseded revision known from the store. */
void directory_add_revision(struct directory *d, uint64_t number, uint32_t revision, int64_t superseded_ms);

/* Drops the revisions superseded before this time. */
void directory_drop_revisions(struct directory *d, int64_t before_ms);

/*
 * Compiled settings of any revision that is kept, one reference; NULL
 * when it is not known. Locks by itself; reads the store the first time.
 */
struct endpoint *directory_revision(struct directory *d, struct store *store, uint64_t number, uint32_t revision);

/* --- keys (locked) --- */
/* The place in d->keys of the first one after id. */
size_t directory_key_after(const struct directory *d, struct slice id);
struct key *directory_key(const struct directory *d, struct slice id);
void directory_key_add(struct directory *d, struct key *k); /* taken over */
void directory_key_remove(struct directory *d, struct slice id);
void key_free(struct key *k);

#endif
