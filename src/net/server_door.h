/*
 * The door of the server: one thread that listens, lets connections in as long as there is room, and shows out those
 * that dawdle. Private to the server adapter.
 */
#ifndef NET_SERVER_DOOR_H
#define NET_SERVER_DOOR_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/list.h"

struct door;

/* One connection that was let in. */
struct guest {
	struct list link;
	int fd;
	_Atomic int64_t deadline_us; /* monotonic; 0: none, it is our turn to act */
};

/*
 * A new connection; the callee owns fd from now on. False when it
 * could not take it (fd is closed then). Runs on the door's thread.
 */
typedef bool door_enter(void *ctx, int fd, const struct sockaddr *addr, socklen_t addr_len);

/*
 * Binds and listens at address, "127.0.0.1:8420" or "[::1]:0"; nobody
 * is let in before door_open. ERR_INVALID, ERR_SYSTEM with a sentence.
 */
int door_new(const char *address, unsigned room, struct door **ret, struct fault *fault);
/* Starts the thread. */
int door_open(struct door *d, door_enter *enter, void *ctx, struct fault *fault);
/* Stops listening; the watch over those inside goes on. Any thread, more than once. */
void door_close(struct door *d);
/* Ends the thread: nobody is let in and nobody shown out afterwards. */
void door_stop(struct door *d);
/* Stops and frees. All guests must have left. NULL is fine. */
void door_free(struct door **d);
/* The address it listens on, with the port in use. */
void door_address(const struct door *d, char *ret, size_t cap);

/* The connection fd is served from now on. Any thread, as the next two. */
struct guest *door_guest_in(struct door *d, int fd, int64_t limit_us);
/* Before fd is closed: after this call the door does not touch it any more. */
void door_guest_out(struct door *d, struct guest *g);
/* The guest must have got further within limit_us from now, or its connection is shut down; 0: no limit. */
void guest_limit(struct guest *g, int64_t limit_us);

#endif
