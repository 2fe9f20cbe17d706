/*
 * The ids of the last so many events, as keyed 64-bit hashes with the seq each stands for: the duplicate check without
 * an index on the way in. A hit is a suspicion only; the caller compares the stored event. One thread.
 */
#ifndef STORE_RECENT_H
#define STORE_RECENT_H

#include <stdbool.h>
#include <stdint.h>

struct recent;

/* Knows at least the last `limit` ids added; takes memory as they come, 24 bytes an id when full. */
struct recent *recent_new(uint32_t limit);
void recent_free(struct recent **r);
/* Calls the memory near that recent_find will look at, without waiting for it. */
void recent_prefetch(const struct recent *r, uint64_t hash);
/* Adds an id. Nothing is forgotten before recent_settle, so that recent_undo finds everything as it was. */
void recent_add(struct recent *r, uint64_t hash, int64_t seq);
/* The commit that added the last ids is on disk: forgets the oldest beyond the limit. */
void recent_settle(struct recent *r);
/* The commit failed: takes back the `count` ids added last. */
void recent_undo(struct recent *r, uint64_t count);

/* Is the event with this seq the one that is looked for? Called for each id of the same hash. */
typedef bool recent_same_fn(void *ctx, int64_t seq);
/* The seq for which `same` says yes, 0 when there is none. */
int64_t recent_find(const struct recent *r, uint64_t hash, recent_same_fn *same, void *ctx);
/* How many ids are known. */
uint64_t recent_count(const struct recent *r);

#endif
