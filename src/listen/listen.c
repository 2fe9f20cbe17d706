/*
 * `postrider listen`: what a customer's endpoint would see, on a terminal, before the customer's
 * endpoint exists. Requests come in on the server's threads; each is numbered, judged and shown
 * under one lock, so that its lines stay together, and answered at once or by the thread of
 * delay.c. The main thread only waits for a signal or for the last of --count, then ends everything
 * in the order that lets no request go unanswered: no new ones, no more delays, all answers out.
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
#include "listen/ack.h"
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
	double fail, ack_part;
	const char *ack, *reply_file, *secret, *signature;
	bool tls, quiet, json;
};

struct listener {
	struct settings set;
	enum ack_kind ack;
	enum signature_kind signature; /* checked when there is a secret */
	struct buf reply;
	struct delay *delay;
	bool colours;
	int done_fd;	      /* written when --count is reached */
	pthread_mutex_t lock; /* guards the rest, and standard output */
	struct rand chance;
	struct ack_choice choice;
	struct buf text;
	uint64_t arrived, answered, failed, signed_ok, signed_bad;
};

/* An answer, which may have to wait for its time. */
struct answer {
	struct delayed delayed;
	struct server_request *rq;
	int status;
	bool unlucky; /* one of --fail */
	bool acks;
	struct ack_answer ack; /* with acks */
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

/* Without --fail, --status is what everybody gets; with it, what the unlucky ones get. */
static void status_choose(struct listener *l, struct answer *answer)
{
	int status = (int)l->set.status;

	answer->unlucky = l->set.fail > 0 && rand_chance(&l->chance, l->set.fail);
	if (answer->unlucky)
		answer->status = status ? status : FAIL_STATUS;
	else
		answer->status = l->set.fail > 0 || !status ? 200 : status;
}

/* A receiver that fails has taken nothing; one that always answers 500 and acknowledges is asked for by --status. */
static void ack_choose(struct listener *l, struct answer *answer)
{
	answer->acks = l->ack != ACK_WITH_NOTHING && !answer->unlucky;
	if (answer->acks)
		ack_answer_make(l->ack, &l->choice, server_body(answer->rq), &answer->ack);
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

static void answer_send(struct listener *l, const struct answer *answer)
{
	const char *media_type = NULL;
	struct slice body = slice_str("");

	if (answer->acks) {
		media_type = ack_media_type(l->ack);
		body = buf_slice(&answer->ack.body);
	} else if (l->set.reply_file && answer->status < 300) {
		media_type = "application/json";
		body = buf_slice(&l->reply);
	}
	server_answer(answer->rq, answer->status, media_type, body, NULL, 0);
}

static void answer_end(struct listener *l, struct answer *answer)
{
	uint64_t one = 1;
	bool last;

	answer_send(l, answer);
	if (answer->acks)
		ack_answer_free(&answer->ack);
	mem_free(answer);
	pthread_mutex_lock(&l->lock);
	last = ++l->answered == (uint64_t)l->set.count;
	pthread_mutex_unlock(&l->lock);
	if (last && write(l->done_fd, &one, sizeof(one)) < 0)
		assert(errno == EAGAIN);
}

static void on_due(void *ctx, struct delayed *what)
{
	answer_end(ctx, CONTAINER_OF(what, struct answer, delayed));
}

static void on_request(void *ctx, struct server_request *rq)
{
	struct listener *l = ctx;
	struct answer *answer = mem_zalloc(sizeof(*answer));
	struct arrival a = { .rq = rq, .delay_ms = l->set.delay_ms, .verified = l->set.secret != NULL };

	answer->rq = rq;
	if (a.verified)
		a.signature_fault = verify_request(l->signature, l->set.secret, l->set.tls, rq, clock_wall_ms() / 1000);
	pthread_mutex_lock(&l->lock);
	a.time_ms = clock_wall_ms();
	a.number = ++l->arrived;
	status_choose(l, answer);
	ack_choose(l, answer);
	a.status = answer->status;
	a.ack = answer->acks ? &answer->ack : NULL;
	arrival_count(l, &a);
	arrival_show(l, &a);
	pthread_mutex_unlock(&l->lock);
	if (a.delay_ms > 0)
		delay_add(l->delay, &answer->delayed, a.delay_ms);
	else
		answer_end(l, answer);
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

static int ack_check(struct listener *l, struct fault *fault)
{
	int ack = ack_kind_read(l->set.ack);

	if (ack < 0)
		return fault_set(fault, "invalid_param", "--ack",
				 "--ack %s: must be xml or json, as Webcom's receivers answer, or none", l->set.ack);
	l->ack = (enum ack_kind)ack;
	l->choice.share = l->set.ack_part;
	if (l->ack == ACK_WITH_NOTHING && l->set.ack_part < 1)
		return fault_set(fault, "invalid_param", "--ack-part",
				 "--ack-part goes with --ack xml or --ack json, whose answers it makes shorter");
	if (l->ack != ACK_WITH_NOTHING && l->set.reply_file)
		return fault_set(fault, "invalid_param", "--reply",
				 "--reply and --ack both make the answer's body; leave one of the two out");
	return 0;
}

static int signature_check(struct listener *l, struct fault *fault)
{
	const char *word = l->set.signature ? l->set.signature : "standard_webhooks", *wanted;
	int kind = sign_kind_read(word);

	if (kind <= SIGNATURE_NONE)
		return fault_set(fault, "invalid_param", "--signature",
				 "--signature %s: must be standard_webhooks, twilio, sinch, plivo_v2 or turbosms",
				 word);
	if (!l->set.secret)
		return l->set.signature ? fault_set(fault, "invalid_param", "--secret",
						    "--signature needs --secret, which the sender signs with")
					: 0;
	l->signature = (enum signature_kind)kind;
	wanted = sign_verify_wanted(l->signature, l->set.secret);
	return wanted ? fault_set(fault, "invalid_param", "--secret", "--secret must be %s", wanted) : 0;
}

static int settings_read(struct listener *l, int argc, char **argv, struct fault *fault)
{
	struct settings *set = &l->set;
	const struct option_row rows[] = {
		{ "--port", "N", "listen on this port; 0 takes any free one (default 8421)", OPTION_NUMBER, &set->port,
		  0, 65535, NULL },
		{ "--ack", "KIND", "acknowledge each id of a Webcom document: xml, json, none (default)", OPTION_TEXT,
		  &set->ack, 0, 0, NULL },
		{ "--ack-part", "SHARE", "only this share of the ids, evenly: 0.5 is every second one", OPTION_SHARE,
		  &set->ack_part, 0, 0, NULL },
		{ "--status", "N", "answer this status instead of 200; with --fail, only when failing", OPTION_NUMBER,
		  &set->status, 200, 599, NULL },
		{ "--fail", "SHARE", "fail this share of the requests, 0.1 is one in ten (status 500)", OPTION_SHARE,
		  &set->fail, 0, 0, NULL },
		{ "--delay", "TIME", "answer after this time, as 200ms", OPTION_DURATION, &set->delay_ms, 0, 0, NULL },
		{ "--reply", "FILE", "answer with the file's content as application/json", OPTION_TEXT,
		  &set->reply_file, 0, 0, NULL },
		{ "--tls", NULL, "HTTPS with a certificate made at start; prints its pin", OPTION_FLAG, &set->tls, 0, 0,
		  NULL },
		{ "--secret", "SECRET", "check signatures, OK or BAD; for standard_webhooks whsec_… or whpk_…",
		  OPTION_TEXT, &set->secret, 0, 0, NULL },
		{ "--signature", "KIND", "standard_webhooks (default), twilio, sinch, plivo_v2, turbosms", OPTION_TEXT,
		  &set->signature, 0, 0, NULL },
		{ "--count", "N", "end after N requests", OPTION_NUMBER, &set->count, 1, INT64_MAX, NULL },
		{ "--quiet", NULL, "show no requests, only the summary", OPTION_FLAG, &set->quiet, 0, 0, NULL },
		{ "--json", NULL, "one line of JSON a request; the rest goes to stderr", OPTION_FLAG, &set->json, 0, 0,
		  NULL },
	};
	int rc = options_read(rows, sizeof(rows) / sizeof(rows[0]), argc, argv, NULL, 0, fault);

	if (rc == OPTIONS_HELP)
		usage(stdout, rows, sizeof(rows) / sizeof(rows[0]));
	if (rc == 0)
		rc = ack_check(l, fault);
	return rc == 0 ? signature_check(l, fault) : rc;
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
	struct listener l = { .set = { .port = 8421, .ack = "none", .ack_part = 1 } };
	struct certificate certificate;
	struct fault fault = NO_FAULT;
	int signal_fd, rc = settings_read(&l, argc, argv, &fault);

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
