/*
 * Mails on disk: objects of KIND_MAIL and project "", since the mailer asks for those of all projects together. Their
 * key FIELD_TIME is when a mail is to be tried (next), so what is due is the beginning of that index.
 */
#ifndef HUB_OUTBOX_H
#define HUB_OUTBOX_H

#include "hub/kind.h"
#include "node/book.h"

struct stored_mail {
	char id[HUB_ID_BYTES];
	char *project, *to, *subject, *text; /* owned; to: one address */
	int64_t created_ms, due_ms;
	int64_t tries; /* so far */
};

/* Inside a commit. Put: new, or with another due time. */
void outbox_put(struct book *b, const struct stored_mail *mail);
void outbox_delete(struct book *b, const struct stored_mail *mail);
/*
 * When the first one is due, INT64_MAX when there is none. If that is by now, *ret is that mail (outbox_free), and
 * empty otherwise.
 */
int64_t outbox_first(struct book *b, struct stored_mail *ret);
/* Of an empty one, too. */
void outbox_free(struct stored_mail *mail);

#endif
