/*
 * The hub: the messaging side of postrider, two-way, in Telerivet's words. Messages come in from gateways and callers,
 * meet contacts and services, cause replies; messages go out over phones (routes) and change their status.
 *
 * All that changes is done by functions that run inside a commit (node/book.h), one after the other. HTTP exchanges -
 * a service's webhook, an order to a gateway, a status_url - are events with a target: the engine delivers them like
 * any other, and reports what became of them inside the commit that writes it down.
 *
 *	receive -> message, contact -> run of the services --event--> engine --report--> reply -> message -> route
 *	                                                                                            |
 *	status of a message <--report-- engine <--event (send_message) or steps of the test route---'
 *
 * Where to look (NAME.h says what a module does; NAME_parts.h and NAME_impl.h are between its files):
 *
 *	an object        kind (ids), record, record_parts (vars, lists of ids), keys (indexes), shapes (in REST)
 *	a REST call      rest (parameters), list, list_filter; then the file named after what it is about: *_rest, …
 *	a message        message, message_receive, message_send, message_status; message_multi, broadcast for many
 *	an event         intake (posted ones, on their way in), notice (what is told, on its way out)
 *	who it is with   contact, group, label, named (what those two have in common), e164
 *	ways out         route, phone, phone_type; kannel, gsm, links
 *	services         run (the way of a message through them), service_type and behind it webhook, rules, poll;
 *	                 rules_check, condition; reply, variables, state; service_log, explain
 *	mails            mailer, outbox, trouble, trouble_mail
 *	life and time    hub, tick
 */
#ifndef HUB_HUB_H
#define HUB_HUB_H

#include "base/log.h"
#include "net/mail.h"
#include "node/book.h"

struct hub;

struct hub_options {
	struct log *log;	  /* borrowed */
	const char *public_url;	  /* begins delivery-report URLs and short links; without a slash at the end */
	int64_t test_step_ms;	  /* between two statuses on the test route; 0: 1,000 */
	int64_t log_retention_ms; /* of service logs; 0: 31 days */
	/* mails about failures and of rules; server NULL: none are sent, rules say so in the service log */
	struct mail_server mail;
	int64_t digest_ms;     /* at most one mail an endpoint and this time while it goes on failing; 0: 3,600,000 */
	int64_t mail_retry_ms; /* before a mail is tried again, doubled each time; 0: 60,000 */
};

/* Before node_start: its hooks are part of the node's options. */
struct hub *hub_new(const struct hub_options *options);
const struct node_hooks *hub_hooks(struct hub *h);
/* After node_start: what is due, and mails, from now on. The node is borrowed until hub_detach, before node_stop. */
int hub_attach(struct hub *h, struct node *node, struct fault *fault);
void hub_detach(struct hub *h);
/* After node_stop. */
void hub_free(struct hub **h);

/* Other settings of mails, copied, from the next mail on; as in hub_options. Any thread. */
void hub_set_mail(struct hub *h, const struct mail_server *server, int64_t digest_ms);

const char *hub_public_url(const struct hub *h);

#endif
