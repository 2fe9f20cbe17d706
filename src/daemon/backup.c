/*
 * The commands around store/backup.h. They work on the folder themselves and ask no daemon, so that they do what they
 * are for also when it does not start any more; what they print is for the log of a nightly job, one line a fact.
 */
#include "daemon/backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/option.h"
#include "base/text.h"
#include "store/backup.h"

struct backup_words {
	const char *data;
	bool force, check;
};

static const char backup_about[] =
	"usage: postrider backup [--data DIR] [--force] FILE\n"
	"       postrider backup --check FILE\n\n"
	"Copies the store, all of it, into FILE: while the daemon works or while it does not. FILE appears when it is "
	"whole\n"
	"and was read back; it holds every secret that the store has.\n\n";

static const char restore_about[] =
	"usage: postrider restore [--force] FILE --data DIR\n\n"
	"Makes DIR's store the one of FILE, which `postrider backup` has written. The daemon must not be running on "
	"DIR.\n\n";

/* --- telling --- */

static void print_time(FILE *out, int64_t ms)
{
	struct buf text;

	buf_init(&text, 64);
	time_add_iso(&text, ms / 1000);
	fputs(buf_str(&text), out);
	buf_free(&text);
}

static void tell(const char *file, const struct backup_mark *m, const struct backup_verdict *v)
{
	printf("%s: a backup of ", file);
	print_time(stdout, m->made_ms);
	printf(" by postrider %s, schema %" PRId64 "\n", m->version, m->schema);
	printf("  %.1f MB, %" PRId64 " log rows up to seq %" PRId64 ", %" PRId64 " objects\n", (double)v->bytes / 1e6,
	       v->log_rows, m->last_seq, v->objects);
	printf("  %" PRId64 " deliveries wait in it, %" PRId64 " events above the floor (seq %" PRId64 ")\n",
	       m->waiting, m->open_events, m->floor);
	if (v->damaged > 0)
		printf("  damaged: %" PRId64 " rows, first the %s; each is lost by itself, all others are sound\n",
		       v->damaged, v->first);
	else
		printf("  sound: structure and the checksum of every row\n");
}

static int failed(const char *command, const struct fault *fault, int code)
{
	fprintf(stderr, "postrider %s: %s%s%s\n", command, fault->param, fault->param[0] ? ": " : "", fault->message);
	return code;
}

static int missing(const char *command, const char *what)
{
	fprintf(stderr, "postrider %s: %s is missing - `postrider help %s` shows how\n", command, what, command);
	return 2;
}

/* --- backup --- */

static const char *default_data(void)
{
	const char *state = getenv("STATE_DIRECTORY");

	return state && state[0] ? state : "/var/lib/postrider";
}

static int check_file(const char *file)
{
	struct backup_verdict verdict;
	struct backup_mark mark;
	struct fault fault = NO_FAULT;

	if (backup_check(file, &mark, &verdict, &fault))
		return failed("backup", &fault, 1);
	tell(file, &mark, &verdict);
	return verdict.damaged > 0;
}

static int make_file(const struct backup_words *w, const char *file)
{
	struct backup_options options = { .version = POSTRIDER_VERSION,
					  .now_ms = clock_wall_ms(),
					  .replace = w->force };
	struct backup_verdict verdict;
	struct backup_mark mark;
	struct fault fault = NO_FAULT;

	umask(0077);
	if (backup_make(w->data, file, &options, &mark, &verdict, &fault))
		return failed("backup", &fault, 1);
	tell(file, &mark, &verdict);
	return verdict.damaged > 0;
}

int cmd_backup(int argc, char **argv)
{
	struct backup_words w = { .data = default_data() };
	const struct option_row rows[] = {
		{ "--data", "DIR", "the daemon's data folder", OPTION_TEXT, &w.data, 0, 0, "POSTRIDER_DATA" },
		{ "--force", NULL, "FILE may be there already: it is replaced when the new one is whole", OPTION_FLAG,
		  &w.force, 0, 0, NULL },
		{ "--check", NULL, "read FILE, a backup, and tell what it is of and whether it is sound", OPTION_FLAG,
		  &w.check, 0, 0, NULL },
	};
	const size_t row_count = sizeof(rows) / sizeof(rows[0]);
	const char *file = NULL;
	struct fault fault = NO_FAULT;
	int rc = options_read(rows, row_count, argc, argv, &file, 1, &fault);

	if (rc == OPTIONS_HELP) {
		fputs(backup_about, stdout);
		options_explain(rows, row_count, stdout);
		return 0;
	}
	if (rc)
		return failed("backup", &fault, 2);
	if (!file)
		return missing("backup", "FILE");
	return w.check ? check_file(file) : make_file(&w, file);
}

/* --- restore --- */

static void tell_restored(const char *dir, const char *kept, const struct backup_mark *m)
{
	printf("restored: %s is as of ", dir);
	print_time(stdout, m->made_ms);
	printf("; nothing that was accepted later is in it\n");
	if (kept[0])
		printf("kept: the store that was there is in %s/%s; delete it when it is not needed any more\n", dir,
		       kept);
	printf("at the next start: %" PRId64 " deliveries that waited then go on, and of %" PRId64
	       " events those are sent that were\n"
	       "not yet delivered then; what was delivered after that moment is so delivered once more, with the same "
	       "webhook-id\n",
	       m->waiting, m->open_events);
}

int cmd_restore(int argc, char **argv)
{
	const char *file = NULL, *data = NULL;
	bool force = false;
	const struct option_row rows[] = {
		{ "--data", "DIR", "the data folder; made when it is missing", OPTION_TEXT, &data, 0, 0, NULL },
		{ "--force", NULL, "DIR has a store already: it is kept aside, in a folder inside DIR", OPTION_FLAG,
		  &force, 0, 0, NULL },
	};
	const size_t row_count = sizeof(rows) / sizeof(rows[0]);
	struct backup_verdict verdict;
	struct backup_mark mark;
	struct fault fault = NO_FAULT;
	char kept[64];
	int rc = options_read(rows, row_count, argc, argv, &file, 1, &fault);

	if (rc == OPTIONS_HELP) {
		fputs(restore_about, stdout);
		options_explain(rows, row_count, stdout);
		return 0;
	}
	if (rc)
		return failed("restore", &fault, 2);
	if (!file || !data)
		return missing("restore", file ? "--data DIR" : "FILE");
	umask(0077);
	if (backup_restore(file, data, force, clock_wall_ms(), kept, &mark, &verdict, &fault))
		return failed("restore", &fault, 1);
	tell(file, &mark, &verdict);
	tell_restored(data, kept, &mark);
	return verdict.damaged > 0;
}
