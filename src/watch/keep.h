/* The plots on disk, so that a restart does not empty them. Blocking, for the watchman and around its life. */
#ifndef WATCH_KEEP_H
#define WATCH_KEEP_H

#include "base/log.h"
#include "watch/series.h"

#define KEEP_EVERY_US INT64_C(300000000)

void keep_load(struct series *s, struct node *node);
/* Those that have something new; what cannot be written is said in the log and left. */
void keep_save(struct series *s, struct node *node, struct log *log);

#endif
