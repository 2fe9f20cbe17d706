/*
 * `postrider listen`: what a customer's endpoint would see, on a terminal, before the customer's endpoint exists. Requests come in on the
 * server's threads; each is numbered, judged and shown under one lock, so that its lines stay together, and answered at once or by the
 * thread of delay.c. The main thread only waits for a signal or for the last of --count, then ends everything in the order that lets no request
 * go unanswered: no new ones, no more delays, all answers out.
 */
#include "listen/listen.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/option.h"
#include "base/rand.h"
#include "base/terminal.h"
#include "dialect/sign.h"
#include "listen/certificate.h"
#include "listen/delay.h"
#include "listen/show.h"
#include "listen/verify.h"

#define BODY_MAX    ((size_t)16 * 1024 * 1024)
#define TEXT_MAX    ((size_t)512 * 1024 * 1024) /* a body indented at its worst */
#define REPLY_MAX   ((size_t)4 * 1024 * 1024)
#define IDLE_S	    60
#define FAIL_STATUS 500

struct settings {
	int64_t port, status, count, delay_ms;
	double fail;
	const char *ack, *reply_file, *secret;
	bool tls, quiet, json;
};

struct listener {
	struct settings set;
	struct buf reply;
	struct delay *delay;
	bool colours;
	int done_fd;	      /* written when --count is reached */
	pthread_mutex_t lock; /* guards the rest, and standard output */
	struct rand chance;
	struct buf text;
	uint64_t arrived, answered, failed, signed_ok, signed_bad;
};

/* An answer that waits for its time. */
struct waiting {
	struct delayed delayed;
	struct server_request *rq;
	int status;
};

static void write_all(int fd, struct slice text)
{
	while (text.n > 0) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nobody reads any more; requests are answered all the same */
		text = slice_from(text, (size_t)n);
	}
}

/* --- one request --- */

static const char *signature_check(const struct listener *l, struct server_request *rq)
{
	struct verify_input in = {
		.id = server_header(rq, "webhook-id"),
		.timestamp = server_header(rq, "webhook-timestamp"),
		.signatures = server_header(rq, "webhook-signature"),
		.body = server_body(rq),
		.now_s = clock_wall_ms() / 1000,
	};

	return verify_standard(l->set.secret, &in);
}

/* Without --fail, --status is what everybody gets; with it, what the unlucky ones get. */
static int status_choose(struct listener *l)
{
	if (l->set.fail <= 0)
		return l->set.status ? (int)l->set.status : 200;
	if (rand_chance(&l->chance, l->set.fail))
		return l->set.status ? (int)l->set.status : FAIL_STATUS;
	return 200;
}

static void arrival_count(struct listener *l, const struct arrival *a)
{
	l->failed += a->status >= 300;
	if (a->verified)
		*(a->signature_fault ? &l->signed_bad : &l->signed_ok) += 1;
}

static void arrival_show(struct listener *l, const struct arrival *a)
{
	buf_reset(&l->text);
	if (l->set.json)
		show_json(&l->text, a);
	else if (!l->set.quiet)
		show_text(&l->text, a, l->colours);
	write_all(STDOUT_FILENO, buf_slice(&l->text));
}

static void answer(struct listener *l, struct server_request *rq, int status)
{
	bool replies = l->set.reply_file && status < 300, last;
	uint64_t one = 1;

	server_answer(rq, status, replies ? "application/json" : NULL, replies ? buf_slice(&l->reply) : slice_str(""),
		      NULL, 0);
	pthread_mutex_lock(&l->lock);
	last = ++l->answered == (uint64_t)l->set.count;
	pthread_mutex_unlock(&l->lock);
	if (last && write(l->done_fd, &one, sizeof(one)) < 0)
		assert(errno == EAGAIN);
}

static void on_due(void *ctx, struct delayed *what)
{
	struct waiting *w = CONTAINER_OF(what, struct waiting, delayed);

	answer(ctx, w->rq, w->status);
	mem_free(w);
}

static void answer_later(struct listener *l, const struct arrival *a)
{
	struct waiting *w = mem_zalloc(sizeof(*w));

	w->rq = a->rq;
	w->status = a->status;
	delay_add(l->delay, &w->delayed, a->delay_ms);
}

static void on_request(void *ctx, struct server_request *rq)
{
	struct listener *l = ctx;
	struct arrival a = { .rq = rq, .delay_ms = l->set.delay_ms, .verified = l->set.secret != NULL };

	if (a.verified)
		a.signature_fault = signature_check(l, rq);
	pthread_mutex_lock(&l->lock);
	a.time_ms = clock_wall_ms();
	a.number = ++l->arrived;
	a.status = status_choose(l);
	arrival_count(l, &a);
	arrival_show(l, &a);
	pthread_mutex_unlock(&l->lock);
	if (a.delay_ms > 0)
		answer_later(l, &a);
	else
		answer(l, rq, a.status);
}

/* --- the command --- */

static void usage(FILE *out, const struct option_row *rows, size_t row_count)
{
	fputs("usage: postrider listen [OPTION]...\n\n"
	      "Receives HTTP requests on 127.0.0.1, shows each of them decoded, and answers as told. Ends with SIGINT "
	      "or\n"
	      "SIGTERM and a summary.\n\n",
	      out);
	options_explain(rows, row_count, out);
}

static int settings_check(const struct settings *set, struct fault *fault)
{
	struct buf key;
	bool readable;

	if (strcmp(set->ack, "none") != 0)
		return fault_set(fault, "invalid_param", "--ack",
				 "--ack %s: listen cannot acknowledge by itself yet; leave it out, or give the answer "
				 "with --reply",
				 set->ack);
	if (!set->secret)
		return 0;
	buf_init(&key, 1024);
	readable = sign_secret_read(set->secret, &key);
	buf_free(&key);
	return readable ? 0 : fault_set(fault, "invalid_param", "--secret", "--secret takes whsec_ followed by base64");
}

static int settings_read(struct settings *set, int argc, char **argv, struct fault *fault)
{
	const struct option_row rows[] = {
		{ "--port", "N", "listen on this port; 0 takes any free one (default 8421)", OPTION_NUMBER, &set->port,
		  0, 65535, NULL },
		{ "--ack", "KIND", "acknowledge items in the answer: none (default)", OPTION_TEXT, &set->ack, 0, 0,
		  NULL },
		{ "--status", "N", "answer this status instead of 200; with --fail, only when failing", OPTION_NUMBER,
		  &set->status, 200, 599, NULL },
		{ "--fail", "SHARE", "fail this share of the requests, 0.1 is one in ten (status 500)", OPTION_SHARE,
		  &set->fail, 0, 0, NULL },
		{ "--delay", "TIME", "answer after this time, as 200ms", OPTION_DURATION, &set->delay_ms, 0, 0, NULL },
		{ "--reply", "FILE", "answer with the file's content as application/json", OPTION_TEXT,
		  &set->reply_file, 0, 0, NULL },
		{ "--tls", NULL, "HTTPS with a certificate made at start; prints its pin", OPTION_FLAG, &set->tls, 0, 0,
		  NULL },
		{ "--secret", "SECRET", "check Standard Webhooks signatures, OK or BAD", OPTION_TEXT, &set->secret, 0,
		  0, NULL },
		{ "--count", "N", "end after N requests", OPTION_NUMBER, &set->count, 1, INT64_MAX, NULL },
		{ "--quiet", NULL, "show no requests, only the summary", OPTION_FLAG, &set->quiet, 0, 0, NULL },
		{ "--json", NULL, "one line of JSON a request; the rest goes to stderr", OPTION_FLAG, &set->json, 0, 0,
		  NULL },
	};
	int rc = options_read(rows, sizeof(rows) / sizeof(rows[0]), argc, argv, NULL, 0, fault);

	if (rc == OPTIONS_HELP)
		usage(stdout, rows, sizeof(rows) / sizeof(rows[0]));
	return rc == 0 ? settings_check(set, fault) : rc;
}

static int reply_read(struct listener *l, struct fault *fault)
{
	char chunk[16384];
	ssize_t n = 0;
	int fd;

	if (!l->set.reply_file)
		return 0;
	fd = open(l->set.reply_file, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(&l->reply, chunk, (size_t)n);
	if (fd < 0 || n < 0)
		fault_set(fault, "invalid_param", "--reply", "cannot read %s: %s", l->set.reply_file, strerror(errno));
	else if (buf_failed(&l->reply))
		fault_set(fault, "invalid_param", "--reply", "%s is larger than 4 MiB", l->set.reply_file);
	if (fd >= 0)
		close(fd);
	return fd < 0 || n < 0 || buf_failed(&l->reply) ? ERR_INVALID : 0;
}

static int listener_serve(struct listener *l, const struct certificate *certificate, struct server **ret,
			  struct fault *fault)
{
	char address[40];
	struct server_options options = {
		.address = address,
		.threads = 2,
		.body_max = BODY_MAX,
		.connections_max = 10000,
		.idle_timeout_s = IDLE_S,
		.tls_cert_pem = certificate ? buf_str(&certificate->cert_pem) : NULL,
		.tls_key_pem = certificate ? buf_str(&certificate->key_pem) : NULL,
	};

	snprintf(address, sizeof(address), "127.0.0.1:%lld", (long long)l->set.port);
	return server_start(&options, on_request, l, ret, fault);
}

/* Where people look: standard output, unless that is for a script. */
static FILE *listener_voice(const struct listener *l)
{
	return l->set.json ? stderr : stdout;
}

static void announce(const struct listener *l, const struct server *server, const struct certificate *certificate)
{
	FILE *out = listener_voice(l);
	char address[80];

	server_address(server, address, sizeof(address));
	fprintf(out, "listening on %s://%s/\n", certificate ? "https" : "http", address);
	if (certificate)
		fprintf(out, "pin:%s\n", certificate->pin);
	fflush(out);
}

static void wait_for_end(const struct listener *l, int signal_fd)
{
	struct pollfd fds[2] = { { signal_fd, POLLIN, 0 }, { l->done_fd, POLLIN, 0 } };

	while (poll(fds, 2, -1) < 0)
		assert(errno == EINTR);
}

static void summary(const struct listener *l)
{
	FILE *out = listener_voice(l);

	fprintf(out, "%llu requests, %llu of them answered with a failure", (unsigned long long)l->arrived,
		(unsigned long long)l->failed);
	if (l->set.secret)
		fprintf(out, "; signatures: %llu OK, %llu BAD", (unsigned long long)l->signed_ok,
			(unsigned long long)l->signed_bad);
	fputc('\n', out);
	fflush(out);
}

static int listener_run(struct listener *l, const struct certificate *certificate, int signal_fd, struct fault *fault)
{
	struct server *server = NULL;
	int rc;

	l->delay = delay_new(on_due, l);
	rc = listener_serve(l, certificate, &server, fault);
	if (rc == 0) {
		announce(l, server, certificate);
		wait_for_end(l, signal_fd);
		server_quiesce(server);
		delay_hurry(l->delay);
		server_stop(&server);
		summary(l);
	}
	delay_free(&l->delay);
	return rc;
}

/* The two signals that end us become readable; set before any thread is made, so that none of them is hit. */
static int signals_open(void)
{
	sigset_t ends;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	return signalfd(-1, &ends, SFD_CLOEXEC);
}

static void listener_init(struct listener *l)
{
	uint64_t seed;

	random_secure(&seed, sizeof(seed));
	rand_seed(&l->chance, seed);
	pthread_mutex_init(&l->lock, NULL);
	buf_init(&l->reply, REPLY_MAX);
	buf_init(&l->text, TEXT_MAX);
	l->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->colours = terminal_colours(STDOUT_FILENO);
}

static void listener_free(struct listener *l)
{
	close(l->done_fd);
	buf_free(&l->text);
	buf_free(&l->reply);
	pthread_mutex_destroy(&l->lock);
}

static int fail(const struct fault *fault)
{
	fprintf(stderr, "postrider listen: %s\n", fault->message);
	return 2;
}

int cmd_listen(int argc, char **argv)
{
	struct listener l = { .set = { .port = 8421, .ack = "none" } };
	struct certificate certificate;
	struct fault fault = { 0 };
	int signal_fd, rc = settings_read(&l.set, argc, argv, &fault);

	if (rc != 0)
		return rc == OPTIONS_HELP ? 0 : fail(&fault);
	signal_fd = signals_open();
	listener_init(&l);
	rc = reply_read(&l, &fault);
	if (rc == 0 && l.set.tls)
		rc = certificate_make(&certificate, &fault);
	if (rc == 0) {
		rc = listener_run(&l, l.set.tls ? &certificate : NULL, signal_fd, &fault);
		if (l.set.tls)
			certificate_free(&certificate);
	}
	listener_free(&l);
	close(signal_fd);
	return rc == 0 ? 0 : fail(&fault);
}
