/*
 * One object of the hub in the hand: its members, to be read and changed, then saved. Members whose names begin with
 * '_' are the hub's own and are never shown. All memory is the arena's it was made in.
 */
#ifndef HUB_RECORD_H
#define HUB_RECORD_H

#include "base/arena.h"
#include "base/json.h"
#include "hub/kind.h"
#include "node/book.h"

struct record;
struct hub;

/*
 * What all functions of the hub work with: one thing to be done for one project. Filled by who begins it: a REST call,
 * a report of the engine, a tick of the clock.
 */
struct deed {
	struct hub *hub;
	struct book *book; /* may only be read when the deed does not run in a commit */
	struct slice project;
	enum event_origin origin; /* what it causes is told with this origin */
	int64_t now_ms;
	struct arena *arena; /* lives as long as the deed */
	struct fault *fault; /* of what was asked for; the first one counts */
};

/*
 * Every record has a member `id`, its own; but a state's is a member like others, the word its service gave it.
 *
 * A new object with id (NULL: one is made) and time_created. Nothing is stored before record_save.
 */
struct record *record_new(struct deed *d, enum kind kind, const char *id);
/* NULL when there is none. A second load of the same object is another copy: keep one in the hand. */
struct record *record_load(struct deed *d, enum kind kind, struct slice id);
/* From a text that a walk gave. */
struct record *record_read(struct deed *d, enum kind kind, struct slice id, struct slice text);
/* Writes text, index keys (keys.c says which) and due time. */
void record_save(struct deed *d, struct record *r);
void record_delete(struct deed *d, struct record *r);
/*
 * For book_walk: all objects of the kind with this index entry, by time (messages) or id. Bounds are in the deed's
 * arena. A message's entries have its time behind the value, so do not build such bounds by hand.
 */
struct object_query record_query(struct deed *d, enum kind kind, enum field field, struct slice value);

/* The first object with this index entry; NULL: none. */
struct record *record_first(struct deed *d, enum kind kind, enum field field, struct slice value);

enum kind record_kind(const struct record *r);
struct slice record_id(const struct record *r);
bool record_is_new(const struct record *r); /* made by record_new, not loaded */

/* The member's JSON text; empty when absent or null. */
struct slice record_raw(const struct record *r, const char *name);
/* A string's decoded content, another scalar's text; "" when absent. */
struct slice record_text(struct record *r, const char *name);
int64_t record_i64(const struct record *r, const char *name, int64_t otherwise);
bool record_true(const struct record *r, const char *name);
/* json is a valid text of one value; copied. "null" or empty removes the member. */
void record_set(struct record *r, const char *name, struct slice json);
void record_set_text(struct record *r, const char *name, struct slice text);  /* as a string, empty too */
void record_set_given(struct record *r, const char *name, struct slice text); /* the same, but not when it is empty */
void record_set_i64(struct record *r, const char *name, int64_t v);
void record_set_bool(struct record *r, const char *name, bool v);
void record_unset(struct record *r, const char *name);
/* When the hub is to look at it again (tick.h); 0: never. */
void record_set_due(struct record *r, int64_t due_ms);
int64_t record_due(const struct record *r);

/* --- members that are objects of scalars (vars) or lists of ids (label_ids, group_ids) --- */
struct slice record_var_raw(const struct record *r, const char *object, struct slice name);
/*
 * Sets vars.name. json: a scalar; null deletes. ERR_INVALID with a reason when name or value break the rules for
 * variables (names up to 32 of [A-Za-z0-9_], strings up to 4,096 bytes, 100 of them).
 */
int record_var_set(struct record *r, const char *object, struct slice name, struct slice json, struct fault *fault);
/* Lays all members of an object of new values over vars; checks all before it changes any. param: for errors. */
int record_vars_merge(struct record *r, const char *object, struct json values, const char *param, struct fault *fault);
size_t record_list_count(const struct record *r, const char *list);
bool record_list_has(const struct record *r, const char *list, struct slice id);
/* False when it was so already. */
bool record_list_add(struct record *r, const char *list, struct slice id);
bool record_list_remove(struct record *r, const char *list, struct slice id);
/* The i-th id of a list; false behind the last. */
bool record_list_at(const struct record *r, const char *list, size_t index, struct slice *ret);

/* Writes all members but the hub's own as one JSON object, project_id included. */
void record_write(const struct deed *d, const struct record *r, struct json_writer *w);

#endif
