/* The objects of the memory store. For memory.c only, which holds the lock. Nothing here can fail. */
#ifndef STORE_MEMORY_OBJECTS_H
#define STORE_MEMORY_OBJECTS_H

#include "store/memory_rows.h"
#include "store/object.h"

struct memory_objects {
	struct rowset objects; /* by project, kind, id */
	struct rowset entries; /* by project, kind, field, value, id; what they hold is the objects' */
	uint64_t made;	       /* objects so far, for the order of those that are due at the same time */
};

void memory_objects_init(struct memory_objects *m);
void memory_objects_clear(struct memory_objects *m);

int memory_object_get(const struct memory_objects *m, struct slice project, uint16_t kind, struct slice id,
		      struct buf *ret);
void memory_object_walk(const struct memory_objects *m, const struct object_query *q, bool with_text,
			store_object_fn *fn, void *ctx);
void memory_objects_due(const struct memory_objects *m, int64_t upto_ms, uint32_t max, store_due_fn *fn, void *ctx);
int64_t memory_objects_next_due(const struct memory_objects *m);

void memory_object_put(struct memory_objects *m, const struct object_row *row);
void memory_object_delete(struct memory_objects *m, struct slice project, uint16_t kind, struct slice id);
uint32_t memory_objects_drop(struct memory_objects *m, struct slice project, uint32_t max);

#endif
