/*
 * Accepting connections, and the absolute deadlines that libmicrohttpd does not know. Its own time-out starts anew with
 * every byte, so a client that drips one byte a second would be served for ever; here each phase of a request (the
 * head, the body, the answer) gets one deadline that no byte moves. When it passes, the socket is shut down and
 * libmicrohttpd finds the connection ended.
 *
 * The listening socket is ours and not libmicrohttpd's, because its way to stop listening (MHD_quiesce_daemon) races
 * with its workers and aborts when it loses. So one thread polls the listening socket, hands new connections over, and
 * once a second walks over all guests. At the limit it does not poll: further connections wait in the kernel's backlog.
 * Guests come and go on the workers' threads, under the lock; a guest leaves before its descriptor is closed, so a
 * shutdown never hits a stranger who got the same number.
 */
#include "net/server_door.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "net/listen_address.h"

#define BACKLOG	     4096
#define SWEEP_MS     1000
#define ACCEPT_BURST 64 /* connections let in between two looks at the rest */

struct door {
	int listen_fd, wake_fd;
	unsigned room;
	door_enter *enter;
	void *ctx;
	pthread_t thread;
	bool started;
	_Atomic bool closed, ending;
	_Atomic unsigned inside; /* accepted and not yet out */
	_Atomic bool full;	 /* the thread waits for one to leave */
	pthread_mutex_t lock;	 /* guards guests */
	struct list guests;
};

static const char *listen_cure(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "another program has that port; end it or choose another port";
	case EACCES:
		return "choose a port above 1023, or give the program the capability CAP_NET_BIND_SERVICE";
	case EADDRNOTAVAIL:
		return "no network interface of this machine has that address";
	default:
		return "check address and port";
	}
}

static int listen_at(const char *address, struct fault *fault)
{
	union listen_address a;
	int fd, on = 1;

	if (!listen_address_read(slice_str(address), &a))
		return fault_set(fault, "invalid_param", "listen",
				 "'%s' is no address to listen on; write numbers, as 127.0.0.1:8420 or [::1]:8420",
				 address);
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, &a.any, listen_address_size(&a)) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	fault_set(fault, "listen", "listen", "cannot listen on %s: %s; %s", address, strerror(errno),
		  listen_cure(errno));
	if (fd >= 0)
		close(fd);
	return ERR_SYSTEM;
}

int door_new(const char *address, unsigned room, struct door **ret, struct fault *fault)
{
	int fd = listen_at(address, fault);
	struct door *d;

	if (fd < 0)
		return fd;
	d = mem_zalloc(sizeof(*d));
	d->listen_fd = fd;
	d->room = room;
	list_init(&d->guests);
	pthread_mutex_init(&d->lock, NULL);
	d->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (d->wake_fd < 0) {
		fault_set(fault, "listen", "", "no event descriptor: %s; raise the limit of open files",
			  strerror(errno));
		door_free(&d);
		return ERR_SYSTEM;
	}
	*ret = d;
	return 0;
}

static void door_wake(struct door *d)
{
	uint64_t one = 1;

	/* It can only fail when the counter is full, and then the thread is awake anyway. */
	if (write(d->wake_fd, &one, sizeof(one)) < 0)
		assert(errno == EAGAIN);
}

static void door_sweep(struct door *d)
{
	int64_t now = clock_mono_us(), deadline;
	struct guest *g;

	pthread_mutex_lock(&d->lock);
	LIST_EACH (it, &d->guests) {
		g = CONTAINER_OF(it, struct guest, link);
		deadline = g->deadline_us;
		if (deadline != 0 && deadline < now)
			shutdown(g->fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&d->lock);
}

static void door_left(struct door *d)
{
	d->inside--;
	if (d->full)
		door_wake(d);
}

/* False when the kernel has no descriptor to give: the thread then rests until the next sweep instead of spinning. */
static bool door_accept(struct door *d)
{
	union listen_address a;
	socklen_t len;
	int fd;

	for (int i = 0; i < ACCEPT_BURST && d->inside < d->room; i++) {
		len = sizeof(a);
		fd = accept4(d->listen_fd, &a.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return errno == EAGAIN || errno == ECONNABORTED || errno == EINTR;
		d->inside++;
		if (!d->enter(d->ctx, fd, &a.any, len))
			door_left(d);
	}
	return true;
}

/* Whether to poll for newcomers. `full` is set before the last look, so that one who leaves in between wakes us. */
static bool door_has_room(struct door *d)
{
	d->full = false;
	if (d->inside < d->room)
		return true;
	d->full = true;
	return d->inside < d->room;
}

static void *door_main(void *arg)
{
	struct door *d = arg;
	int64_t next_sweep_us = clock_mono_us();
	bool resting = false;

	pthread_setname_np(pthread_self(), "door");
	while (!d->ending) {
		bool listening = !resting && !d->closed && door_has_room(d);
		struct pollfd fds[2] = { { d->wake_fd, POLLIN, 0 }, { listening ? d->listen_fd : -1, POLLIN, 0 } };
		uint64_t count;

		resting = false;
		poll(fds, 2, SWEEP_MS);
		if (fds[0].revents != 0 && read(d->wake_fd, &count, sizeof(count)) < 0)
			assert(errno == EAGAIN);
		if (fds[1].revents != 0 && !d->closed)
			resting = !door_accept(d);
		if (clock_mono_us() >= next_sweep_us) {
			door_sweep(d);
			next_sweep_us = clock_mono_us() + SWEEP_MS * 1000;
		}
	}
	return NULL;
}

int door_open(struct door *d, door_enter *enter, void *ctx, struct fault *fault)
{
	sigset_t all, before;
	int error;

	d->enter = enter;
	d->ctx = ctx;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&d->thread, NULL, door_main, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	d->started = error == 0;
	if (d->started)
		return 0;
	fault_set(fault, "listen", "", "no thread: %s; raise the limit of processes", strerror(error));
	return ERR_SYSTEM;
}

void door_close(struct door *d)
{
	if (atomic_exchange(&d->closed, true))
		return;
	/*
	 * Refuses those who come from now on and those in the backlog,
	 * at once; the descriptor's number stays taken until door_free.
	 */
	shutdown(d->listen_fd, SHUT_RDWR);
	door_wake(d);
}

void door_stop(struct door *d)
{
	if (!d->started)
		return;
	d->ending = true;
	door_wake(d);
	pthread_join(d->thread, NULL);
	d->started = false;
}

void door_free(struct door **door)
{
	struct door *d = *door;

	if (!d)
		return;
	*door = NULL;
	door_stop(d);
	assert(list_empty(&d->guests));
	close(d->listen_fd);
	if (d->wake_fd >= 0)
		close(d->wake_fd);
	pthread_mutex_destroy(&d->lock);
	mem_free(d);
}

void door_address(const struct door *d, char *ret, size_t cap)
{
	union listen_address a = { 0 };
	socklen_t len = sizeof(a);
	char host[INET6_ADDRSTRLEN];

	getsockname(d->listen_fd, &a.any, &len);
	if (a.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a.v6.sin6_addr, host, sizeof(host));
		snprintf(ret, cap, "[%s]:%u", host, (unsigned)ntohs(a.v6.sin6_port));
	} else {
		inet_ntop(AF_INET, &a.v4.sin_addr, host, sizeof(host));
		snprintf(ret, cap, "%s:%u", host, (unsigned)ntohs(a.v4.sin_port));
	}
}

void guest_limit(struct guest *g, int64_t limit_us)
{
	g->deadline_us = limit_us == 0 ? 0 : clock_mono_us() + limit_us;
}

struct guest *door_guest_in(struct door *d, int fd, int64_t limit_us)
{
	struct guest *g = mem_zalloc(sizeof(*g));

	g->fd = fd;
	guest_limit(g, limit_us);
	pthread_mutex_lock(&d->lock);
	list_push(&d->guests, &g->link);
	pthread_mutex_unlock(&d->lock);
	return g;
}

void door_guest_out(struct door *d, struct guest *g)
{
	pthread_mutex_lock(&d->lock);
	list_del(&g->link);
	pthread_mutex_unlock(&d->lock);
	mem_free(g);
	door_left(d);
}
