/*
 * The settings once more, while the daemon works: file, variables and options are read again (options and variables are
 * those of the start), everything that could be wrong is looked for first, and what can change is changed. What cannot
 * is named in the log. A fault changes nothing at all.
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "api/api.h"
#include "daemon/settings.h"

struct reload_host {
	struct log *log;
	struct guard *guard;
	struct api *api;
	struct hub *hub;
	struct node *node;
	const char *cert_pem, *key_pem; /* in use, NULL without TLS */
	int argc;
	char **argv;
};

/* now: in force, and afterwards what is in force then. Tells systemd. */
void reload_settings(struct serve_settings *now, const struct reload_host *host);

#endif
