/*
 * The bytes of a stored row: varints and a checksum. For implementations that keep rows as blobs. The checksum covers
 * the name of the row too, so that a sound blob in the wrong place does not pass.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "base/buf.h"
#include "store/object.h"
#include "store/store.h"

/* Room for the items of the row read last; zeroed at first, freed by record_scratch_free. */
struct record_scratch {
	void *items;
	size_t cap; /* bytes */
};
void record_scratch_free(struct record_scratch *scratch);

/* Append the row's bytes to b. */
void record_event(struct buf *b, int64_t seq, const struct event_row *row);
void record_attempt(struct buf *b, int64_t seq, const struct attempt_row *row);
/* revision, items and, by the checksum, endpoint, id and attempts; due and replay are columns, to be looked for. */
void record_pending(struct buf *b, const struct pending_row *row);
/* text, keys and, by the checksum, project, kind, id, due and the object's number n, which are columns. */
void record_object(struct buf *b, int64_t n, const struct object_row *row);

/*
 * Reads a log row. Slices point into `bytes`, items into scratch, until it is used again. What does not fit is damaged.
 */
void record_read_log(struct slice bytes, int64_t seq, struct record_scratch *scratch, struct log_row *ret);
/*
 * Fills revision, items and item_count of a row whose endpoint, id and attempts are set; what does not fit is damaged.
 */
void record_read_pending(struct slice bytes, struct record_scratch *scratch, struct pending_row *row);
/* Fills text and keys of a row whose other members are set; what does not fit is damaged. */
void record_read_object(struct slice bytes, int64_t n, struct object_key keys[OBJECT_KEYS_MAX], struct object_row *row);
/*
 * Just project and id of an event row, unchecked, for filling the duplicate
 * check at start; false when it is no event row, which costs a look at one byte.
 */
bool record_peek_event(struct slice bytes, struct slice *ret_project, struct slice *ret_id);
/* Appends the checksum of what stands in b from `start` on; name: the number of the row that will hold it. */
void record_seal(struct buf *b, size_t start, uint64_t name);
/* Cuts the checksum off; false when it does not fit. */
bool record_unseal(struct slice *s, uint64_t name);
/* When the row happened: accepted_ms, time_ms; 0 for a damaged one. */
int64_t record_time(const struct log_row *row);

#endif
