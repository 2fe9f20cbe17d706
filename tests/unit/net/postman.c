#include "postman.h"

#include <arpa/inet.h>
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define MAILS_MAX 256

struct postman {
	const struct script *scripts;
	size_t script_count;
	const struct script *script; /* of the connection under way */
	int listening, fd;
	uint16_t port;
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t idle;
	bool busy, stopping;
	size_t connections;
	struct buf commands;
	char *mails[MAILS_MAX];
	size_t mail_count;
};

static bool say(struct postman *p, const char *given, const char *usual)
{
	const char *line = given ? given : usual;
	char out[512];
	int n = snprintf(out, sizeof(out), "%s\r\n", line);

	return *line && send(p->fd, out, (size_t)n, MSG_NOSIGNAL) == n;
}

static bool read_line(struct postman *p, char line[2048])
{
	size_t n = 0;

	while (n < 2047 && recv(p->fd, &line[n], 1, 0) == 1) {
		line[n + 1] = '\0';
		if (n > 0 && line[n - 1] == '\r' && line[n] == '\n') {
			line[n - 1] = '\0';
			return true;
		}
		n++;
	}
	return false;
}

static void keep(struct postman *p, struct buf *text)
{
	pthread_mutex_lock(&p->lock);
	assert(p->mail_count < MAILS_MAX);
	p->mails[p->mail_count++] = buf_take(text);
	pthread_mutex_unlock(&p->lock);
}

/* Kept only when the server says that it took it, as a client would count it. */
static bool take_mail(struct postman *p)
{
	const char *end = p->script->end;
	struct buf text;
	char line[2048];
	bool whole = false;

	buf_init(&text, 1u << 20);
	while (!whole && read_line(p, line)) {
		whole = strcmp(line, ".") == 0;
		if (!whole)
			buf_addf(&text, "%s\n", line);
	}
	if (whole && (!end || end[0] == '2'))
		keep(p, &text);
	buf_free(&text);
	return whole && say(p, end, "250 taken");
}

static bool obey(struct postman *p, const char *line)
{
	const struct script *s = p->script;

	pthread_mutex_lock(&p->lock);
	buf_addf(&p->commands, "%s\n", line);
	pthread_mutex_unlock(&p->lock);
	if (strncmp(line, "EHLO", 4) == 0)
		return say(p, s->ehlo, "250 postman");
	if (strncmp(line, "MAIL", 4) == 0)
		return say(p, s->mail, "250 ok");
	if (strncmp(line, "RCPT", 4) == 0)
		return say(p, s->rcpt, "250 ok");
	if (strncmp(line, "DATA", 4) == 0)
		return say(p, s->data, "354 go on") && (s->data || take_mail(p));
	return say(p, NULL, strncmp(line, "QUIT", 4) == 0 ? "221 bye" : "500 what?");
}

static void serve_one(struct postman *p)
{
	char line[2048];

	if (say(p, p->script->greeting, "220 postman"))
		while (read_line(p, line) && (p->script->silent || obey(p, line)))
			;
}

/* Accepts the next connection; false at the end. */
static bool begin(struct postman *p)
{
	int fd = accept(p->listening, NULL, NULL);
	size_t i;

	pthread_mutex_lock(&p->lock);
	p->fd = fd;
	if (p->stopping || fd < 0) {
		pthread_mutex_unlock(&p->lock);
		return false;
	}
	i = p->connections++;
	p->script = &p->scripts[i < p->script_count ? i : p->script_count - 1];
	p->busy = true;
	pthread_mutex_unlock(&p->lock);
	return true;
}

static void end(struct postman *p)
{
	pthread_mutex_lock(&p->lock);
	close(p->fd);
	p->fd = -1;
	p->busy = false;
	pthread_cond_broadcast(&p->idle);
	pthread_mutex_unlock(&p->lock);
}

static void *serve(void *ctx)
{
	struct postman *p = ctx;

	while (begin(p)) {
		serve_one(p);
		end(p);
	}
	return NULL;
}

struct postman *postman_new_at(uint16_t port, const struct script *scripts, size_t count)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct postman *p = mem_zalloc(sizeof(*p));
	socklen_t n = sizeof(a);
	int rc, on = 1;

	p->scripts = scripts;
	p->script_count = count;
	p->fd = -1;
	buf_init(&p->commands, 1u << 20);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->idle, NULL);
	p->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(p->listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	rc = bind(p->listening, (struct sockaddr *)&a, sizeof(a));
	rc = rc ? rc : listen(p->listening, 16);
	rc = rc ? rc : getsockname(p->listening, (struct sockaddr *)&a, &n);
	p->port = ntohs(a.sin_port);
	rc = rc ? rc : pthread_create(&p->thread, NULL, serve, p);
	assert(rc == 0);
	return p;
}

struct postman *postman_new(const struct script *scripts, size_t count)
{
	return postman_new_at(0, scripts, count);
}

void postman_free(struct postman **pp)
{
	struct postman *p = *pp;

	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	if (p->fd >= 0)
		shutdown(p->fd, SHUT_RDWR);
	shutdown(p->listening, SHUT_RDWR);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	if (p->fd >= 0)
		close(p->fd);
	close(p->listening);
	for (size_t i = 0; i < p->mail_count; i++)
		mem_free(p->mails[i]);
	buf_free(&p->commands);
	pthread_cond_destroy(&p->idle);
	pthread_mutex_destroy(&p->lock);
	mem_free(p);
	*pp = NULL;
}

uint16_t postman_port(const struct postman *p)
{
	return p->port;
}

size_t postman_mails(struct postman *p)
{
	size_t n;

	pthread_mutex_lock(&p->lock);
	n = p->mail_count;
	pthread_mutex_unlock(&p->lock);
	return n;
}

const char *postman_mail(struct postman *p, size_t index)
{
	const char *text;

	pthread_mutex_lock(&p->lock);
	assert(index < p->mail_count);
	text = p->mails[index];
	pthread_mutex_unlock(&p->lock);
	return text;
}

size_t postman_connections(struct postman *p)
{
	size_t n;

	pthread_mutex_lock(&p->lock);
	n = p->connections;
	pthread_mutex_unlock(&p->lock);
	return n;
}

const char *postman_commands(struct postman *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->busy)
		pthread_cond_wait(&p->idle, &p->lock);
	pthread_mutex_unlock(&p->lock);
	return buf_str(&p->commands);
}
