/*
 * One load of pending rows with the events they name, for engine_loaded. Asked
 * for on a loop, read on the store thread, handed to the engine on the loop.
 */
#ifndef NODE_LOAD_H
#define NODE_LOAD_H

#include "base/log.h"
#include "engine/engine.h"
#include "node/directory.h"

struct load;

/* query, ready and max_bytes as struct engine_host's load has them. */
struct load *load_new(const struct pending_query *query, bool ready, size_t max_bytes);
uint64_t load_endpoint(const struct load *l);
/* Reads. What cannot be read is left out and logged: as far as the engine is concerned the query ends there. */
void load_read(struct load *l, struct store *store, struct directory *d, struct log *log);
/* For engine_loaded, which takes the references in it. */
struct loaded_rows *load_rows(struct load *l);
void load_free(struct load **l);

#endif
