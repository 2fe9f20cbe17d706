/* What the memory store is made of: owned copies of rows, and ordered sets of them. For memory.c only. */
#ifndef STORE_MEMORY_ROWS_H
#define STORE_MEMORY_ROWS_H

#include "store/store.h"

/* An ordered array of pointers to rows. */
typedef int rowset_cmp(const void *a, const void *b);
struct rowset {
	void **rows;
	size_t count, cap;
	rowset_cmp *cmp;
	void (*row_free)(void *row);
};

/* The place of the first row that is not less than key (a row with the compared fields filled). */
size_t rowset_lower(const struct rowset *set, const void *key);
/* The row equal to key, NULL when there is none. */
void *rowset_find(const struct rowset *set, const void *key);
/* Puts row in, in place of an equal one; takes ownership. */
void rowset_put(struct rowset *set, void *row);
/* Frees the rows at [from, upto). */
void rowset_cut(struct rowset *set, size_t from, size_t upto);
void rowset_clear(struct rowset *set);

/* Byte by byte; what another one begins with comes before it. */
int slice_cmp(struct slice a, struct slice b);

/* Owned copies; freed by the row_free of the set made for them. */
struct log_row *memory_event(const struct event_row *row);
struct log_row *memory_attempt(const struct attempt_row *row);
struct pending_row *memory_pending(const struct pending_row *row);
struct dead_row *memory_dead(const struct dead_row *row);
struct doc_row *memory_doc(const struct doc_row *row);

struct rowset memory_log_set(void);	/* of struct log_row, by seq */
struct rowset memory_pending_set(void); /* of struct pending_row, by endpoint, id */
struct rowset memory_dead_set(void);	/* of struct dead_row, by endpoint, event_seq */
struct rowset memory_doc_set(void);	/* of struct doc_row, by kind, id */

#endif
