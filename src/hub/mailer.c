/*
 * Mails.
 */
#include "hub/mailer.h"

#include "base/mem.h"

struct mailer {
	struct mailer_options options;
};

struct mailer *mailer_new(const struct mailer_options *options)
{
	struct mailer *m = mem_zalloc(sizeof(*m));

	m->options = *options;
	return m;
}

int mailer_start(struct mailer *m, struct hub *h, struct node *node, struct fault *fault)
{
	(void)m;
	(void)h;
	(void)node;
	(void)fault;
	return 0;
}

void mailer_stop(struct mailer *m)
{
	(void)m;
}

void mailer_free(struct mailer **m)
{
	mem_free(*m);
	*m = NULL;
}

bool mailer_works(const struct mailer *m)
{
	return m->options.server.host != NULL;
}

bool mailer_queue(struct deed *d, struct slice to, struct slice subject, struct slice text)
{
	(void)d;
	(void)to;
	(void)subject;
	(void)text;
	return false;
}

void mailer_trouble(struct mailer *m, const struct endpoint *ep, bool ok, int code, struct slice reason)
{
	(void)m;
	(void)ep;
	(void)ok;
	(void)code;
	(void)reason;
}
