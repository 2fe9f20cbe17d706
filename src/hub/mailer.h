/*
 * Mails: of rules (stored, so they are sent once the commit is through, and tried again), and about endpoints that
 * fail: at once, then at most one digest an endpoint and hour, one when it recovers.
 */
#ifndef HUB_MAILER_H
#define HUB_MAILER_H

#include "hub/record.h"
#include "net/mail.h"

struct mailer;
struct mailer_options {
	struct mail_server server;
	struct log *log;
	int64_t digest_ms;
};
struct mailer *mailer_new(const struct mailer_options *options);
/* Starts its thread; the node is borrowed until mailer_stop. */
int mailer_start(struct mailer *m, struct hub *h, struct node *node, struct fault *fault);
void mailer_stop(struct mailer *m);
void mailer_free(struct mailer **m);
/* Is there a server to send through? */
bool mailer_works(const struct mailer *m);

/* Inside a commit: a mail to be sent. to: addresses separated by commas. */
void mailer_queue(struct deed *d, struct slice to, struct slice subject, struct slice text);
/* node_hooks.trouble: any thread, never blocks. */
void mailer_trouble(struct mailer *m, const struct endpoint *ep, bool ok, int code, struct slice reason);

#endif
