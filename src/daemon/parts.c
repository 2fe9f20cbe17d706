/*
 * From settings to what the daemon is made of. Nothing here changes anything that runs: a reload makes all parts first
 * and puts them in place only when each could be made.
 */
#include "daemon/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"

#define PEM_MAX ((size_t)1024 * 1024)

bool parts_metrics_open(const struct serve_settings *s)
{
	union listen_address a;

	if (s->metrics_open != METRICS_AUTO)
		return s->metrics_open == METRICS_YES;
	return listen_address_read(slice_str(s->listen), &a) && listen_address_is_loopback(&a);
}

/* --- files and secrets --- */

int parts_file(const struct serve_settings *s, const char *name, const char *path, const char *give, char **ret,
	       struct fault *fault)
{
	struct buf text;
	char *room;
	ssize_t n = 1;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (!path)
		return 0;
	buf_init(&text, PEM_MAX + 4096);
	while (fd >= 0 && n > 0 && text.n <= PEM_MAX && (room = buf_extend(&text, 4096))) {
		n = read(fd, room, 4096);
		buf_truncate(&text, text.n - 4096 + (size_t)(n > 0 ? n : 0));
	}
	if (fd < 0 || n < 0 || text.n > PEM_MAX) {
		fault_param(fault, settings_where(s, name), "cannot read %.200s: %s - give %s", path,
			    fd >= 0 && n >= 0 ? "too large" : strerror(errno), give);
		buf_free(&text);
		if (fd >= 0)
			close(fd);
		return ERR_INVALID;
	}
	close(fd);
	*ret = buf_take(&text);
	return 0;
}

/* A secret as it was given, or the first line of the file that was (name is that setting), as it stands. */
static int read_secret(const struct serve_settings *s, const char *given, const char *name, const char *path,
		       char **ret, struct fault *fault)
{
	*ret = mem_strdup(given);
	if (!path)
		return 0;
	if (parts_file(s, name, path, "a file with the secret in its first line", ret, fault))
		return ERR_INVALID;
	(*ret)[strcspn(*ret, "\r\n")] = '\0';
	return (*ret)[0] ? 0
			 : fault_param(fault, settings_where(s, name),
				       "the first line of %.200s is empty - write the secret there", path);
}

void parts_secret_free(char *secret)
{
	if (secret)
		mem_wipe(secret, strlen(secret));
	mem_free(secret);
}

int parts_admin_key(const struct serve_settings *s, char **ret, struct fault *fault)
{
	return read_secret(s, s->admin_key, "admin_key_file", s->admin_key_file, ret, fault);
}

/* --- what is made --- */

int parts_guard(const struct serve_settings *s, struct guard **ret, struct fault *fault)
{
	struct guard *g = guard_new();
	const char *name = "allow_net";
	int err = 0;

	for (size_t i = 0; i < s->allow_net.count && !err; i++)
		err = guard_allow_net(g, slice_str(s->allow_net.items[i]), fault);
	if (!err && s->allow_ports) {
		name = "allow_ports";
		err = guard_allow_ports(g, slice_str(s->allow_ports), fault);
	}
	if (err) {
		slice_copy(fault->param, sizeof(fault->param), slice_str(settings_where(s, name)));
		guard_free(&g);
		return ERR_INVALID;
	}
	*ret = g;
	return 0;
}

static int check_smtp_ca(const struct serve_settings *s, struct fault *fault)
{
	if (!s->smtp_ca || access(s->smtp_ca, R_OK) == 0)
		return 0;
	return fault_param(fault, settings_where(s, "smtp_ca"), "cannot read %.200s: %s - give a PEM file", s->smtp_ca,
			   strerror(errno));
}

int parts_mail(const struct serve_settings *s, struct mail_server *ret, struct fault *fault)
{
	struct mail_server lent = { .host = s->smtp_host,
				    .port = (uint16_t)s->smtp_port,
				    .tls = (enum mail_tls)s->smtp_tls,
				    .user = s->smtp_user,
				    .from = s->smtp_from,
				    .ca = s->smtp_ca };
	char *password = NULL;
	int err = check_smtp_ca(s, fault);

	if (!err)
		err = read_secret(s, s->smtp_password, "smtp_password_file", s->smtp_password_file, &password, fault);
	lent.password = password;
	if (!err)
		*ret = mail_server_copy(&lent);
	parts_secret_free(password);
	return err;
}
