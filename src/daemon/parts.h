/*
 * What is made of the settings: by the start, by a reload while the daemon works (reload.h), and by `doctor`, which
 * only looks whether it can be made. A fault names the setting as settings_where does.
 */
#ifndef DAEMON_PARTS_H
#define DAEMON_PARTS_H

#include "base/slice.h"
#include "daemon/settings.h"
#include "net/guard.h"
#include "net/listen_address.h"
#include "net/mail.h"

/* Is /metrics for everybody? */
bool parts_metrics_open(const struct serve_settings *s);
/*
 * All of a file that the setting `name` gives the path of; *ret stays as it is when path is NULL. give: what the file
 * should be, for the message.
 */
int parts_file(const struct serve_settings *s, const char *name, const char *path, const char *give, char **ret,
	       struct fault *fault);
/* A secret, NULL when there is none; parts_secret_free wipes it. */
int parts_admin_key(const struct serve_settings *s, char **ret, struct fault *fault);
void parts_secret_free(char *secret);
/* Ranges and ports that may be connected to; without our own listener. */
int parts_guard(const struct serve_settings *s, struct guard **ret, struct fault *fault);
/* Strings are copies: mail_server_drop. */
int parts_mail(const struct serve_settings *s, struct mail_server *ret, struct fault *fault);

#endif
