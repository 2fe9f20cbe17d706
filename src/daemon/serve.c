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
#include "daemon/process.h"
#include "daemon/settings.h"
#include "daemon/watchdog.h"
#include "dialect/preset.h"
#include "hub/hub.h"
#include "watch/watch.h"

#define BODY_MAX       ((size_t)4 * 1024 * 1024)
#define FILES_LEAST    96 /* to start at all, and some for each shard and thread */
#define FILES_EACH     16
#define IDLE_TIMEOUT_S 60
#define PEM_MAX	       ((size_t)1024 * 1024)
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
	char address[128]; /* as bound */
	int signal_fd;
};

/* --- the listener --- */

/* give: what the file should be, for the message. */
static int read_file(const struct daemon *d, const char *name, const char *path, const char *give, char **ret,
		     struct fault *fault)
{
	struct buf text;
	char *room;
	ssize_t n = 1;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (!path)
		return 0;
	buf_init(&text, PEM_MAX + 4096);
	while (fd >= 0 && n > 0 && text.n <= PEM_MAX && (room = buf_extend(&text, 4096))) {
		n = read(fd, room, 4096);
		buf_truncate(&text, text.n - 4096 + (size_t)(n > 0 ? n : 0));
	}
	if (fd < 0 || n < 0 || text.n > PEM_MAX) {
		fault_param(fault, settings_where(&d->settings, name), "cannot read %.200s: %s - give %s", path,
			    fd >= 0 && n >= 0 ? "too large" : strerror(errno), give);
		buf_free(&text);
		if (fd >= 0)
			close(fd);
		return ERR_INVALID;
	}
	close(fd);
	*ret = buf_take(&text);
	return 0;
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* "127.0.0.1:8420" or "[::1]:8420", as server_address writes it. */
static bool address_read(struct slice text, union address *ret)
{
	const char *colon = memrchr(text.p, ':', text.n);
	struct slice host;
	long long port;
	char name[64];

	memset(ret, 0, sizeof(*ret));
	if (!colon || !slice_to_i64(slice_from(text, (size_t)(colon - text.p) + 1), &port))
		return false;
	host = slice_of(text.p, (size_t)(colon - text.p));
	if (host.n > 2 && host.p[0] == '[') {
		slice_copy(name, sizeof(name), slice_of(host.p + 1, host.n - 2));
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons((uint16_t)port);
		return inet_pton(AF_INET6, name, &ret->v6.sin6_addr) == 1;
	}
	slice_copy(name, sizeof(name), host);
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons((uint16_t)port);
	return inet_pton(AF_INET, name, &ret->v4.sin_addr) == 1;
}

static bool is_loopback(const union address *a)
{
	if (a->any.sa_family == AF_INET)
		return (ntohl(a->v4.sin_addr.s_addr) >> 24) == 127;
	return a->any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

static bool metrics_open(const struct serve_settings *s)
{
	union address a;

	if (s->metrics_open != METRICS_AUTO)
		return s->metrics_open == METRICS_YES;
	return address_read(slice_str(s->listen), &a) && is_loopback(&a);
}

/* What the store, the loops and the threads open, and a few connections each way. */
static int files_check(const struct serve_settings *s, struct fault *fault)
{
	int64_t have = process_files(), least = FILES_LEAST + FILES_EACH * (s->shards + s->threads);

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
	struct api_options api = { .log = d->log, .metrics_open = metrics_open(s) };
	struct server_options server = { .address = s->listen,
					 .threads = (unsigned)s->threads,
					 .body_max = BODY_MAX,
					 .bodies_max = 4 * (size_t)s->queue_memory,
					 .screen = api_screen,
					 .connections_max = connections_max(s),
					 .idle_timeout_s = IDLE_TIMEOUT_S };

	if (read_file(d, "tls_cert", s->tls_cert, "a PEM file", &d->cert_pem, fault) ||
	    read_file(d, "tls_key", s->tls_key, "a PEM file", &d->key_pem, fault))
		return ERR_INVALID;
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
	const struct serve_settings *s = &d->settings;
	union address own;
	int err = 0;

	d->guard = guard_new();
	for (size_t i = 0; i < s->allow_net.count && !err; i++)
		err = guard_allow_net(d->guard, slice_str(s->allow_net.items[i]), fault);
	if (err) {
		slice_copy(fault->param, sizeof(fault->param), slice_str(settings_where(s, "allow_net")));
		return err;
	}
	if (s->allow_ports && guard_allow_ports(d->guard, slice_str(s->allow_ports), fault)) {
		slice_copy(fault->param, sizeof(fault->param), slice_str(settings_where(s, "allow_ports")));
		return ERR_INVALID;
	}
	if (address_read(slice_str(d->address), &own))
		guard_deny_own(d->guard, &own.any);
	return 0;
}

/* A secret as it was given, or the first line of the file that was (name is that setting), as it stands. */
static int read_secret(const struct daemon *d, const char *given, const char *name, const char *path, char **ret,
		       struct fault *fault)
{
	*ret = mem_strdup(given);
	if (!path)
		return 0;
	if (read_file(d, name, path, "a file with the secret in its first line", ret, fault))
		return ERR_INVALID;
	(*ret)[strcspn(*ret, "\r\n")] = '\0';
	return (*ret)[0] ? 0
			 : fault_param(fault, settings_where(&d->settings, name),
				       "the first line of %.200s is empty - write the secret there", path);
}

static void secret_free(char *secret)
{
	if (secret)
		mem_wipe(secret, strlen(secret));
	mem_free(secret);
}

static int check_smtp_ca(const struct serve_settings *s, struct fault *fault)
{
	if (!s->smtp_ca || access(s->smtp_ca, R_OK) == 0)
		return 0;
	return fault_param(fault, settings_where(s, "smtp_ca"), "cannot read %.200s: %s - give a PEM file", s->smtp_ca,
			   strerror(errno));
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
		.mail = { .host = s->smtp_host,
			  .port = (uint16_t)s->smtp_port,
			  .tls = (enum mail_tls)s->smtp_tls,
			  .user = s->smtp_user,
			  .from = s->smtp_from,
			  .ca = s->smtp_ca },
	};
	char *password = NULL;
	struct buf url;
	int err = check_smtp_ca(s, fault);

	if (!err)
		err = read_secret(d, s->smtp_password, "smtp_password_file", s->smtp_password_file, &password, fault);
	buf_init(&url, 8192);
	public_url(d, &url);
	o.public_url = buf_str(&url);
	o.mail.password = password;
	if (!err)
		d->hub = hub_new(&o);
	secret_free(password);
	buf_free(&url);
	return err;
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
	struct watch_options watch = { .log = d->log };
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
	int err = read_secret(d, s->admin_key, "admin_key_file", s->admin_key_file, &key, fault);

	if (!err) {
		err = node_admin_key(d->node, key, made, fault);
		if (err)
			slice_copy(fault->param, sizeof(fault->param), slice_str(settings_where(s, name)));
	}
	secret_free(key);
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
	api_attach(d->api, d->node, d->hub, d->watch);
	announce(d, made);
	return 0;
}

/* 0 after a signal, 1 when the store broke. */
static int wait_for_end(const struct daemon *d)
{
	struct watchdog watchdog;
	struct pollfd fds[] = { { .fd = d->signal_fd, .events = POLLIN },
				{ .fd = node_broken_fd(d->node), .events = POLLIN } };

	watchdog_start(&watchdog);
	do
		watchdog_look(&watchdog, d->node, d->address, d->log);
	while (poll(fds, 2, watchdog_wait_ms(&watchdog)) <= 0);
	if (!(fds[1].revents & POLLIN)) {
		struct signalfd_siginfo taken;

		/* A signal that stays pending would be taken for the second one, which ends at once. */
		return read(d->signal_fd, &taken, sizeof(taken)) == (ssize_t)sizeof(taken) ? 0 : 1;
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
	       "variable, a variable over the file.\n\n");
	settings_explain(stdout);
}

int cmd_serve(int argc, char **argv)
{
	struct daemon d = { .signal_fd = -1 };
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
