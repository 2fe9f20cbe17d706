/*
 * The absolute deadlines of the server's door, on socket pairs instead
 * of connections: what is late is shut down, what is not stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "net/server_door.h"

static bool never_enter(void *ctx, int fd, const struct sockaddr *addr, socklen_t addr_len)
{
	(void)ctx, (void)addr, (void)addr_len;
	close(fd);
	return false;
}

static void test_late_guests_are_shown_out(void **state)
{
	struct timeval limit = { .tv_sec = 20 };
	int late[2], waiting[2], early[2];
	struct guest *guests[3];
	struct fault fault;
	struct door *d;
	char byte;

	(void)state;
	assert_int_equal(door_new("127.0.0.1:0", 10, &d, &fault), 0);
	assert_int_equal(door_open(d, never_enter, NULL, &fault), 0);
	socketpair(AF_UNIX, SOCK_STREAM, 0, late);
	socketpair(AF_UNIX, SOCK_STREAM, 0, waiting);
	socketpair(AF_UNIX, SOCK_STREAM, 0, early);
	setsockopt(late[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	guests[0] = door_guest_in(d, waiting[0], 1);
	guest_limit(guests[0], 0); /* it is our turn */
	guests[1] = door_guest_in(d, early[0], INT64_C(3600000000));
	guests[2] = door_guest_in(d, late[0], 1);
	assert_int_equal(recv(late[1], &byte, 1, 0), 0);
	/* The sweep that ended this one has seen the others. */
	assert_int_equal(recv(waiting[1], &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(recv(early[1], &byte, 1, MSG_DONTWAIT), -1);
	door_stop(d);
	for (int i = 0; i < 3; i++)
		door_guest_out(d, guests[i]);
	door_free(&d);
	for (int i = 0; i < 2; i++) {
		close(late[i]);
		close(waiting[i]);
		close(early[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_late_guests_are_shown_out) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
