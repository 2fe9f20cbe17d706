/* What the daemon makes of its process, and how it talks to who supervises it. */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include <stdint.h>

/*
 * Ignores SIGPIPE, raises the limit of open files, and gives up what a daemon does not need: new privileges, core dumps
 * with secrets in them, files that others can read.
 */
void process_settle(void);
/* How many files this process may have open, sockets among them. */
int64_t process_files(void);
/* How many it needs to start at all: for the store, the loops, the threads, and a few connections each way. */
int64_t process_files_least(int64_t shards, int64_t threads);
/*
 * Blocks SIGTERM, SIGINT and SIGHUP for this thread and all that it starts; a descriptor that is readable when one
 * came, or -1.
 */
int process_signals(void);
/* From now on such a signal ends the process at once with 1. */
void process_signals_kill(void);
/* Tells systemd, "READY=1". Does nothing when it is not there. */
void process_notify(const char *state);

#endif
