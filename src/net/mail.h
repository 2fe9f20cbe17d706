/*
 * Mail through an SMTP server (libcurl): one message, blocking, for a thread of its own.
 */
#ifndef NET_MAIL_H
#define NET_MAIL_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/slice.h"

enum mail_tls { MAIL_TLS_NONE, MAIL_TLS_STARTTLS, MAIL_TLS_IMPLICIT };

struct mail_server {
	const char *host; /* NULL: there is none */
	uint16_t port;	  /* 0: 25, 587 or 465 by tls */
	enum mail_tls tls;
	const char *user, *password; /* NULL: without logging in */
	const char *from;	     /* "postrider@example.org" */
	const char *ca;		     /* PEM; NULL: the system's */
	int64_t timeout_ms;	     /* of one mail, all of it; 0: 30,000 */
	const atomic_bool *give_up;  /* NULL, or: once true, mail_send ends within a second with ERR_BUSY */
};

/* A copy with strings of its own, and its end; the password is wiped. */
struct mail_server mail_server_copy(const struct mail_server *server);
void mail_server_drop(struct mail_server *server);

struct mail {
	struct slice to;	    /* addresses separated by commas */
	struct slice subject, text; /* UTF-8 */
	struct slice message_id;    /* "<…@…>"; empty: one is made. The same mail sent again keeps it */
	int64_t date_s;		    /* Unix seconds */
};

/* One address, bare: "someone@example.org", of visible ASCII characters without any that mean something in a list. */
bool mail_address(struct slice s);
/*
 * The next of addresses separated by commas, without blanks around it: *rest becomes what follows. Empty pieces are
 * passed over; false when there are no more. Whether it is one, mail_address says.
 */
bool mail_address_next(struct slice *rest, struct slice *ret);
/*
 * 0; ERR_INVALID: refused for good (an address, 5xx); ERR_BUSY: try again later. *fault says what the server said; its
 * code is "unreachable" when it did not come to the mail itself: then it would not come to another one either. When
 * one of several addresses is refused nobody gets the mail.
 */
int mail_send(const struct mail_server *server, const struct mail *mail, struct fault *fault);
/* Connects, with TLS and logging in as the settings say, and sends nothing. As mail_send. */
int mail_probe(const struct mail_server *server, struct fault *fault);

#endif
