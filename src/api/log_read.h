/* Reading the log for lists: bounded, newest first. */
#ifndef API_LOG_READ_H
#define API_LOG_READ_H

#include "api/call.h"

#define SCAN_ROWS_MAX 20000 /* log rows that one page looks at */

/* A list of seqs. */
struct seqs {
	int64_t *all;
	size_t count, cap;
	size_t most; /* what comes further is left out, and more is set; 0: no bound */
	bool more;
};
void seqs_free(struct seqs *s);
bool seqs_add(struct seqs *s, int64_t seq);
/* A store_seq_fn; ctx is a struct seqs. */
bool seqs_collect(void *ctx, int64_t seq);
/* Newest first, each once, at most n of them; more is set when some are cut off. */
void seqs_order(struct seqs *s, size_t n);

/* Where a list stands and what it looks for. */
struct period {
	int64_t since_ms, until_ms; /* by acceptance, or by an attempt's beginning; 0: open */
};
/* Reads `since` and `until`. False: answered. */
bool period_read(struct call *c, struct period *ret);
bool period_has(const struct period *p, int64_t ms);
/* True for a row so old that none before it can be in the period. */
bool period_over(const struct period *p, int64_t ms);
/* The seq before which a search for the period may begin: before itself, or less when the period ends earlier. */
int64_t period_seek(const struct period *p, struct store *reader, int64_t before);

/* The time of a log row. */
int64_t log_row_ms(const struct log_row *row);
/* The event of a seq, one reference; NULL when it is gone or damaged, or no event. */
struct event *log_event(struct store *reader, int64_t seq);

#endif
