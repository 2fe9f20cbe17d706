/* Events that a caller names by their ids. */
#ifndef API_EVENT_IDS_H
#define API_EVENT_IDS_H

#include "api/call.h"

/*
 * ids, a JSON array of 1 to REPLAY_CHOSEN_MAX texts, as the seqs of an owner's events, ascending, each once. False: the
 * call is answered, also when one of them is not known.
 */
bool event_ids_read(struct call *c, struct json ids, struct owner owner, int64_t seqs[REPLAY_CHOSEN_MAX],
		    size_t *ret_count);

#endif
