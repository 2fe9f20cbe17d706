/*
 * An SMTP server for tests, on a thread of its own: it speaks by a script, as no proper server would, and keeps what it
 * heard. Loopback only, one connection after the other.
 */
#ifndef TESTS_UNIT_NET_POSTMAN_H
#define TESTS_UNIT_NET_POSTMAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct postman;

/* What it answers instead of the usual; NULL: the usual, "": it closes the connection. */
struct script {
	const char *greeting, *ehlo, *mail, *rcpt, *data, *end;
	bool silent; /* after the greeting it never says anything again */
};

/* The i-th connection is served by scripts[i], and all that follow by the last one. scripts is borrowed. */
struct postman *postman_new(const struct script *scripts, size_t count);
/* The same on a port that is known already. */
struct postman *postman_new_at(uint16_t port, const struct script *scripts, size_t count);
void postman_free(struct postman **p);
uint16_t postman_port(const struct postman *p);

/* How many mails were taken, and the text of one, line ends as \n; good until postman_free. */
size_t postman_mails(struct postman *p);
const char *postman_mail(struct postman *p, size_t index);
size_t postman_connections(struct postman *p);
/* Waits until the connections are over, then: all commands, a line each. */
const char *postman_commands(struct postman *p);

#endif
