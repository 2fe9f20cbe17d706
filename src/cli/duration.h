/* Spans of time for people. */
#ifndef CLI_DURATION_H
#define CLI_DURATION_H

#include "base/buf.h"

/* "4s", "12m", "3h 20m", "2d 5h": two units at most; "-" for nothing. */
void duration_add(struct buf *out, int64_t seconds);
/* A moment as when_read takes it, or a span before now_s as "2h". False when it is none. */
bool since_read(struct slice s, int64_t now_s, int64_t *ret_s);

#endif
