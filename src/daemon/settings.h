/*
 * The daemon's settings: one table feeds the options of `postrider serve`, the settings file, the variables POSTRIDER_…
 * and the help. An option wins over a variable, a variable over the file, the file over the default.
 */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/fault.h"

#define SETTINGS_MAX 64 /* rows of the table */

enum metrics_access { METRICS_AUTO, METRICS_YES, METRICS_NO };

struct text_list {
	char **items;
	size_t count;
};

struct serve_settings {
	char *config, *data, *store, *listen, *admin_key, *admin_key_file, *allow_ports, *bind_address, *public_url,
		*tls_cert, *tls_key, *dns_servers;
	char *console_dir, *operations_project, *portal_frame_ancestors;
	char *smtp_host, *smtp_user, *smtp_password, *smtp_password_file, *smtp_from, *smtp_ca;
	struct text_list allow_net;
	int64_t retention_days, dead_retention_days, recent_ids, recent_finals, shards, threads, connections, stop_s;
	int64_t test_step_ms, smtp_port, mail_digest_s;
	int64_t memory, queue_memory, endpoint_memory; /* bytes */
	int log_level;				       /* enum log_level */
	int log_outcomes;			       /* enum outcomes */
	int metrics_open;			       /* enum metrics_access */
	int smtp_tls;				       /* enum mail_tls */
	/* who has said it last, by row: "--listen", "POSTRIDER_LISTEN"; "" for a default */
	char where[SETTINGS_MAX][64];
};

#define SETTINGS_HELP 1 /* --help was asked for */

/*
 * Reads all of them. 0; SETTINGS_HELP; ERR_INVALID: fault->param says where ("--listen", "file.ini:3"), fault->message
 * what and the cure. settings_free in any case.
 */
int settings_read(struct serve_settings *s, int argc, char **argv, char *const *environment, struct fault *fault);
void settings_free(struct serve_settings *s);
/* Where a setting's value came from, for messages: "--listen", or its name when it is the default. */
const char *settings_where(const struct serve_settings *s, const char *name);
/* The table for people. */
void settings_explain(FILE *out);

#endif
