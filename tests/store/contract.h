/* The contract suite: the same tests for every implementation. What they share is here. */
#ifndef TESTS_STORE_CONTRACT_H
#define TESTS_STORE_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "store/object.h"
#include "store/store.h"

/* A fresh store of the implementation under test; *state of every test. */
struct subject {
	bool sqlite;
	char *folder; /* of the SQLite one */
	struct store_options options;
	struct store *store;
	struct fault fault;
};

/* Closes and opens again with subject->options; in memory, where nothing outlives the handle, does nothing. */
void subject_reopen(struct subject *t);

/* Commits one transaction and frees it; expects success. */
void commit(struct subject *t, struct tx *tx);
/* Commits an event and returns its seq. */
int64_t put_event(struct subject *t, const char *project, const char *id, const char *message_id, int64_t accepted_ms);
/* The same, returning what it is a duplicate of, 0 when it was stored. */
int64_t put_again(struct subject *t, const char *project, const char *id);
/* Commits an attempt that names one event, and returns its seq. */
int64_t put_attempt(struct subject *t, int64_t event_seq, int64_t time_ms);
void put_pending(struct subject *t, uint64_t endpoint, int64_t id, int64_t due_ms);
void put_floor(struct subject *t, int64_t floor);
void put_doc(struct subject *t, const char *kind, const char *id, const char *text);

/*
 * Answers as text, for comparing: "3 2 1". They free what they
 * returned last time with the next call of the same function.
 */
const char *seqs_of_log(struct store *s, int64_t after, int64_t upto);
const char *seqs_back(struct store *s, int64_t before, uint32_t max_rows);
const char *found(struct store *s, enum search_key what, const char *project, const char *key, int64_t before);
const char *pending_ids(struct store *s, const struct pending_query *q);
const char *dead_of(struct store *s, uint64_t endpoint, int64_t after, uint32_t max_rows);
const char *docs_of(struct store *s, const char *kind, const char *prefix);

extern const struct CMUnitTest contract_log_tests[], contract_exception_tests[], contract_upkeep_tests[],
	contract_object_tests[];
extern const size_t contract_log_count, contract_exception_count, contract_upkeep_count, contract_object_count;

#endif
