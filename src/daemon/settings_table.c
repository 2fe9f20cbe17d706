/*
 * One row is all that a setting needs: options, variables, the settings file, the help, the man pages, the sample
 * postrider.conf and the shell completion are made of it (scripts/pages asks `postrider serve --help`). The order is
 * that of the help: where things are, who may ask, how much, mails, and what only tests and developers touch.
 */
#include "daemon/settings_table.h"

#include <stddef.h>
#include <string.h>

#define AT(member) offsetof(struct serve_settings, member)
#define MIB	   (INT64_C(1) << 20)
#define GIB	   (INT64_C(1) << 30)

/* clang-format off: a table is read by its columns */
static const struct setting rows[] = {
	{ "config", SETTING_TEXT, AT(config), NULL, 0, 0, NULL, "FILE",
	  "read settings from FILE: lines of name = value", false },
	{ "data", SETTING_TEXT, AT(data), NULL, 0, 0, NULL, "DIR",
	  "folder of the embedded store (default: systemd's STATE_DIRECTORY, else /var/lib/postrider)", false },
	{ "store", SETTING_TEXT, AT(store), NULL, 0, 0, NULL, "URL",
	  "the shared store, postgresql://...; not in this version", false },
	{ "listen", SETTING_TEXT, AT(listen), "127.0.0.1:8420", 0, 0, NULL, "ADDR:PORT",
	  "where the API listens; port 0: any free one", false },
	{ "tls_cert", SETTING_TEXT, AT(tls_cert), NULL, 0, 0, NULL, "FILE",
	  "serve HTTPS with this certificate chain (PEM)", false },
	{ "tls_key", SETTING_TEXT, AT(tls_key), NULL, 0, 0, NULL, "FILE", "and this private key (PEM)", false },
	{ "admin_key", SETTING_TEXT, AT(admin_key), NULL, 0, 0, NULL, "KEY",
	  "16 or more visible ASCII characters; without one, made at the first start and printed once", true },
	{ "admin_key_file", SETTING_TEXT, AT(admin_key_file), NULL, 0, 0, NULL, "FILE",
	  "or the one in FILE's first line", true },
	{ "public_url", SETTING_URL, AT(public_url), NULL, 0, 0, NULL, "URL",
	  "begins the URLs that others call (default: http:// and the listen address)", false },
	{ "portal_frame_ancestors", SETTING_TEXT, AT(portal_frame_ancestors), "none", 0, 0, NULL, "LIST",
	  "pages that may frame the console: none, self, or origins as https://app.example.org, with commas between",
	  false },
	{ "operations_project", SETTING_TEXT, AT(operations_project), NULL, 0, 0, NULL, "ID",
	  "the project whose endpoints are told of endpoints that fail, recover or are disabled, and of dead letters",
	  false },
	{ "console_dir", SETTING_TEXT, AT(console_dir), NULL, 0, 0, NULL, "DIR",
	  "for who works on the console: take its files from DIR instead of the program", false },
	{ "allow_net", SETTING_LIST, AT(allow_net), NULL, 0, 0, NULL, "CIDR",
	  "open a range of addresses that is refused otherwise, as 10.1.0.0/16; may be given again", true },
	{ "allow_ports", SETTING_TEXT, AT(allow_ports), NULL, 0, 0, NULL, "LIST",
	  "ports of endpoints (default 80,443,1024-65535)", true },
	{ "bind_address", SETTING_TEXT, AT(bind_address), NULL, 0, 0, NULL, "ADDR",
	  "source address of the requests to endpoints", false },
	{ "dns_servers", SETTING_TEXT, AT(dns_servers), NULL, 0, 0, NULL, "LIST",
	  "name servers (default: the system's)", false },
	{ "metrics_open", SETTING_CHOICE, AT(metrics_open), "auto", 0, 0, "auto yes no", "WORD",
	  "/metrics without a key: yes, no, or auto: when listening on loopback", true },
	{ "retention_days", SETTING_NUMBER, AT(retention_days), "31", 1, 3660, NULL, "N",
	  "keep events and attempts so long", true },
	{ "dead_retention_days", SETTING_NUMBER, AT(dead_retention_days), "31", 1, 3660, NULL, "N",
	  "keep what failed for good so long", true },
	{ "recent_ids", SETTING_NUMBER, AT(recent_ids), "1000000", 1000, 100000000, NULL, "N",
	  "event ids known as duplicates", false },
	{ "recent_finals", SETTING_NUMBER, AT(recent_finals), "1000000", 1000, 100000000, NULL, "N",
	  "messages known as final, of endpoints with final_statuses", false },
	{ "shards", SETTING_NUMBER, AT(shards), "1", 1, 256, NULL, "N",
	  "threads that deliver; endpoints are spread over them", false },
	{ "threads", SETTING_NUMBER, AT(threads), "2", 1, 256, NULL, "N", "threads that take requests", false },
	{ "connections", SETTING_NUMBER, AT(connections), "10000", 1, 1000000, NULL, "N",
	  "most connections of clients at once", false },
	{ "memory", SETTING_SIZE, AT(memory), "96M", 4 * MIB, 1024 * GIB, NULL, "SIZE",
	  "events held in memory; more wait on disk", false },
	{ "endpoint_memory", SETTING_SIZE, AT(endpoint_memory), "8M", MIB, 64 * GIB, NULL, "SIZE",
	  "of them, of one endpoint", false },
	{ "queue_memory", SETTING_SIZE, AT(queue_memory), "32M", 8 * MIB, 64 * GIB, NULL, "SIZE",
	  "events waiting for their commit, and a quarter of what bodies of requests may hold; more gets 503", false },
	{ "stop_s", SETTING_NUMBER, AT(stop_s), "15", 0, 600, NULL, "N",
	  "longest wait, at a stop, for what is on the wire", true },
	{ "smtp_host", SETTING_TEXT, AT(smtp_host), NULL, 0, 0, NULL, "HOST",
	  "the server that mails go through; without one, none are sent", true },
	{ "smtp_port", SETTING_NUMBER, AT(smtp_port), "0", 0, 65535, NULL, "N",
	  "its port; 0: 25, 587 or 465, by smtp_tls", true },
	{ "smtp_tls", SETTING_CHOICE, AT(smtp_tls), "starttls", 0, 0, "none starttls tls", "WORD",
	  "none; starttls: refuse to go on without; tls: from the first byte", true },
	{ "smtp_user", SETTING_TEXT, AT(smtp_user), NULL, 0, 0, NULL, "NAME", "log in there as NAME", true },
	{ "smtp_password", SETTING_TEXT, AT(smtp_password), NULL, 0, 0, NULL, "TEXT",
	  "with this password; others can see an option, so better a variable or a file", true },
	{ "smtp_password_file", SETTING_TEXT, AT(smtp_password_file), NULL, 0, 0, NULL, "FILE",
	  "or with the one in FILE's first line", true },
	{ "smtp_from", SETTING_TEXT, AT(smtp_from), NULL, 0, 0, NULL, "ADDR", "the address that mails come from",
	  true },
	{ "smtp_ca", SETTING_TEXT, AT(smtp_ca), NULL, 0, 0, NULL, "FILE",
	  "certificates to trust its server by (PEM; default: the system's)", true },
	{ "mail_digest_s", SETTING_NUMBER, AT(mail_digest_s), "3600", 1, 86400, NULL, "N",
	  "at most one mail about an endpoint that goes on failing in so long", true },
	{ "test_step_ms", SETTING_NUMBER, AT(test_step_ms), "1000", 1, 3600000, NULL, "N",
	  "between two statuses of a message on the test route", false },
	{ "log_outcomes", SETTING_CHOICE, AT(log_outcomes), "failed", 0, 0, "none failed all", "WORD",
	  "which attempts get a line in the log: none, those that failed, or all", false },
	{ "log_level", SETTING_CHOICE, AT(log_level), "info", 0, 0, "debug info warn error", "WORD",
	  "least level of log lines on stderr: debug, info, warn, error", true },
};
/* clang-format on */
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))
_Static_assert(ROW_COUNT <= SETTINGS_MAX, "a place for each row");

const struct setting *setting_at(size_t i)
{
	return i < ROW_COUNT ? &rows[i] : NULL;
}

const struct setting *setting_find(struct slice name)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (slice_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

bool setting_is_secret(const struct setting *s)
{
	return s->offset == AT(admin_key) || s->offset == AT(smtp_password);
}

size_t setting_index(const struct setting *s)
{
	return (size_t)(s - rows);
}

/* "--allow-net CIDR" */
static void option_write(char ret[64], const struct setting *s)
{
	snprintf(ret, 64, "--%s %s", s->name, s->argument);
	for (char *p = ret; *p && *p != ' '; p++)
		if (*p == '_')
			*p = '-';
}

void settings_explain(FILE *out)
{
	char option[64];
	int widest = 0;

	for (size_t i = 0; i < ROW_COUNT; i++) {
		option_write(option, &rows[i]);
		widest = (int)strlen(option) > widest ? (int)strlen(option) : widest;
	}
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const char *fallback = rows[i].fallback;

		option_write(option, &rows[i]);
		fprintf(out, "  %-*s  %s%s%s%s%s\n", widest, option, rows[i].help, fallback ? " (default " : "",
			fallback ? fallback : "", fallback ? ")" : "", rows[i].reload ? " (reload)" : "");
	}
}
