/*
 * The address guard: says of a numeric address, just before connect(), whether requests may go there. Loopback,
 * private, link-local, metadata, multicast, documentation and other special ranges are refused, and IPv6 addresses that
 * embed an IPv4 one (mapped, compatible, NAT64, 6to4, Teredo, ISATAP) are judged by both. Fails closed.
 */
#ifndef NET_GUARD_H
#define NET_GUARD_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/fault.h"
#include "base/slice.h"

struct guard; /* after set-up changed by guard_replace alone; any thread */

struct guard *guard_new(void);
void guard_free(struct guard **g);
/* Opens a range, "10.1.0.0/16", "fd00::/8", "127.0.0.1". ERR_INVALID with the cure when cidr is none. */
int guard_allow_net(struct guard *g, struct slice cidr, struct fault *fault);
/* Replaces the default ports (80, 443, 1024 - 65535): "80,443,8000-9000". */
int guard_allow_ports(struct guard *g, struct slice list, struct fault *fault);
/*
 * An address and port of our own listener: refused even inside an allowed range, so that the daemon never calls itself.
 */
void guard_deny_own(struct guard *g, const struct sockaddr *address);

/*
 * Takes the ranges and ports of `from`, which becomes empty; own listeners stay. Any thread: who checks meanwhile goes
 * by the old ones or by the new ones.
 */
void guard_replace(struct guard *g, struct guard *from);
/* Another number after each replacement: who keeps a verdict keeps the number that it asked for before it. */
unsigned guard_version(const struct guard *g);

/* NULL when the address may be connected to; otherwise a constant sentence naming the range it is in. */
const char *guard_check(const struct guard *g, const struct sockaddr *address);
bool guard_port(const struct guard *g, uint16_t port);
/* True when guard_allow_ports set the list: then it counts instead of an endpoint's own, too. */
bool guard_ports_chosen(const struct guard *g);

#endif
