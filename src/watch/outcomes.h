/*
 * The log's line of each outcome, as the operator wants it (setting log_outcomes): what became of a request, and of an
 * event that ended without one. What is in a line is safe to keep: ids, codes and times, never a URL or a body.
 *
 *	2026-11-22T10:00:00.123Z warn retry project=shop endpoint=crm code=503 ms=12.4 attempt=1 items=1 seq=17 …
 */
#ifndef WATCH_OUTCOMES_H
#define WATCH_OUTCOMES_H

#include "base/log.h"
#include "node/node.h"

enum outcomes { OUTCOMES_NONE, OUTCOMES_FAILED, OUTCOMES_ALL };

/* Says it when `which` wants it. On a loop thread, as the tap of the same name. */
void outcomes_log(enum outcomes which, struct log *log, struct node *node, const struct attempt_row *row);

#endif
