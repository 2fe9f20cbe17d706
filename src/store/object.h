/*
 * Objects: what the messaging side keeps - messages, contacts, services, … - as JSON texts that can be read by id,
 * walked along an index, and found when they are due. Unlike the log they change; so they are only written inside a
 * commit, by steps (tx_step), which read what is there, earlier changes of the same commit included.
 */
#ifndef STORE_OBJECT_H
#define STORE_OBJECT_H

#include "base/buf.h"
#include "base/fault.h"
#include "store/rows.h"
#include "store/tx.h"

struct store;

#define OBJECT_KEYS_MAX	 24
#define OBJECT_VALUE_MAX 256 /* cut longer values of keys before: more is asserted */
#define OBJECT_ID_MAX	 255
#define OBJECT_NEVER_DUE INT64_C(0)

/* One entry of an index: objects of (project, kind) ordered by (value, id), values compared byte by byte. */
struct object_key {
	uint16_t field; /* > 0; what it means is the caller's */
	struct slice value;
};

struct object_row {
	struct slice project;
	uint16_t kind;
	struct slice id; /* unique within (project, kind) */
	struct slice text;
	int64_t due_ms; /* when store_objects_due is to find it; OBJECT_NEVER_DUE */
	const struct object_key *keys;
	uint32_t key_count;
	bool damaged; /* out: the checksum does not fit; only project, kind and id are to be trusted */
};

/*
 * --- reading; on any handle, and inside a step. (A step may read nothing with
 * store.h: what it is to know of the log and the docs it must have been given.) ---
 */

/* Appends the object's text to *ret (NULL: only asks). ERR_NOT_FOUND, ERR_CORRUPT. */
int store_object_get(struct store *s, struct slice project, uint16_t kind, struct slice id, struct buf *ret,
		     struct fault *fault);

/*
 * A part of an index. Objects with from <= value < upto (upto NULL: no end); both are prefixes in the sense of memcmp.
 * field 0: by id, and the bounds are of ids. after: goes on behind this (value, id), which need not exist; field 0
 * looks at after_id alone.
 */
struct object_query {
	struct slice project;
	uint16_t kind, field;
	struct slice from, upto;
	bool has_upto, descending, has_after;
	struct slice after_value, after_id;
};
/* value: of the key that was walked along (field 0: the id). text is empty without with_text. */
typedef bool store_object_fn(void *ctx, struct slice value, struct slice id, struct slice text);
/*
 * Until fn returns false or the part ends. fn may read with store_object_get but not write. With text, damaged objects
 * are passed over (store_object_get tells of them).
 */
int store_object_walk(struct store *s, const struct object_query *q, bool with_text, store_object_fn *fn, void *ctx,
		      struct fault *fault);
/*
 * Objects of all projects and kinds with 0 < due_ms <= upto_ms, ordered by due_ms, at most max; of those due at the
 * same time the one made first. fn may do what that of a walk may.
 */
typedef bool store_due_fn(void *ctx, const struct object_row *row);
int store_objects_due(struct store *s, int64_t upto_ms, uint32_t max, store_due_fn *fn, void *ctx, struct fault *fault);
/* The smallest due_ms of all, INT64_MAX when nothing is due ever. */
int store_objects_next_due(struct store *s, int64_t *ret, struct fault *fault);

/* --- writing: only inside a step --- */

/*
 * Errors of these are kept by the store and fail the commit as a whole, so a step need not look at them; after one,
 * reading inside the step may find nothing.
 */
/* Puts or replaces; the index is changed where the keys differ from those before. */
void step_object_put(struct store *s, const struct object_row *row);
/* None there is fine. */
void step_object_delete(struct store *s, struct slice project, uint16_t kind, struct slice id);
/* Deletes up to max objects of a project, of any kind; returns how many it found. */
uint32_t step_objects_drop(struct store *s, struct slice project, uint32_t max);
/* Appends an event as CHANGE_EVENT does: sets row->seq, or row->duplicate_of; both 0 after an error. */
void step_event(struct store *s, struct event_row *row);
/* A document, as CHANGE_DOC does: put, or delete when text.p is NULL. */
void step_doc(struct store *s, const struct doc_row *row);

#endif
