/* One request that arrived, written for a reader or for a script. */
#ifndef LISTEN_SHOW_H
#define LISTEN_SHOW_H

#include "base/buf.h"
#include "listen/ack.h"
#include "net/server.h"

struct arrival {
	struct server_request *rq;
	uint64_t number;	      /* counted from 1 */
	int64_t time_ms;	      /* Unix time */
	int status;		      /* what it is answered */
	int64_t delay_ms;	      /* and after how long */
	bool verified;		      /* a secret was given */
	const char *signature_fault;  /* when verified: NULL is a right signature */
	const struct ack_answer *ack; /* what the answer acknowledges; NULL without --ack */
};

/* Several lines, decoded and readable; colours when asked for. */
void show_text(struct buf *out, const struct arrival *a, bool colours);
/*
 * One line of JSON: n, time, method, path, query {name: [values]}, headers {lower-case
 * name: value}, items, body (text) or body_base64, answered, signature ("ok", "bad" or
 * null), signature_fault, acked (the ids, null without --ack), ack_fault.
 */
void show_json(struct buf *out, const struct arrival *a);

#endif
