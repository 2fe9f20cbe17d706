/*
 * Reading what a receiver took out of its answer. Whatever is doubtful is not
 * an acknowledgement: an item counts as taken only when the receiver said so.
 */
#ifndef DIALECT_ACK_H
#define DIALECT_ACK_H

#include "dialect/endpoint.h"

struct ack_result {
	size_t acked;	/* items of the request that are acknowledged */
	size_t foreign; /* ids in the answer that were not in the request, each as often as it is there */
	bool worthless; /* the body says nothing that can be relied on: no item is acknowledged */
};

/* True when an answer with this status may acknowledge: a success status, or any with ack.any_status (X7). */
bool ack_status(const struct endpoint *ep, int status);
/*
 * Judges the body of a whole answer for the count events that were sent, in order: ret_acked[i] says whether item i was
 * taken. Appends to reason, in words, what was expected and what came when anything is missing or foreign. With
 * ACK_NONE everything is acknowledged. Any thread; costs at most the body's length.
 */
struct ack_result ack_read(const struct endpoint *ep, struct event *const *events, size_t count, struct slice body,
			   bool *ret_acked, struct buf *reason);

#endif
