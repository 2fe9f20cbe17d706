/*
 * Mails: of rules (stored, so they are sent once the commit is through, and tried again), and about endpoints that
 * fail: at once, then at most one digest an endpoint and hour, one when it recovers.
 */
#ifndef HUB_MAILER_H
#define HUB_MAILER_H

#include "hub/record.h"
#include "net/mail.h"

#define MAILER_ADDRESSES_MAX 20 /* of one mail */

struct mailer;
struct mailer_options {
	struct mail_server server; /* copied */
	struct log *log;
	const char *public_url;
	int64_t digest_ms; /* at most one mail an endpoint and this time while it goes on failing */
	int64_t retry_ms;  /* before a mail is tried again, doubled each time up to an hour; 0: 60,000 */
};
struct mailer *mailer_new(const struct mailer_options *options);
/* Starts its thread; the node is borrowed until mailer_stop. */
int mailer_start(struct mailer *m, struct hub *h, struct node *node, struct fault *fault);
void mailer_stop(struct mailer *m);
void mailer_free(struct mailer **m);
/* Another server and digest, copied; in force from the next mail on. Any thread. */
void mailer_change(struct mailer *m, const struct mail_server *server, int64_t digest_ms);
/* Is there a server to send through? */
bool mailer_works(const struct mailer *m);

/*
 * Inside a commit: a mail to be sent, one to each address. to: addresses separated by commas; what mail_address refuses
 * is passed over, and what is beyond MAILER_ADDRESSES_MAX. False when there is no server, too many mails wait already,
 * or nobody is left to write to: nothing is stored then.
 */
bool mailer_queue(struct deed *d, struct slice to, struct slice subject, struct slice text);
/* node_hooks.trouble: any thread, never blocks. */
void mailer_trouble(struct mailer *m, const struct endpoint *ep, bool ok, int code, struct slice reason);

#endif
