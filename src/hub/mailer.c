/*
 * The mails' way out: a thread of its own, because sending one means waiting for a server.
 *
 * Every mail is an object of the store (outbox.h), put there by the commit that caused it, and deleted by the one after
 * it was sent; between the two a crash can send it again, with the same Message-ID. One that the server does not take
 * now is tried again after a growing delay for a day, one that it refuses is given up. While the server is not there at
 * all, nothing is tried.
 *
 * What is said of failing endpoints (trouble.h) becomes such mails here, at most MAILS_A_MINUTE: when the whole world
 * fails at once, what is over goes together in later ones.
 */
#include "hub/mailer.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/latch.h"
#include "base/mem.h"
#include "base/text.h"
#include "hub/hub_impl.h"
#include "hub/outbox.h"
#include "hub/trouble.h"

#define MAILS_A_MINUTE 30
#define MAILS_WAITING  10000
#define MAILS_A_TURN   20
#define RETRY_MS       60000
#define RETRY_MAX_MS   INT64_C(3600000)
#define GIVE_UP_MS     INT64_C(86400000)
#define STORE_RETRY_MS 1000
#define SUBJECT_MAX    1000
#define TEXT_MAX       ((size_t)256 * 1024)
#define SETTINGS_MAX   ((size_t)1024 * 1024)

struct mailer {
	struct mailer_options
		options; /* the server is a copy, which the thread alone changes; public_url is the hub's */
	struct clock clock;
	struct troubles *troubles;
	struct hub *hub;
	struct node *node;
	atomic_bool stopping;
	/*
	 * Mails in the store, nearly: those from before the start are not counted, and a step that is run again
	 * counts twice, until none is left.
	 */
	atomic_uint waiting;
	pthread_t thread;
	bool running;

	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool poked;		 /* under the lock, as the next two */
	bool changed;		 /* there is another server, which the thread takes over */
	struct mail_server next; /* it; empty otherwise */
	atomic_bool works;	 /* there is a server, or will be */

	/* the thread's own */
	int64_t minute_ms; /* when the minute began that minute_mails counts */
	unsigned minute_mails;
	int64_t server_ms; /* the server was not there: not before this */
	int64_t server_delay_ms;
	int64_t mails_ms; /* when the next mail is due, INT64_MAX: none */
	bool look;	  /* somebody poked: there may be a mail before that */
};

struct mailer *mailer_new(const struct mailer_options *options)
{
	struct mailer *m = mem_zalloc(sizeof(*m));

	m->options = *options;
	if (!m->options.retry_ms)
		m->options.retry_ms = RETRY_MS;
	m->options.server = mail_server_copy(&options->server);
	m->options.server.give_up = &m->stopping;
	atomic_init(&m->works, options->server.host != NULL);
	clock_start(&m->clock);
	m->troubles = troubles_new(options->digest_ms);
	pthread_mutex_init(&m->lock, NULL);
	cond_init_monotonic(&m->wake);
	return m;
}

void mailer_free(struct mailer **mp)
{
	struct mailer *m = *mp;

	troubles_free(&m->troubles);
	mail_server_drop(&m->options.server);
	mail_server_drop(&m->next);
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	mem_free(m);
	*mp = NULL;
}

bool mailer_works(const struct mailer *m)
{
	return atomic_load(&m->works);
}

static void poke(struct mailer *m)
{
	pthread_mutex_lock(&m->lock);
	m->poked = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void mailer_change(struct mailer *m, const struct mail_server *server, int64_t digest_ms)
{
	troubles_set_digest(m->troubles, digest_ms);
	pthread_mutex_lock(&m->lock);
	mail_server_drop(&m->next);
	m->next = mail_server_copy(server);
	m->changed = true;
	atomic_store(&m->works, server->host != NULL);
	pthread_mutex_unlock(&m->lock);
	poke(m);
}

/* Mails that waited for a server that was not to be reached try the new one at once. */
static void take_change(struct mailer *m)
{
	pthread_mutex_lock(&m->lock);
	if (m->changed) {
		mail_server_drop(&m->options.server);
		m->options.server = m->next;
		m->options.server.give_up = &m->stopping;
		m->next = (struct mail_server){ .host = NULL };
		m->changed = false;
		m->server_ms = m->server_delay_ms = 0;
	}
	pthread_mutex_unlock(&m->lock);
}

void mailer_trouble(struct mailer *m, const struct endpoint *ep, bool ok, int code, struct slice reason)
{
	if (troubles_note(m->troubles, ep, ok, code, reason, clock_ms(&m->clock)))
		poke(m);
}

/* --- taking them --- */

/* A copy to keep: a C string, so a NUL would end it, and a line has no control characters at all. */
static char *kept(struct slice s, bool line)
{
	char *copy = slice_dup(s);

	for (size_t i = 0; i < s.n; i++)
		if (copy[i] == '\0' || (line && ((unsigned char)copy[i] < ' ' || copy[i] == 0x7f)))
			copy[i] = ' ';
	return copy;
}

bool mailer_queue(struct deed *d, struct slice to, struct slice subject, struct slice text)
{
	struct mailer *m = d->hub->mailer;
	struct stored_mail mail = { .created_ms = d->now_ms, .due_ms = d->now_ms };
	int left = MAILER_ADDRESSES_MAX;

	if (!mailer_works(m) || atomic_load(&m->waiting) >= MAILS_WAITING)
		return false;
	mail.project = slice_dup(d->project);
	mail.subject = kept(utf8_cut(subject, SUBJECT_MAX), true);
	mail.text = kept(utf8_cut(text, TEXT_MAX), false);
	for (struct slice one; left > 0 && mail_address_next(&to, &one);) {
		if (!mail_address(one))
			continue;
		mem_free(mail.to);
		mail.to = slice_dup(one);
		kind_id(d->hub, KIND_MAIL, d->now_ms, mail.id);
		outbox_put(d->book, &mail);
		atomic_fetch_add(&m->waiting, 1);
		left--;
	}
	outbox_free(&mail);
	poke(m); /* the thread looks through a commit of its own, which comes after this one */
	return left < MAILER_ADDRESSES_MAX;
}

/* --- sending --- */

struct pick {
	struct mailer *m;
	bool found;
	struct stored_mail mail;
	int64_t next_ms;
};

/* In a commit although it only reads: so it sees what the commit wrote that poked. */
static void pick_step(void *ctx, struct book *b)
{
	struct pick *p = ctx;

	outbox_free(&p->mail);
	p->next_ms = outbox_first(b, &p->mail);
	p->found = p->next_ms <= book_now_ms(b);
	if (p->next_ms == INT64_MAX)
		atomic_store(&p->m->waiting, 0);
}

struct settle {
	struct mailer *m;
	const struct stored_mail *mail;
	bool again;
};

static void settle_step(void *ctx, struct book *b)
{
	const struct settle *s = ctx;

	if (s->again)
		outbox_put(b, s->mail);
	else
		outbox_delete(b, s->mail);
}

static int64_t doubled(int64_t ms, int64_t times)
{
	while (times-- > 0 && ms < RETRY_MAX_MS)
		ms *= 2;
	return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

static void log_mail(const struct mailer *m, enum log_level level, const char *what, const struct stored_mail *mail,
		     const struct fault *why)
{
	LOG_LINE(m->options.log, level, what, LOG_STR("mail", mail->id), LOG_STR("project", mail->project),
		 LOG_STR("to", mail->to), LOG_INT("tries", mail->tries), LOG_STR("reason", why->message));
}

/* The mail was not taken. True: it is to be tried again, at mail->due_ms. */
static bool put_off(struct mailer *m, struct stored_mail *mail, int err, const struct fault *why)
{
	int64_t now = node_now_ms(m->node);

	if (err != ERR_BUSY || now - mail->created_ms > GIVE_UP_MS) {
		log_mail(m, LOG_ERROR, "mail given up", mail, why);
		return false;
	}
	mail->due_ms = now + doubled(m->options.retry_ms, mail->tries - 1);
	log_mail(m, LOG_WARN, "mail not sent, tried again later", mail, why);
	return true;
}

/* The server itself is not to be reached: all mails wait, none is counted as tried. */
static void server_gone(struct mailer *m, const struct fault *why)
{
	m->server_delay_ms = m->server_delay_ms ? doubled(m->server_delay_ms, 1) : m->options.retry_ms;
	m->server_ms = node_now_ms(m->node) + m->server_delay_ms;
	log_warn(m->options.log, "mails cannot be sent, tried again later", LOG_INT("in_ms", m->server_delay_ms),
		 LOG_STR("reason", why->message));
}

static void send_one(struct mailer *m, struct stored_mail *mail)
{
	const char *at = strchr(m->options.server.from, '@');
	struct settle settle = { .m = m, .mail = mail };
	struct fault why = NO_FAULT;
	char message_id[400];
	struct mail out = { .to = slice_str(mail->to),
			    .subject = slice_str(mail->subject),
			    .text = slice_str(mail->text),
			    .date_s = mail->created_ms / 1000 };
	int err;

	snprintf(message_id, sizeof(message_id), "<%s%s>", mail->id, at ? at : "");
	out.message_id = slice_str(message_id);
	err = mail_send(&m->options.server, &out, &why);
	if (atomic_load(&m->stopping) && err)
		return;
	if (err == ERR_BUSY && strcmp(why.code, "unreachable") == 0 &&
	    node_now_ms(m->node) - mail->created_ms <= GIVE_UP_MS) {
		server_gone(m, &why);
		return;
	}
	m->server_delay_ms = 0;
	mail->tries++;
	settle.again = err && put_off(m, mail, err, &why);
	if (!err)
		log_mail(m, LOG_INFO, "mail sent", mail, &why);
	if (node_book_wait(m->node, settle_step, &settle))
		m->server_ms = node_now_ms(m->node) + STORE_RETRY_MS; /* it is sent again rather than lost */
	else if (!settle.again && atomic_load(&m->waiting) > 0)
		atomic_fetch_sub(&m->waiting, 1);
}

/* Sends some of what is due, so that new failures need not wait for all of it; sets when there is more. */
static void send_due(struct mailer *m)
{
	for (int i = 0; i < MAILS_A_TURN && !atomic_load(&m->stopping) && m->options.server.host; i++) {
		struct pick p = { .m = m };
		int64_t now = node_now_ms(m->node);

		if (now < m->server_ms || (now < m->mails_ms && !m->look))
			return;
		m->look = false;
		if (node_book_wait(m->node, pick_step, &p)) {
			outbox_free(&p.mail);
			m->mails_ms = node_now_ms(m->node) + STORE_RETRY_MS;
			return;
		}
		m->mails_ms = p.next_ms;
		if (p.found)
			send_one(m, &p.mail);
		outbox_free(&p.mail);
		if (!p.found)
			return;
	}
}

/* --- failing endpoints --- */

struct name_look {
	struct slice project, id;
	struct buf *out;
	bool found;
};

static void look_name(void *ctx, struct book *b)
{
	struct name_look *look = ctx;
	struct json_doc doc;
	struct buf text;

	buf_init(&text, SETTINGS_MAX);
	json_doc_init(&doc);
	look->found = (book_get(b, look->project, KIND_SERVICE, look->id, &text) ||
		       book_get(b, look->project, KIND_PHONE, look->id, &text)) &&
		      json_parse(&doc, buf_slice(&text), &json_limits_default, NULL) == 0;
	if (look->found)
		json_text(json_get(json_root(&doc), "name"), look->out);
	json_doc_free(&doc);
	buf_free(&text);
}

struct telling {
	struct mailer *m;
	struct slice project; /* empty: an organization's endpoints, nobody's mail */
	struct json settings;
	struct buf to, subject, text;
	bool queued;
};

static bool name_of(void *ctx, struct slice id, struct buf *out)
{
	struct telling *te = ctx;
	struct name_look look = { te->project, id, out, false };

	node_book_read(te->m->node, look_name, &look);
	return look.found;
}

static void log_news(const struct mailer *m, const struct trouble_letter *l)
{
	static const char *const words[] = { [TROUBLE_BEGINS] = "endpoint failing",
					     [TROUBLE_GOES_ON] = "endpoint still failing",
					     [TROUBLE_RECOVERS] = "endpoint works again",
					     [TROUBLE_PASSED] = "endpoint failed, works again" };

	for (size_t i = 0; i < l->count; i++) {
		const struct trouble_news *n = &l->news[i];

		log_info(m->options.log, words[n->what],
			 LOG_STR(n->endpoint->of_organization ? "organization" : "project", n->endpoint->owner),
			 LOG_STR("endpoint", n->endpoint->id), LOG_INT("failures", n->failures),
			 LOG_INT("code", n->code));
	}
	if (l->more > 0)
		log_info(m->options.log, "more endpoints failing", LOG_INT("endpoints", (int64_t)l->more));
}

/* The project's addresses with commas between. */
static void addresses(struct telling *te)
{
	struct json_iter it = json_each(json_get(te->settings, "notify_emails"));

	while (json_next(&it)) {
		if (te->to.n > 0)
			buf_add_char(&te->to, ',');
		json_text(it.value, &te->to);
	}
}

static void queue_step(void *ctx, struct book *b)
{
	struct telling *te = ctx;
	struct fault fault = NO_FAULT;
	struct arena arena;
	struct deed d = { .hub = te->m->hub,
			  .book = b,
			  .project = te->project,
			  .origin = ORIGIN_PLATFORM,
			  .now_ms = book_now_ms(b),
			  .arena = &arena,
			  .fault = &fault };

	arena_init(&arena);
	te->queued = mailer_queue(&d, buf_slice(&te->to), buf_slice(&te->subject), buf_slice(&te->text));
	arena_free(&arena);
}

/* Writes the letter and stores it as mails; without addresses there is nothing to write. */
static void tell_project(struct telling *te, const struct trouble_letter *l)
{
	struct trouble_writer writer = {
		.public_url = te->m->options.public_url, .project = te->settings, .name = name_of, .ctx = te
	};

	addresses(te);
	if (te->to.n == 0)
		return;
	trouble_mail(&writer, l, &te->subject, &te->text);
	if (node_book_wait(te->m->node, queue_step, te) || !te->queued)
		log_warn(te->m->options.log, "no mail about failing endpoints: too many wait, or the store is full",
			 LOG_SLICE("project", te->project));
	te->m->minute_mails++;
}

static void tell(struct mailer *m, const struct trouble_letter *l)
{
	struct telling te = { .m = m, .project = slice_str(l->news[0].endpoint->owner) };
	struct json_writer w;
	struct json_doc doc;
	struct buf settings;

	log_news(m, l);
	if (l->news[0].endpoint->of_organization || !mailer_works(m))
		return;
	buf_init(&settings, SETTINGS_MAX);
	buf_init(&te.to, 16 * 1024);
	buf_init(&te.subject, 4096);
	buf_init(&te.text, TEXT_MAX);
	json_writer_init(&w, &settings);
	json_doc_init(&doc);
	if (node_project_write(m->node, te.project, &w) == 0 &&
	    json_parse(&doc, buf_slice(&settings), &json_limits_default, NULL) == 0) {
		te.settings = json_root(&doc);
		tell_project(&te, l);
	}
	json_doc_free(&doc);
	buf_free(&settings);
	buf_free(&te.to);
	buf_free(&te.subject);
	buf_free(&te.text);
}

static bool may_tell(struct mailer *m, int64_t now)
{
	if (now - m->minute_ms >= 60000) {
		m->minute_ms = now;
		m->minute_mails = 0;
	}
	return m->minute_mails < MAILS_A_MINUTE;
}

static void tell_due(struct mailer *m)
{
	int64_t now = clock_ms(&m->clock);
	struct trouble_letter *l = mem_alloc(sizeof(*l));
	uint64_t left_out;

	while (!atomic_load(&m->stopping) && may_tell(m, now) && troubles_take(m->troubles, now, l)) {
		tell(m, l);
		trouble_letter_free(l);
	}
	left_out = troubles_left_out(m->troubles);
	if (left_out > 0)
		log_warn(m->options.log, "more endpoints fail than mails are kept for",
			 LOG_INT("endpoints", TROUBLES_MAX), LOG_INT("failures_left_out", (int64_t)left_out));
	mem_free(l);
}

/* --- the thread --- */

/* Milliseconds until something is due of itself. */
static int64_t idle_ms(struct mailer *m)
{
	int64_t now = clock_ms(&m->clock), node_now = node_now_ms(m->node);
	int64_t troubles = troubles_next(m->troubles), mails = m->mails_ms;

	if (!may_tell(m, now) && troubles < m->minute_ms + 60000)
		troubles = m->minute_ms + 60000;
	if (mails < m->server_ms)
		mails = m->server_ms;
	troubles = troubles == INT64_MAX ? INT64_MAX : troubles - now;
	mails = mails == INT64_MAX ? INT64_MAX : mails - node_now;
	return troubles < mails ? troubles : mails;
}

static void wait_for_work(struct mailer *m)
{
	int64_t idle = idle_ms(m);

	if (idle > 60000)
		idle = 60000;
	if (idle < 0)
		idle = 0;
	pthread_mutex_lock(&m->lock);
	for (int64_t until = clock_mono_us() + idle * 1000; !m->poked;)
		if (!cond_wait_until(&m->wake, &m->lock, until))
			break;
	m->look = m->look || m->poked;
	m->poked = false;
	pthread_mutex_unlock(&m->lock);
}

static void *run(void *ctx)
{
	struct mailer *m = ctx;

	while (!atomic_load(&m->stopping)) {
		take_change(m);
		tell_due(m);
		send_due(m);
		wait_for_work(m);
	}
	return NULL;
}

int mailer_start(struct mailer *m, struct hub *h, struct node *node, struct fault *fault)
{
	int err;

	m->hub = h;
	m->node = node;
	m->mails_ms = INT64_MAX;
	m->look = true; /* what was left by those before */
	atomic_store(&m->stopping, false);
	err = pthread_create(&m->thread, NULL, run, m);
	if (err) {
		fault_set(fault, "system", "", "the thread for mails cannot be started: %s", strerror(err));
		return ERR_SYSTEM;
	}
	m->running = true;
	return 0;
}

void mailer_stop(struct mailer *m)
{
	if (!m->running)
		return;
	atomic_store(&m->stopping, true);
	poke(m);
	pthread_join(m->thread, NULL);
	m->running = false;
}
