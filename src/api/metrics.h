/* The numbers of a node in Prometheus' text format. */
#ifndef API_METRICS_H
#define API_METRICS_H

#include "node/node.h"

#define METRICS_ENDPOINTS 1000

/* own: how many endpoints have lines of their own; the rest is summed. Any thread. */
void metrics_write(struct node *node, size_t own, struct buf *out);

#endif
