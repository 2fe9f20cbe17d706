/* Answers that acknowledge, as Webcom's receivers write them. */
#ifndef LISTEN_ACK_H
#define LISTEN_ACK_H

#include "listen/webcom.h"

enum ack_kind { ACK_WITH_NOTHING, ACK_WITH_XML, ACK_WITH_JSON };

/* -1 for a word that is none of: none, xml, json. */
int ack_kind_read(const char *word);

/*
 * Which ids are taken: a share of all that ever came, evenly spread
 * and the same at each run. 0.5 takes the first, the third, …
 */
struct ack_choice {
	double share; /* 0 .. 1 */
	uint64_t seen;
};

struct ack_answer {
	enum ack_kind kind;
	struct buf body;       /* what is sent; well-formed even when nothing is acknowledged */
	struct webcom request; /* what came; its fault says why nothing is acknowledged */
	bool *taken;	       /* for each item of the request */
	size_t taken_count;
};

/* Makes the answer to a request's body. kind is not ACK_WITH_NOTHING. ack_answer_free in any case. */
void ack_answer_make(enum ack_kind kind, struct ack_choice *choice, struct slice body, struct ack_answer *ret);
void ack_answer_free(struct ack_answer *a);
const char *ack_media_type(enum ack_kind kind);

#endif
