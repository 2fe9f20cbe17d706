/*
 * Signs of life for who supervises the daemon: systemd restarts it when they stay away for WatchdogSec. They are given
 * only while every thread that an event passes through turns (node_alive), so that a daemon that only looks alive is
 * started anew. Along with them goes a sentence for `systemctl status`.
 */
#ifndef DAEMON_WATCHDOG_H
#define DAEMON_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "node/node.h"

struct watchdog {
	int64_t period_ms; /* between two looks; 0: nobody wants to know */
	int64_t next_us;   /* of the next one */
	bool pings;	   /* WATCHDOG=1 is wanted, not only a sentence */
	bool silent;	   /* the last look found a thread that does not turn */
};

/* A start that takes long gets on: more time for it, and a sentence. For node_options.progress; ctx is not used. */
void watchdog_progress(void *ctx, int64_t rows);
/* The stop begins and may take so long. */
void watchdog_stopping(int64_t stop_ms);

/* By NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of the environment. Nothing is looked at when nobody listens. */
void watchdog_start(struct watchdog *w);
/* The milliseconds for poll() until watchdog_look wants to be called: -1 for never. */
int watchdog_wait_ms(const struct watchdog *w);
/* Looks whether the node is alive, if it is time to, and says so. address: where the API listens. */
void watchdog_look(struct watchdog *w, struct node *n, const char *address, struct log *log);

#endif
