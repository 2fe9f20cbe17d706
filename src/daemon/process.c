/*
 * Signals arrive as bytes on a descriptor, so nothing ever runs
 * inside a signal handler but the last word of a second signal.
 */
#include "daemon/process.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FILES_LEAST 96
#define FILES_EACH  16 /* for each shard and thread */

static void stop_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
}

void process_settle(void)
{
	struct rlimit files, core = { 0, 0 };

	umask(0077);
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	setrlimit(RLIMIT_CORE, &core);
	prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
#if !defined(__SANITIZE_ADDRESS__)
	prctl(PR_SET_DUMPABLE, 0L, 0L, 0L,
	      0L); /* nobody of the same user reads keys out of the memory; the leak checker would have to */
#endif
}

int64_t process_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > INT64_MAX)
		return INT64_MAX;
	return (int64_t)files.rlim_cur;
}

int64_t process_files_least(int64_t shards, int64_t threads)
{
	return FILES_LEAST + FILES_EACH * (shards + threads);
}

int process_signals(void)
{
	sigset_t set;

	stop_signals(&set);
	sigaddset(&set, SIGHUP);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void die(int number)
{
	(void)number;
	_exit(1);
}

void process_signals_kill(void)
{
	struct sigaction action = { .sa_handler = die };
	const struct timespec now = { 0, 0 };
	sigset_t set;

	stop_signals(&set);
	/* The one that was polled for has not been taken yet; unblocked, it would be the second. */
	while (sigtimedwait(&set, NULL, &now) > 0)
		;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void process_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (n == 0 || n >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, n);
	if (path[0] == '@') /* Linux's sockets without a file */
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}
