/*
 * The directory as documents of the store. Kinds: "project" by id; "endpoint" by
 * number, "revision" by number and revision (settings, secrets included); "key" by
 * id, hashed; "replay" by id; "meta": "numbers" (the numbers given out), "admin_key".
 */
#ifndef NODE_DOCUMENT_H
#define NODE_DOCUMENT_H

#include "node/directory.h"
#include "store/store.h"

#define DOCUMENT_MAX	  (16u * 1024 * 1024)
#define REVISION_ID_BYTES 40

/*
 * Fills the directory from the store. What cannot be read stops
 * the start: nothing may be delivered by half of the settings.
 */
int document_load(struct directory *d, struct store *store, struct fault *fault);

void document_put_project(struct tx *tx, const struct project *p);
void document_put_key(struct tx *tx, const struct key *k);
void document_put_entry(struct tx *tx, const struct entry *en);
void document_delete_entry(struct tx *tx, uint64_t number);
/* superseded_ms: 0 while it is in force. */
void document_put_revision(struct tx *tx, const struct endpoint *ep, int64_t superseded_ms);
void document_delete_revision(struct tx *tx, uint64_t number, uint32_t revision);
void document_put_numbers(struct tx *tx, uint64_t last_endpoint, uint64_t last_replay);
/*
 * The numbers given out by the time of the commit: steps give out numbers too, and whoever commits last must not write
 * what he knew before.
 */
void document_settle_numbers(struct tx *tx, struct directory *d);
/* Inside a step: writes the documents that were put into tx, which is not committed itself. */
void document_step(struct store *store, const struct tx *tx);
void document_put_admin(struct tx *tx, const uint8_t hash[SHA256_BYTES]);

/* Compiles a revision from its document; NULL when there is none or it does not compile any more. One reference. */
struct endpoint *document_read_revision(struct store *store, uint64_t number, uint32_t revision);

/* Members of documents: a copy of a string ("" when absent), an integer (0). */
char *document_string(struct json doc, const char *name);
int64_t document_i64(struct json doc, const char *name);

#endif
