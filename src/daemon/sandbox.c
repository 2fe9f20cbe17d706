/*
 * Small and early. What a kernel refuses here is no reason not to start: each of these is a second wall, not the first.
 */
#include "daemon/sandbox.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void more_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

void sandbox_enter(void)
{
	const struct rlimit none = { 0, 0 };

	umask(077);
	/* A core file would hold customers' secrets. */
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	more_descriptors();
	/* A connection that breaks is an error value, not a signal. */
	signal(SIGPIPE, SIG_IGN);
}
