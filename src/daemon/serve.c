/*
 * Start and stop of the daemon, each in one order:
 *
 *	settings, process, log | listener (answers 503) | guard, which knows the listener's address | hub |
 *		node: recovers, and tells the hub | admin key | hub: what is due, mails | API open, READY=1
 *	API quiet, STOPPING=1 | listener drained | API's threads | hub's threads | node: flush, finish, park | free
 *
 * The listener comes before the node because the guard must know the address
 * that it got, and so that a port in use is found before the store is touched.
 */
#include "daemon/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "api/api.h"
#include "base/mem.h"
#include "daemon/parts.h"
#include "daemon/process.h"
#include "daemon/reload.h"
#include "daemon/settings.h"
#include "daemon/settings_show.h"
#include "daemon/watchdog.h"
#include "dialect/preset.h"
#include "hub/hub.h"
#include "watch/watch.h"

#define BODY_MAX       ((size_t)4 * 1024 * 1024)
#define IDLE_TIMEOUT_S 60
#define SHOWN_MAX      ((size_t)1024 * 1024)
#define DAY_MS	       INT64_C(86400000)

struct daemon {
	struct serve_settings settings;
	struct log *log;
	struct guard *guard;
	struct api *api;
	struct server *server;
	struct hub *hub;
	struct watch *watch;
	struct node *node;
	char *cert_pem, *key_pem;
	char *frame_ancestors; /* NULL: nobody */
	char address[128];     /* as bound */
	int signal_fd;
	int argc; /* of the command line, which a reload reads once more */
	char **argv;
};

/* --- the listener --- */

/* What the store, the loops and the threads open, and a few connections each way. */
static int files_check(const struct serve_settings *s, struct fault *fault)
{
	int64_t have = process_files(), least = process_files_least(s->shards, s->threads);

	if (have >= least)
		return 0;
	return fault_param(fault, "open files",
			   "the limit is %lld, and this daemon needs %lld - raise it: LimitNOFILE= of the unit, or "
			   "ulimit -n; 65536 is a good one",
			   (long long)have, (long long)least);
}

/* Clients get half of the files at most: connections that only rest there must not keep deliveries from going out. */
static unsigned connections_max(const struct serve_settings *s)
{
	int64_t half = process_files() / 2;

	return (unsigned)(s->connections < half ? s->connections : half);
}

/* The API exists before the node does, and says that it is starting. */
static int listen_start(struct daemon *d, struct fault *fault)
{
	const struct serve_settings *s = &d->settings;
	struct api_options api = { .log = d->log,
				   .metrics_open = parts_metrics_open(s),
				   .console_dir = s->console_dir };
	struct server_options server = { .address = s->listen,
					 .threads = (unsigned)s->threads,
					 .body_max = BODY_MAX,
					 .bodies_max = 4 * (size_t)s->queue_memory,
					 .screen = api_screen,
					 .connections_max = connections_max(s),
					 .idle_timeout_s = IDLE_TIMEOUT_S };

	if (parts_file(s, "tls_cert", s->tls_cert, "a PEM file", &d->cert_pem, fault) ||
	    parts_file(s, "tls_key", s->tls_key, "a PEM file", &d->key_pem, fault) ||
	    settings_frame_ancestors(s, &d->frame_ancestors, fault))
		return ERR_INVALID;
	api.frame_ancestors = d->frame_ancestors;
	server.tls_cert_pem = d->cert_pem;
	server.tls_key_pem = d->key_pem;
	d->api = api_new(&api);
	if (server_start(&server, api_handle, d->api, &d->server, fault)) {
		slice_copy(fault->param, sizeof(fault->param), slice_str(settings_where(s, "listen")));
		return ERR_INVALID;
	}
	server_address(d->server, d->address, sizeof(d->address));
	return 0;
}

/* --- the node --- */

static int guard_make(struct daemon *d, struct fault *fault)
{
	union listen_address own;

	if (parts_guard(&d->settings, &d->guard, fault))
		return ERR_INVALID;
	if (listen_address_read(slice_str(d->address), &own))
		guard_deny_own(d->guard, &own.any);
	return 0;
}

/* What others call us, when nobody says better: as the API listens. */
static void public_url(const struct daemon *d, struct buf *out)
{
	const char *given = d->settings.public_url;
	size_t n = given ? strlen(given) : 0;

	if (!given) {
		buf_addf(out, "%s://%s", d->cert_pem ? "https" : "http", d->address);
		return;
	}
	while (n > 0 && given[n - 1] == '/')
		n--;
	buf_add(out, given, n);
}

static int hub_begin(struct daemon *d, struct fault *fault)
{
	const struct serve_settings *s = &d->settings;
	struct hub_options o = {
		.log = d->log,
		.test_step_ms = s->test_step_ms,
		.digest_ms = s->mail_digest_s * 1000,
	};
	struct buf url;

	if (parts_mail(s, &o.mail, fault))
		return ERR_INVALID;
	buf_init(&url, 8192);
	public_url(d, &url);
	o.public_url = buf_str(&url);
	d->hub = hub_new(&o);
	mail_server_drop(&o.mail);
	buf_free(&url);
	return 0;
}

static int node_begin(struct daemon *d, struct fault *fault)
{
	const struct serve_settings *s = &d->settings;
	struct node_options o = {
		.data_dir = s->data,
		.shards = (unsigned)s->shards,
		.guard = d->guard,
		.bind_address = s->bind_address,
		.dns_servers = s->dns_servers,
		.log = d->log,
		.retention_ms = s->retention_days * DAY_MS,
		.dead_retention_ms = s->dead_retention_days * DAY_MS,
		.recent_ids = (uint32_t)s->recent_ids,
		.queue_bytes = (size_t)s->queue_memory,
		.stop_ms = s->stop_s > 0 ? s->stop_s * 1000 : 1,
		.limits = engine_limits_default,
		.hooks = hub_hooks(d->hub),
		.progress = watchdog_progress,
	};
	struct watch_options watch = { .log = d->log,
				       .outcomes = (enum outcomes)s->log_outcomes,
				       .operations_project = s->operations_project };
	int err;

	d->watch = watch_new(&watch);
	o.taps = watch_taps(d->watch);

	/* Both are limits of one engine, and there is one a shard. */
	o.limits.memory_bytes = (size_t)(s->memory / s->shards);
	o.limits.lane_bytes = (size_t)s->endpoint_memory;
	o.limits.finals = (uint32_t)s->recent_finals;
	err = node_start(&o, &d->node, fault);
	if (err) {
		char name[sizeof(fault->param)];

		slice_copy(name, sizeof(name), slice_str(fault->param[0] ? fault->param : "data"));
		slice_copy(fault->param, sizeof(fault->param), slice_str(settings_where(s, name)));
	}
	return err;
}

static int admin_key(struct daemon *d, char made[64], struct fault *fault)
{
	const struct serve_settings *s = &d->settings;
	const char *name = s->admin_key_file ? "admin_key_file" : "admin_key";
	char *key = NULL;
	int err = parts_admin_key(s, &key, fault);

	if (!err) {
		err = node_admin_key(d->node, key, made, fault);
		if (err)
			slice_copy(fault->param, sizeof(fault->param), slice_str(settings_where(s, name)));
	}
	parts_secret_free(key);
	return err;
}

/* --- start, wait, stop --- */

static void announce(struct daemon *d, char made[64])
{
	const char *scheme = d->cert_pem ? "https" : "http";

	if (made[0])
		printf("postrider listens on %s://%s, admin key (shown this once): %s\n", scheme, d->address, made);
	else
		printf("postrider listens on %s://%s\n", scheme, d->address);
	fflush(stdout);
	mem_wipe(made, 64);
	log_info(d->log, "serving", LOG_STR("address", d->address), LOG_STR("data", d->settings.data),
		 LOG_STR("version", POSTRIDER_VERSION));
	process_notify("READY=1");
}

static void show_settings(struct daemon *d)
{
	struct buf text;

	buf_init(&text, SHOWN_MAX);
	settings_write(&d->settings, &text);
	api_settings(d->api, buf_slice(&text));
	buf_free(&text);
}

static int start(struct daemon *d, struct fault *fault)
{
	char made[64] = "";
	int err = preset_check_all(fault);

	if (!err)
		err = files_check(&d->settings, fault);
	if (!err)
		err = listen_start(d, fault);
	if (!err)
		err = guard_make(d, fault);
	if (!err)
		err = hub_begin(d, fault);
	if (!err)
		err = node_begin(d, fault);
	if (!err)
		err = admin_key(d, made, fault);
	if (!err)
		err = hub_attach(d->hub, d->node, fault);
	if (!err)
		err = watch_attach(d->watch, d->node, fault);
	if (err)
		return err;
	show_settings(d);
	api_attach(d->api, d->node, d->hub, d->watch);
	announce(d, made);
	return 0;
}

/* SIGHUP: the settings once more. */
static void reload(struct daemon *d)
{
	const struct reload_host host = { .log = d->log,
					  .guard = d->guard,
					  .api = d->api,
					  .hub = d->hub,
					  .node = d->node,
					  .cert_pem = d->cert_pem,
					  .key_pem = d->key_pem,
					  .argc = d->argc,
					  .argv = d->argv };

	reload_settings(&d->settings, &host);
	show_settings(d);
}

/* True when it is one that ends. A signal that stays pending would be taken for the second one, which ends at once. */
static bool take_signal(struct daemon *d)
{
	struct signalfd_siginfo taken;

	if (read(d->signal_fd, &taken, sizeof(taken)) != (ssize_t)sizeof(taken))
		return false;
	if (taken.ssi_signo != SIGHUP)
		return true;
	reload(d);
	return false;
}

/* 0 after a signal, 1 when the store broke. */
static int wait_for_end(struct daemon *d)
{
	struct watchdog watchdog;
	struct pollfd fds[] = { { .fd = d->signal_fd, .events = POLLIN },
				{ .fd = node_broken_fd(d->node), .events = POLLIN } };

	watchdog_start(&watchdog);
	for (;;) {
		watchdog_look(&watchdog, d->node, d->address, d->log);
		if (poll(fds, 2, watchdog_wait_ms(&watchdog)) <= 0)
			continue;
		if (fds[1].revents & POLLIN)
			break;
		if (take_signal(d))
			return 0;
	}
	log_error(d->log, "the store broke; ending, so that a fresh start recovers", LOG_STR("data", d->settings.data));
	return 1;
}

/* In the order of the start, backwards; also after a start that came half way. */
static void stop(struct daemon *d)
{
	watchdog_stopping(d->settings.stop_s * 1000);
	if (d->server) {
		server_quiesce(d->server);
		api_quiesce(d->api);
		server_stop(&d->server);
	}
	if (d->api)
		api_detach(d->api);
	if (d->watch)
		watch_detach(d->watch);
	if (d->hub)
		hub_detach(d->hub);
	if (d->node)
		node_stop(&d->node);
	if (d->watch)
		watch_free(&d->watch);
	if (d->hub)
		hub_free(&d->hub);
	if (d->api)
		api_free(&d->api);
	if (d->guard)
		guard_free(&d->guard);
	if (d->key_pem)
		mem_wipe(d->key_pem, strlen(d->key_pem));
	mem_free(d->cert_pem);
	mem_free(d->key_pem);
	mem_free(d->frame_ancestors);
	if (d->signal_fd >= 0)
		close(d->signal_fd);
	log_free(&d->log);
	settings_free(&d->settings);
}

static int refuse(const struct fault *fault)
{
	fprintf(stderr, "postrider serve: %s: %s\n", fault->param, fault->message);
	return 2;
}

static void help(void)
{
	printf("usage: postrider serve [OPTION]...\n\n"
	       "The daemon: takes events over HTTP and delivers them. Every option may also stand in the settings "
	       "file, with\n"
	       "underscores (allow_net = 10.1.0.0/16), and in a variable (POSTRIDER_ALLOW_NET); an option wins over a\n"
	       "variable, a variable over the file. (reload): a SIGHUP takes a new value over, without a restart.\n\n");
	settings_explain(stdout);
}

int cmd_serve(int argc, char **argv)
{
	struct daemon d = { .signal_fd = -1, .argc = argc, .argv = argv };
	struct fault fault = NO_FAULT;
	int rc = settings_read(&d.settings, argc, argv, environ, &fault);

	if (rc != 0) {
		settings_free(&d.settings);
		if (rc != SETTINGS_HELP)
			return refuse(&fault);
		help();
		return 0;
	}
	process_settle();
	d.signal_fd = process_signals();
	d.log = log_new(STDERR_FILENO, (enum log_level)d.settings.log_level);
	rc = start(&d, &fault);
	if (rc != 0)
		rc = rc == ERR_IO ? 1 : 2;
	else
		rc = wait_for_end(&d);
	process_signals_kill();
	stop(&d);
	if (fault.message[0])
		refuse(&fault);
	return rc;
}
