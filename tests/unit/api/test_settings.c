/* Where settings come from, who wins, and what is said of wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/settings.h"
#include "net/mail.h"

#define NO_ENVIRONMENT	 ((const char *const[]){ NULL })
#define ENVIRONMENT(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* The arguments end with NULL. main's argv is not const either, and settings_read writes to none of it. */
static int read_with(struct serve_settings *s, struct fault *fault, const char *const *environment, ...)
{
	char *argv[16] = { (char *)(uintptr_t) "serve" };
	int argc = 1;
	va_list ap;

	va_start(ap, environment);
	while ((argv[argc] = va_arg(ap, char *)))
		argc++;
	va_end(ap);
	return settings_read(s, argc, argv, (char *const *)(uintptr_t)environment, fault);
}
#define READ(s, fault, environment, ...) read_with((s), (fault), (environment), ##__VA_ARGS__, NULL)

static void defaults(void **state)
{
	struct serve_settings s;
	struct fault fault;

	(void)state;
	assert_int_equal(READ(&s, &fault, NO_ENVIRONMENT), 0);
	assert_string_equal(s.listen, "127.0.0.1:8420");
	assert_string_equal(s.data, "/var/lib/postrider");
	assert_null(s.admin_key);
	assert_int_equal(s.recent_ids, 1000000);
	assert_int_equal(s.recent_finals, 1000000);
	assert_int_equal(s.memory, 96 << 20);
	assert_int_equal(s.log_level, LOG_INFO);
	assert_int_equal(s.allow_net.count, 0);
	assert_string_equal(settings_where(&s, "listen"), "listen");
	settings_free(&s);
	assert_int_equal(READ(&s, &fault, ENVIRONMENT("STATE_DIRECTORY=/srv/state:/other")), 0);
	assert_string_equal(s.data, "/srv/state");
	settings_free(&s);
}

static void write_file(char path[32], const char *text)
{
	FILE *f;
	int fd;

	snprintf(path, 32, "/tmp/settings-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	fputs(text, f);
	fclose(f);
}

static void precedence(void **state)
{
	struct serve_settings s;
	struct fault fault;
	char path[32];

	(void)state;
	write_file(path, "; a comment\nthreads = 3\nshards = 3\nmemory = 1G\nlog_level=warn\n[postrider]\nallow_net = "
			 "10.0.0.0/8\nallow_net = fd00::/8\n");
	assert_int_equal(
		READ(&s, &fault,
		     ENVIRONMENT("POSTRIDER_SHARDS=4", "POSTRIDER_THREADS=4", "POSTRIDER_LISTEN=", "POSTRIDER_KEY=x"),
		     "--threads=5", "--config", path),
		0);
	assert_int_equal(s.memory, 1 << 30);
	assert_int_equal(s.log_level, LOG_WARN);
	assert_int_equal(s.shards, 4);
	assert_int_equal(s.threads, 5);
	assert_int_equal(s.allow_net.count, 2);
	assert_string_equal(s.allow_net.items[1], "fd00::/8");
	assert_string_equal(s.listen, "127.0.0.1:8420");
	assert_string_equal(settings_where(&s, "threads"), "--threads");
	assert_string_equal(settings_where(&s, "shards"), "POSTRIDER_SHARDS");
	settings_free(&s);
	/* A list is replaced as a whole. */
	assert_int_equal(READ(&s, &fault,
			      ENVIRONMENT("POSTRIDER_CONFIG=/nowhere", "POSTRIDER_ALLOW_NET=1.0.0.0/8, 2.0.0.0/8"),
			      "--config", path),
			 0);
	assert_int_equal(s.allow_net.count, 2);
	assert_string_equal(s.allow_net.items[1], "2.0.0.0/8");
	settings_free(&s);
	unlink(path);
}

static void expect_refused(struct serve_settings *s, int rc, const struct fault *fault, const char *where,
			   const char *part)
{
	assert_int_equal(rc, ERR_INVALID);
	assert_string_equal(fault->param, where);
	if (!strstr(fault->message, part) || !strstr(fault->message, " - "))
		fail_msg("%s: %s", fault->param, fault->message);
	settings_free(s);
}

static void refused(void **state)
{
	struct serve_settings s;
	struct fault fault;

	(void)state;
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, "--listn", "x"), &fault, "--listn",
		       "did you mean 'listen'");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, "--threads", "0"), &fault, "--threads", "from 1 to 256");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, "--threads"), &fault, "--threads", "missing");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, "--memory", "lots"), &fault, "--memory", "no size");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, "--log-level", "loud"), &fault, "--log-level",
		       "debug info warn error");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, "--public-url", "hooks"), &fault, "--public-url", "no URL");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, "--data", "a", "--data", "b"), &fault, "--data", "twice");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, "here"), &fault, "here", "options only");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, "--store", "postgresql://db/x"), &fault, "--store",
		       "not in this version");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, "--tls-cert", "x"), &fault, "--tls-cert", "both");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, "--config", "/nowhere/x.ini"), &fault, "--config",
		       "No such file");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, "--config", "/"), &fault, "--config", "Is a directory");
	expect_refused(&s, READ(&s, &fault, ENVIRONMENT("POSTRIDER_LISTEM=x")), &fault, "POSTRIDER_LISTEM", "'listen'");
	expect_refused(&s, READ(&s, &fault, ENVIRONMENT("POSTRIDER_SHARDS=x")), &fault, "POSTRIDER_SHARDS",
		       "no number");
	assert_int_equal(READ(&s, &fault, NO_ENVIRONMENT, "--help"), SETTINGS_HELP);
	settings_free(&s);
}

static void mail(void **state)
{
	static const char *const name = "--smtp-host", *const host = "mx.example.org", *const from = "--smtp-from";
	struct serve_settings s;
	struct fault fault;

	(void)state;
	assert_int_equal(READ(&s, &fault, ENVIRONMENT("POSTRIDER_SMTP_PASSWORD=secret"), name, host, from, "a@b.c",
			      "--smtp-user", "me", "--smtp-tls", "tls"),
			 0);
	assert_string_equal(s.smtp_host, host);
	assert_string_equal(s.smtp_password, "secret");
	assert_int_equal(s.smtp_tls, MAIL_TLS_IMPLICIT);
	assert_int_equal(s.smtp_port, 0);
	assert_int_equal(s.mail_digest_s, 3600);
	settings_free(&s);
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, from, "a@b.c"), &fault, from, "give smtp_host");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, name, host), &fault, name, "give smtp_from");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, name, "mx:25", from, "a@b.c"), &fault, name, "no host");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, name, "smtp://mx", from, "a@b.c"), &fault, name, "no host");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, name, host, from, "Me <a@b.c>"), &fault, from,
		       "no mail address");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, name, host, from, "a@b.c", "--smtp-user", "me"), &fault,
		       "--smtp-user", "needs a password");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, name, host, from, "a@b.c", "--smtp-password", "x"), &fault,
		       "--smtp-password", "smtp_user");
	expect_refused(&s,
		       READ(&s, &fault, NO_ENVIRONMENT, name, host, from, "a@b.c", "--smtp-user", "me",
			    "--smtp-password", "x", "--smtp-password-file", "/x"),
		       &fault, "--smtp-password-file", "leave one");
	expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, "--smtp-tls", "yes"), &fault, "--smtp-tls",
		       "none starttls tls");
}

static void refused_files(void **state)
{
	static const struct {
		const char *text, *line, *part;
	} rows[] = {
		{ "threads = 2\nthreds = 3\n", "2", "did you mean 'threads'" },
		{ "threads = 2\n\nthreads = 3\n", "3", "twice" },
		{ "threads = 2\n[other]\nshards = 1\n", "3", "[other]" },
		{ "what is this\nthreds = 3\n", "1", "name = value" },
		{ "config = x\n", "1", "no setting" },
	};
	struct serve_settings s;
	struct fault fault;
	char path[32], where[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file(path, rows[i].text);
		snprintf(where, sizeof(where), "%s:%s", path, rows[i].line);
		expect_refused(&s, READ(&s, &fault, NO_ENVIRONMENT, "--config", path), &fault, where, rows[i].part);
		unlink(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults), cmocka_unit_test(precedence),    cmocka_unit_test(refused),
		cmocka_unit_test(mail),	    cmocka_unit_test(refused_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
