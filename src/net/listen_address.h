/* Where a server listens: "127.0.0.1:8420" or "[::1]:8420", numbers only, as server_address writes it. */
#ifndef NET_LISTEN_ADDRESS_H
#define NET_LISTEN_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>

#include "base/slice.h"

union listen_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* False when the text is no such address; *ret is of no use then. */
bool listen_address_read(struct slice text, union listen_address *ret);
/* Bytes of it, for bind(2). */
socklen_t listen_address_size(const union listen_address *a);
bool listen_address_is_loopback(const union listen_address *a);

#endif
