/*
 * `postrider doctor`: one line for each thing that the daemon depends on and that an operator can mend. It reads the
 * settings as serve does, and looks at what they name: it works while the daemon does, while it does not, and on a
 * machine where it never did. What it says is what it saw; what could not be looked at is said to be so.
 *
 * The checks are a table; each may say several lines.
 */
#include "daemon/doctor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "daemon/doctor_parts.h"
#include "daemon/parts.h"
#include "daemon/settings_show.h"

#define JSON_MAX ((size_t)256 * 1024)

static const struct check {
	const char *name, *about;
	void (*run)(struct doctor *d);
} checks[] = {
	{ "folder", "the data folder is there and can be written, by nobody else", doctor_folder },
	{ "disk", "room on its disk, the kind of file system, how long an fsync takes", doctor_disk },
	{ "store", "the store can be read and is whole; how large it is", doctor_store },
	{ "clock", "it is kept by somebody, and not before the last thing that the store saw", doctor_clock },
	{ "files", "the limit of open files, against the settings", doctor_files },
	{ "memory", "what there is, also by the control group, against the settings", doctor_memory },
	{ "zones", "the time zones of templates and rules", doctor_zones },
	{ "certificate", "tls_cert and tls_key fit and are valid", doctor_certificate },
	{ "listen", "the address is free, or the daemon answers there", doctor_listen },
	{ "guard", "what may be delivered to", doctor_guard },
	{ "names", "a name server answers", doctor_names },
	{ "mail", "the mail server takes us; no mail is sent without --mail-to", doctor_mail },
};
#define CHECK_COUNT (sizeof(checks) / sizeof(checks[0]))

/* --- saying --- */

enum level { LEVEL_OK, LEVEL_WARN, LEVEL_FAIL };

static void say_line(enum level level, const char *check, const char *seen, const char *cure)
{
	static const char *const words[] = { "OK  ", "WARN", "FAIL" };

	printf("%s  %-11s  %s%s%s\n", words[level], check, seen, cure ? " - " : "", cure ? cure : "");
	fflush(stdout);
}

static void say_json(struct json_writer *w, enum level level, const char *check, const char *seen, const char *cure)
{
	static const char *const words[] = { "ok", "warn", "fail" };

	json_begin_object(w);
	json_member_str(w, "check", check);
	json_member_str(w, "level", words[level]);
	json_member_str(w, "seen", seen);
	json_member_str(w, "cure", cure);
	json_end_object(w);
}

static void say(struct doctor *d, enum level level, const char *check, const char *cure, const char *fmt, va_list args)
	__attribute__((format(printf, 5, 0)));

static void say(struct doctor *d, enum level level, const char *check, const char *cure, const char *fmt, va_list args)
{
	char seen[700];

	vsnprintf(seen, sizeof(seen), fmt, args);
	for (char *p = seen; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	d->ok += level == LEVEL_OK;
	d->warn += level == LEVEL_WARN;
	d->fail += level == LEVEL_FAIL;
	if (d->json)
		say_json(d->json, level, check, seen, cure);
	else
		say_line(level, check, seen, cure);
}

void doctor_fine(struct doctor *d, const char *check, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(d, LEVEL_OK, check, NULL, fmt, args);
	va_end(args);
}

void doctor_wary(struct doctor *d, const char *check, const char *cure, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(d, LEVEL_WARN, check, cure, fmt, args);
	va_end(args);
}

void doctor_bad(struct doctor *d, const char *check, const char *cure, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(d, LEVEL_FAIL, check, cure, fmt, args);
	va_end(args);
}

/* --- the command --- */

static void help(void)
{
	printf("usage: postrider doctor [--json] [--mail-to ADDR] [OPTION of serve]...\n\n"
	       "Looks at what the daemon depends on, one line each: OK, WARN or FAIL, what was seen, and the cure. It "
	       "reads the\nsettings as serve does; run it as the daemon's user. 0: nothing fails; 1: something does; "
	       "2: a setting is wrong.\n\n"
	       "  --json          one JSON object instead of lines\n"
	       "  --mail-to ADDR  send a mail to ADDR, to see it arrive\n\n"
	       "What is looked at:\n\n");
	for (size_t i = 0; i < CHECK_COUNT; i++)
		printf("  %-11s  %s\n", checks[i].name, checks[i].about);
}

struct words {
	bool json, help;
	const char *mail_to;
	int argc;
	char **argv; /* what is left is for the settings */
};

static void words_read(struct words *w, int argc, char **argv)
{
	w->argv = mem_zalloc(((size_t)argc + 1) * sizeof(char *));
	for (int i = 0; i < argc; i++) {
		if (i > 0 && strcmp(argv[i], "--json") == 0)
			w->json = true;
		else if (i > 0 && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0))
			w->help = true;
		else if (i > 0 && i + 1 < argc && strcmp(argv[i], "--mail-to") == 0)
			w->mail_to = argv[++i];
		else
			w->argv[w->argc++] = argv[i];
	}
}

/* What the start makes of settings beside what the other checks look at. */
static int make_parts(const struct serve_settings *s, struct fault *fault)
{
	char *key = NULL, *ancestors = NULL;
	int err = parts_admin_key(s, &key, fault);

	if (!err)
		err = settings_frame_ancestors(s, &ancestors, fault);
	parts_secret_free(key);
	mem_free(ancestors);
	return err;
}

static void examine(struct doctor *d, const struct words *w, struct serve_settings *settings, int *ret_code)
{
	struct fault fault = NO_FAULT;

	if (settings_read(settings, w->argc, w->argv, environ, &fault)) {
		doctor_bad(d, "settings", "mend it, then look again", "%s: %s", fault.param, fault.message);
		*ret_code = 2;
		return;
	}
	if (make_parts(settings, &fault))
		doctor_bad(d, "settings", "mend it, or the daemon does not start", "%s: %s", fault.param,
			   fault.message);
	else
		doctor_fine(d, "settings", "%s",
			    settings->config ? settings->config : "no file, all by options and variables");
	for (size_t i = 0; i < CHECK_COUNT; i++)
		checks[i].run(d);
	*ret_code = d->fail > 0;
}

static void print_json(struct json_writer *w, const struct doctor *d, const struct buf *text)
{
	json_end_array(w);
	json_member_i64(w, "ok", d->ok);
	json_member_i64(w, "warn", d->warn);
	json_member_i64(w, "fail", d->fail);
	json_end_object(w);
	printf("%.*s\n", (int)text->n, text->p);
}

int cmd_doctor(int argc, char **argv)
{
	struct serve_settings settings = { .config = NULL };
	struct doctor d = { .settings = &settings };
	struct words words = { .json = false };
	struct json_writer w;
	struct buf text;
	int code = 0;

	words_read(&words, argc, argv);
	if (words.help) {
		mem_free(words.argv);
		help();
		return 0;
	}
	buf_init(&text, JSON_MAX);
	json_writer_init(&w, &text);
	d.mail_to = words.mail_to;
	if (words.json) {
		d.json = &w;
		json_begin_object(&w);
		json_key(&w, "checks");
		json_begin_array(&w);
	}
	examine(&d, &words, &settings, &code);
	if (words.json)
		print_json(&w, &d, &text);
	else
		printf("\n%d fine, %d to look at, %d to mend\n", d.ok, d.warn, d.fail);
	buf_free(&text);
	settings_free(&settings);
	mem_free(words.argv);
	return code;
}
