/*
 * Mail through an SMTP server (libcurl's easy interface): one message, blocking. The text is written here as RFC 5322
 * wants it - a plain-text body in quoted-printable, so that it can be read in any log - and libcurl speaks to the
 * server (it doubles dots at the beginning of lines itself).
 *
 * Two things decide what a failure means. Whether the server came to this mail at all (a MAIL command was sent): if
 * not, any other mail would meet the same, so it is "unreachable". And the reply code: 5xx refuses the mail for good,
 * except those that speak of logging in, which the operator can mend.
 */
#include "net/mail.h"

#include <curl/curl.h>
#include <inttypes.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"

#define MAIL_MAX	((size_t)1024 * 1024)
#define TIMEOUT_MS	30000
#define QP_LINE_MAX	75 /* and the "=" of a soft break */
#define WORD_BYTES	45 /* of an encoded word: 60 characters of base64, 72 in all; RFC 2047 allows 75 */
#define HEADER_LINE_MAX 70 /* of a subject that goes as it is, without folding */

/* --- the server --- */

struct mail_server mail_server_copy(const struct mail_server *s)
{
	struct mail_server copy = *s;

	copy.host = mem_strdup(s->host);
	copy.user = mem_strdup(s->user);
	copy.password = mem_strdup(s->password);
	copy.from = mem_strdup(s->from);
	copy.ca = mem_strdup(s->ca);
	return copy;
}

void mail_server_drop(struct mail_server *s)
{
	if (s->password)
		mem_wipe((char *)(uintptr_t)s->password, strlen(s->password));
	mem_free((char *)(uintptr_t)s->host);
	mem_free((char *)(uintptr_t)s->user);
	mem_free((char *)(uintptr_t)s->password);
	mem_free((char *)(uintptr_t)s->from);
	mem_free((char *)(uintptr_t)s->ca);
	*s = (struct mail_server){ .host = NULL };
}

/* --- addresses --- */

static bool is_atom(char c)
{
	return c > ' ' && c < 0x7f && !strchr("()<>[]:;@\\,\"", c);
}

bool mail_address(struct slice s)
{
	size_t at = slice_find(s, '@');

	if (at == 0 || at > 64 || at + 1 >= s.n || s.n > 254)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (i != at && !is_atom(s.p[i]))
			return false;
	return true;
}

bool mail_address_next(struct slice *rest, struct slice *ret)
{
	while (rest->n > 0) {
		size_t n = slice_find(*rest, ',');

		*ret = slice_trim(slice_of(rest->p, n));
		*rest = slice_from(*rest, n < rest->n ? n + 1 : n);
		if (ret->n > 0)
			return true;
	}
	return false;
}

static int recipients(struct slice to, struct curl_slist **ret, struct fault *fault)
{
	struct slice one;
	char text[256];

	while (mail_address_next(&to, &one)) {
		if (!mail_address(one))
			return fault_param(fault, "to",
					   "\"%.*s\" is no mail address - write one as someone@example.org",
					   SLICE_HEAD(one, 200));
		slice_copy(text, sizeof(text), one);
		*ret = curl_slist_append(*ret, text);
	}
	return *ret ? 0 : fault_param(fault, "to", "there is nobody to send it to - give at least one address");
}

/* --- the text --- */

static void add_to(struct buf *out, struct slice to)
{
	const char *comma = "";
	struct slice one;

	buf_add_str(out, "To: ");
	for (; mail_address_next(&to, &one); comma = ",\r\n ") {
		buf_add_str(out, comma);
		buf_add_slice(out, one);
	}
	buf_add_str(out, "\r\n");
}

/* "Sun, 22 Nov 2026 10:00:00 +0000". */
static void add_date(struct buf *out, int64_t unix_s)
{
	static const char days[][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	int64_t day, second;
	struct civil c;

	if (unix_s < 0)
		unix_s = 0;
	day = unix_s / 86400;
	second = unix_s % 86400;
	c = civil_from_days(day);
	buf_addf(out, "Date: %s, %02d %s %" PRId64 " %02d:%02d:%02d +0000\r\n", days[day % 7], c.day,
		 months[c.month - 1], c.year, (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
}

/* One line of well-formed UTF-8: control characters, line ends before all, become blanks. */
static void one_line(struct buf *out, struct slice s)
{
	while (s.n > 0) {
		uint32_t rune;
		size_t n = utf8_next(s, &rune);

		if (n == 0)
			utf8_add(out, 0xfffd);
		else if (rune < 0x20 || rune == 0x7f)
			buf_add_char(out, ' ');
		else
			buf_add(out, s.p, n);
		s = slice_from(s, n ? n : 1);
	}
}

static bool is_plain_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x7f)
			return false;
	return true;
}

/* As many whole characters of s as an encoded word takes. */
static size_t word_length(struct slice s)
{
	size_t n = 0, step;
	uint32_t rune;

	while (n < s.n && (step = utf8_next(slice_from(s, n), &rune)) > 0 && n + step <= WORD_BYTES)
		n += step;
	return n;
}

/* RFC 2047. A subject that looks encoded is encoded, too, so that it arrives as it was written. */
static void add_subject(struct buf *out, struct slice subject)
{
	struct buf line;
	struct slice rest;

	buf_init(&line, MAIL_MAX);
	one_line(&line, subject);
	rest = slice_trim(buf_slice(&line));
	buf_add_str(out, "Subject: ");
	if (is_plain_ascii(rest) && rest.n <= HEADER_LINE_MAX && !memmem(rest.p, rest.n, "=?", 2)) {
		buf_add_slice(out, rest);
		rest.n = 0;
	}
	for (bool first = true; rest.n > 0; first = false) {
		size_t n = word_length(rest);

		buf_add_str(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
		base64_add(out, rest.p, n);
		buf_add_str(out, "?=");
		rest = slice_from(rest, n);
	}
	buf_add_str(out, "\r\n");
	buf_free(&line);
}

static void add_message_id(struct buf *out, const struct mail_server *server, struct slice given)
{
	const char *at = strchr(server->from, '@');
	char id[ID_BYTES];

	buf_add_str(out, "Message-ID: ");
	if (given.n > 0) {
		one_line(out, given);
	} else {
		id_make(id, "pm");
		buf_addf(out, "<%s%s>", id, at ? at : "@postrider");
	}
	buf_add_str(out, "\r\n");
}

struct qp {
	struct buf *out;
	size_t column;
};

static void qp_put(struct qp *q, const char *p, size_t n)
{
	if (q->column + n > QP_LINE_MAX) {
		buf_add_str(q->out, "=\r\n");
		q->column = 0;
	}
	buf_add(q->out, p, n);
	q->column += n;
}

/* Quoted-printable (RFC 2045): line ends of any kind become CRLF, blanks before them are kept. */
static void add_text(struct buf *out, struct slice text)
{
	struct qp q = { .out = out };

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		char next = i + 1 < text.n ? text.p[i + 1] : '\n';
		char code[4];

		if (c == '\n' || (c == '\r' && next != '\n')) {
			buf_add_str(out, "\r\n");
			q.column = 0;
		} else if (c == '\r') {
			continue; /* of CRLF */
		} else if ((c > ' ' && c < 0x7f && c != '=') || (c == ' ' && next != '\n' && next != '\r')) {
			qp_put(&q, &text.p[i], 1);
		} else {
			snprintf(code, sizeof(code), "=%02X", c);
			qp_put(&q, code, 3);
		}
	}
	if (q.column > 0)
		buf_add_str(out, "\r\n");
}

/* Auto-Submitted (RFC 3834): nobody's absence assistant answers. */
static void compose(struct buf *out, const struct mail_server *server, const struct mail *mail)
{
	buf_addf(out, "From: postrider <%s>\r\n", server->from);
	add_to(out, mail->to);
	add_subject(out, mail->subject);
	add_date(out, mail->date_s);
	add_message_id(out, server, mail->message_id);
	buf_add_str(out, "MIME-Version: 1.0\r\n"
			 "Content-Type: text/plain; charset=utf-8\r\n"
			 "Content-Transfer-Encoding: quoted-printable\r\n"
			 "Auto-Submitted: auto-generated\r\n"
			 "\r\n");
	add_text(out, mail->text);
}

/* --- the exchange --- */

struct exchange {
	const struct mail_server *server;
	CURL *easy;
	struct slice rest; /* of the text, still to be sent */
	bool at_mail;	   /* the server was told of the mail */
	bool quitting;	   /* what it says now is only good-bye */
	char said[300];	   /* its last line before that */
	char trouble[CURL_ERROR_SIZE];
};

static size_t on_read(char *to, size_t size, size_t count, void *ctx)
{
	struct exchange *ex = ctx;
	size_t n = size * count < ex->rest.n ? size * count : ex->rest.n;

	memcpy(to, ex->rest.p, n);
	ex->rest = slice_from(ex->rest, n);
	return n;
}

/* libcurl gives the dialogue only to a debug function: the server's words, and how far we came. */
static int on_dialogue(CURL *easy, curl_infotype type, char *data, size_t n, void *ctx)
{
	struct exchange *ex = ctx;
	struct buf line;

	(void)easy;
	if (type == CURLINFO_HEADER_OUT && n >= 5 && memcmp(data, "MAIL ", 5) == 0)
		ex->at_mail = true;
	if (type == CURLINFO_HEADER_OUT && n >= 4 && memcmp(data, "QUIT", 4) == 0)
		ex->quitting = true;
	if (type == CURLINFO_HEADER_IN && !ex->quitting) {
		buf_init(&line, 4 * n + 1);
		one_line(&line, slice_of(data, n));
		slice_copy(ex->said, sizeof(ex->said), slice_trim(buf_slice(&line)));
		buf_free(&line);
	}
	return 0;
}

static int on_progress(void *ctx, curl_off_t dl_total, curl_off_t dl_now, curl_off_t ul_total, curl_off_t ul_now)
{
	const struct exchange *ex = ctx;

	(void)dl_total, (void)dl_now, (void)ul_total, (void)ul_now;
	return ex->server->give_up && atomic_load(ex->server->give_up);
}

static void set_url(const struct exchange *ex)
{
	static const uint16_t ports[] = { [MAIL_TLS_NONE] = 25, [MAIL_TLS_STARTTLS] = 587, [MAIL_TLS_IMPLICIT] = 465 };
	const struct mail_server *s = ex->server;
	bool v6 = strchr(s->host, ':') != NULL;
	struct buf url;

	buf_init(&url, 1024);
	buf_addf(&url, "%s://%s%s%s:%u/", s->tls == MAIL_TLS_IMPLICIT ? "smtps" : "smtp", v6 ? "[" : "", s->host,
		 v6 ? "]" : "", s->port ? s->port : ports[s->tls]);
	curl_easy_setopt(ex->easy, CURLOPT_URL, buf_str(&url));
	buf_free(&url);
}

/* Nothing from the environment: CURLOPT_PROXY "" switches off what http_proxy and friends would say. */
static void set_options(struct exchange *ex, const char *sender, struct curl_slist *to)
{
	const struct mail_server *s = ex->server;
	CURL *easy = ex->easy;

	set_url(ex);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(s->timeout_ms > 0 ? s->timeout_ms : TIMEOUT_MS));
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, ex->trouble);
	curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_dialogue);
	curl_easy_setopt(easy, CURLOPT_DEBUGDATA, ex);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, ex);
	if (s->tls == MAIL_TLS_STARTTLS)
		curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	if (s->ca)
		curl_easy_setopt(easy, CURLOPT_CAINFO, s->ca);
	if (s->user) {
		curl_easy_setopt(easy, CURLOPT_USERNAME, s->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, s->password ? s->password : "");
	}
	curl_easy_setopt(easy, CURLOPT_MAIL_FROM, sender);
	curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(easy, CURLOPT_READDATA, ex);
}

/* "log in first", "TLS first": not about the mail. */
static bool is_about_login(long code)
{
	return code == 530 || code == 534 || code == 535 || code == 538;
}

static int failed(const struct exchange *ex, CURLcode rc, struct fault *fault)
{
	const char *trouble = ex->trouble[0] ? ex->trouble : curl_easy_strerror(rc);
	const struct mail_server *s = ex->server;
	long code = 0;

	curl_easy_getinfo(ex->easy, CURLINFO_RESPONSE_CODE, &code);
	if (!ex->at_mail || is_about_login(code)) {
		fault_set(fault, "unreachable", "",
			  "the mail server %.100s: %s%s%s - check smtp_host, smtp_port, "
			  "smtp_tls, smtp_user and smtp_password",
			  s->host, trouble, ex->said[0] ? "; it said: " : "", ex->said);
		return ERR_BUSY;
	}
	if (code < 400 || code > 599) {
		fault_set(fault, "broken_off", "", "the mail server %.100s: %s", s->host, trouble);
		return ERR_BUSY;
	}
	fault_set(fault, code >= 500 ? "refused" : "try_later", "", "the mail server %.100s said: %s", s->host,
		  ex->said);
	return code >= 500 ? ERR_INVALID : ERR_BUSY;
}

/* to NULL: only the connection is made. */
static int transmit(const struct mail_server *server, struct slice text, struct curl_slist *to, struct fault *fault)
{
	struct exchange ex = { .server = server, .rest = text };
	char sender[260];
	CURLcode rc;
	int err;

	curl_global_init(CURL_GLOBAL_DEFAULT); /* counted; taken back below */
	ex.easy = curl_easy_init();
	if (!ex.easy) {
		fault_set(fault, "unreachable", "", "libcurl cannot start a transfer");
		curl_global_cleanup();
		return ERR_BUSY;
	}
	snprintf(sender, sizeof(sender), "<%.254s>", server->from);
	set_options(&ex, sender, to);
	if (!to)
		curl_easy_setopt(ex.easy, CURLOPT_CONNECT_ONLY, 1L);
	rc = curl_easy_perform(ex.easy);
	err = rc == CURLE_OK ? 0 : failed(&ex, rc, fault);
	curl_easy_cleanup(ex.easy);
	curl_global_cleanup();
	return err;
}

int mail_send(const struct mail_server *server, const struct mail *mail, struct fault *fault)
{
	struct curl_slist *to = NULL;
	struct buf text;
	int err;

	if (!server->host || !server->from || !mail_address(slice_str(server->from))) {
		fault_set(fault, "unreachable", "smtp_from",
			  "there is no mail server, or no address that mails come from");
		return ERR_BUSY;
	}
	buf_init(&text, MAIL_MAX);
	err = recipients(mail->to, &to, fault);
	if (!err)
		compose(&text, server, mail);
	if (!err && buf_failed(&text))
		err = fault_param(fault, "text", "the mail is larger than %zu KiB - send less", MAIL_MAX / 1024);
	if (!err)
		err = transmit(server, buf_slice(&text), to, fault);
	curl_slist_free_all(to);
	buf_free(&text);
	return err;
}

int mail_probe(const struct mail_server *server, struct fault *fault)
{
	return transmit(server, SLICE_LIT(""), NULL, fault);
}
