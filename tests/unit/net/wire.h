/*
 * A client of raw bytes on loopback, for what no HTTP library would send. Every wait is bounded by a socket time-out.
 */
#ifndef TESTS_UNIT_NET_WIRE_H
#define TESTS_UNIT_NET_WIRE_H

#include "base/buf.h"

#define WIRE_TIMEOUT_S 20

/* Connects to "127.0.0.1:port"; -1 when refused. */
int wire_connect(const char *address);
/* False when the peer closed or nothing moved for the time-out. */
bool wire_send(int fd, struct slice bytes);
/*
 * Reads one answer with a Content-Length, and no byte of the next one. in keeps what was read too far between calls;
 * ret_body may be NULL. Its status, or 0 when the connection ended before it was whole.
 */
int wire_answer(int fd, struct buf *in, struct buf *ret_head, struct buf *ret_body);
/* True when the peer closes (or has closed) the connection and sends nothing more. */
bool wire_closed(int fd);

#endif
