/*
 * The doctor's look at the network: our own address, what may be delivered to, names, mails. What others would see of
 * it is asked as they would ask: by connecting.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mem.h"
#include "daemon/doctor_parts.h"
#include "daemon/parts.h"
#include "net/resolve.h"

#define ANSWER_MAX ((size_t)64 * 1024)
#define ASKED_NAME "postrider.invalid" /* RFC 6761: that there is no such name is an answer, too */

/* --- our own address --- */

static size_t on_body(char *p, size_t size, size_t count, void *ctx)
{
	buf_add(ctx, p, size * count);
	return size * count;
}

/* The status, 0 when nobody answered HTTP there. The certificate is another check's. */
static long get(const char *url, struct buf *body)
{
	CURL *easy = curl_easy_init();
	long status = 0;

	if (!easy)
		return 0;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 5000L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
	if (curl_easy_perform(easy) == CURLE_OK)
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(easy);
	return status;
}

/* A member of the JSON object in text, or of its member "error". */
static void member(struct slice text, const char *name, struct buf *ret)
{
	struct json_doc doc;

	json_doc_init(&doc);
	if (json_parse(&doc, text, &json_limits_default, NULL) == 0) {
		struct json root = json_root(&doc), error = json_get(root, "error");

		json_text(json_get(json_is_nil(error) ? root : error, name), ret);
	}
	json_doc_free(&doc);
}

/* The wildcard is asked at loopback. */
static void own_url(const struct serve_settings *s, const char *path, struct buf *url)
{
	struct slice listen = slice_str(s->listen), port = slice_from(listen, slice_find(listen, ':'));
	const char *scheme = s->tls_cert ? "https" : "http";

	if (slice_starts(listen, SLICE_LIT("0.0.0.0:")))
		buf_addf(url, "%s://127.0.0.1%.*s%s", scheme, SLICE_ARG(port), path);
	else if (slice_starts(listen, SLICE_LIT("[::]:")))
		buf_addf(url, "%s://[::1]%.*s%s", scheme, SLICE_ARG(slice_from(listen, 4)), path);
	else
		buf_addf(url, "%s://%s%s", scheme, s->listen, path);
}

static long ask_daemon(const struct serve_settings *s, const char *path, const char *name, struct buf *found)
{
	struct buf url, body;
	long status;

	buf_init(&url, 1024);
	buf_init(&body, ANSWER_MAX);
	own_url(s, path, &url);
	status = get(buf_str(&url), &body);
	member(buf_slice(&body), name, found);
	buf_free(&url);
	buf_free(&body);
	return status;
}

/* Somebody has the address: is it us? */
static void look_at_daemon(struct doctor *d)
{
	struct buf version, reason;
	long ready;

	buf_init(&version, 256);
	buf_init(&reason, 1024);
	if (ask_daemon(d->settings, "/healthz", "version", &version) != 200 || version.n == 0) {
		doctor_bad(d, "listen", "end that program, or choose another port",
			   "%s is in use, and not by a postrider", d->settings->listen);
	} else {
		ready = ask_daemon(d->settings, "/readyz", "message", &reason);
		if (ready == 200)
			doctor_fine(d, "listen", "postrider %s works at %s", buf_str(&version), d->settings->listen);
		else
			doctor_bad(d, "listen", "look into its log", "postrider %s at %s is not ready: %s",
				   buf_str(&version), d->settings->listen, buf_str(&reason));
		if (!slice_is(buf_slice(&version), POSTRIDER_VERSION))
			doctor_wary(d, "listen", "restart it to run what is installed",
				    "the daemon is %s, this program is " POSTRIDER_VERSION, buf_str(&version));
	}
	buf_free(&version);
	buf_free(&reason);
}

/* 0, or the reason why it cannot be listened at. */
static int try_listen(const union listen_address *a)
{
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, error = 0;

	if (fd < 0)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &a->any, listen_address_size(a)) != 0 || listen(fd, 1) != 0)
		error = errno;
	close(fd);
	return error;
}

void doctor_listen(struct doctor *d)
{
	const struct serve_settings *s = d->settings;
	union listen_address a;
	int error;

	if (!listen_address_read(slice_str(s->listen), &a)) {
		doctor_bad(d, "listen", "write numbers, as 127.0.0.1:8420 or [::1]:8420", "'%s' is no address",
			   s->listen);
		return;
	}
	error = try_listen(&a);
	if (error == EADDRINUSE)
		look_at_daemon(d);
	else if (error)
		doctor_bad(d, "listen",
			   error == EACCES ? "choose a port above 1023, or give CAP_NET_BIND_SERVICE"
					   : "choose an address that this machine has",
			   "%s: %s", s->listen, strerror(error));
	else
		doctor_fine(d, "listen", "%s is free; no daemon works there", s->listen);
	if (!listen_address_is_loopback(&a) && !s->tls_cert)
		doctor_wary(d, "listen", "give tls_cert and tls_key, or let a proxy in front of it speak HTTPS",
			    "%s can be reached from outside, and keys go there unencrypted", s->listen);
	if (!listen_address_is_loopback(&a) && !s->public_url)
		doctor_wary(d, "listen", "give public_url, as https://hooks.example.org",
			    "URLs that others are given begin with %s", s->listen);
}

/* --- what may be delivered to --- */

void doctor_guard(struct doctor *d)
{
	const struct serve_settings *s = d->settings;
	struct guard *guard = NULL;
	struct fault fault = NO_FAULT;

	if (parts_guard(s, &guard, &fault)) {
		doctor_bad(d, "guard", "mend the setting", "%s: %s", fault.param, fault.message);
		return;
	}
	guard_free(&guard);
	for (size_t i = 0; i < s->allow_net.count; i++) {
		struct slice net = slice_str(s->allow_net.items[i]);

		if (net.n > 2 && slice_is(slice_from(net, net.n - 2), "/0"))
			doctor_wary(d, "guard", "open only the ranges that are meant",
				    "allow_net = %s: whoever may write an endpoint reaches all of this network",
				    s->allow_net.items[i]);
	}
	doctor_fine(d, "guard",
		    "public addresses and %zu opened ranges, ports %s; loopback, private and metadata addresses are %s",
		    s->allow_net.count, s->allow_ports ? s->allow_ports : "80,443,1024-65535",
		    s->allow_net.count ? "refused otherwise" : "refused");
}

/* --- names --- */

struct asking {
	bool answered;
	struct resolve_answer answer;
	bool closed;
};

static void on_resolved(void *ctx, const struct resolve_answer *answer)
{
	struct asking *a = ctx;

	a->answered = true;
	a->answer = *answer;
}

static void on_closed(void *ctx)
{
	((struct asking *)ctx)->closed = true;
}

/* One question on a loop of its own. */
static int ask_name(const struct serve_settings *s, const struct guard *guard, struct asking *a, struct fault *fault)
{
	const struct resolve_options options = { .guard = guard, .servers = s->dns_servers };
	struct resolve *r = NULL;
	uv_loop_t loop;
	int err;

	if (uv_loop_init(&loop) != 0)
		return fault_set(fault, "internal", "", "no event loop; raise the limit of open files");
	err = resolve_new(&loop, &options, &r, fault);
	if (!err) {
		resolve_ask(r, ASKED_NAME, on_resolved, a);
		while (!a->answered && uv_run(&loop, UV_RUN_ONCE))
			;
		resolve_close(&r, on_closed, a);
		while (!a->closed && uv_run(&loop, UV_RUN_ONCE))
			;
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	return err;
}

void doctor_names(struct doctor *d)
{
	const char *cure = "mend /etc/resolv.conf, or give dns_servers";
	struct guard *guard = guard_new();
	struct asking a = { .answered = false };
	struct fault fault = NO_FAULT;
	int64_t begun = clock_mono_us();

	if (ask_name(d->settings, guard, &a, &fault))
		doctor_bad(d, "names", cure, "%s", fault.message);
	else if (a.answer.failure == FAILURE_DNS && !a.answer.heard)
		doctor_bad(d, "names", cure, "no name server answers: %s", a.answer.reason);
	else
		doctor_fine(d, "names", "a name server answers, in %.0f ms", (double)(clock_mono_us() - begun) / 1000);
	guard_free(&guard);
}

/* --- mails --- */

static int send_to(const struct mail_server *server, const char *to, struct fault *fault)
{
	const struct mail mail = {
		.to = slice_str(to),
		.subject = SLICE_LIT("postrider doctor"),
		.text = SLICE_LIT(
			"This mail was asked for by `postrider doctor --mail-to`. Mails about failing endpoints "
			"come this way.\n"),
		.date_s = clock_wall_ms() / 1000,
	};

	return mail_send(server, &mail, fault);
}

void doctor_mail(struct doctor *d)
{
	const struct serve_settings *s = d->settings;
	struct mail_server server = { .host = NULL };
	struct fault fault = NO_FAULT;
	int err;

	if (!s->smtp_host) {
		doctor_fine(d, "mail", "no server is set, so no mails are sent");
		return;
	}
	if (parts_mail(s, &server, &fault)) {
		doctor_bad(d, "mail", "mend the setting", "%s: %s", fault.param, fault.message);
		return;
	}
	server.timeout_ms = 10000;
	err = d->mail_to ? send_to(&server, d->mail_to, &fault) : mail_probe(&server, &fault);
	if (err)
		doctor_bad(d, "mail", "until then mails wait, for a day", "%s", fault.message);
	else if (d->mail_to)
		doctor_fine(d, "mail", "%s took a mail for %s", s->smtp_host, d->mail_to);
	else
		doctor_fine(d, "mail", "%s takes us%s", s->smtp_host, s->smtp_user ? ", and the login" : "");
	mail_server_drop(&server);
}
