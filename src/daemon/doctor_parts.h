/* Between the files of the doctor: what a check is given, and how it says what it saw. For doctor*.c only. */
#ifndef DAEMON_DOCTOR_PARTS_H
#define DAEMON_DOCTOR_PARTS_H

#include <stdarg.h>

#include "base/json.h"
#include "daemon/settings.h"

struct doctor {
	const struct serve_settings *settings;
	const char *mail_to;	  /* NULL: no mail is sent */
	struct json_writer *json; /* NULL: lines for people */
	int ok, warn, fail;
};

/* What was seen; for `bad` and `wary` with the cure, which is a whole sentence without its full stop. */
void doctor_fine(struct doctor *d, const char *check, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void doctor_wary(struct doctor *d, const char *check, const char *cure, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void doctor_bad(struct doctor *d, const char *check, const char *cure, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* doctor_data.c: the folder, its disk, the store in it; and the clock, because the store remembers a time. */
void doctor_folder(struct doctor *d);
void doctor_disk(struct doctor *d);
void doctor_store(struct doctor *d);

/* doctor_host.c */
void doctor_clock(struct doctor *d);
void doctor_files(struct doctor *d);
void doctor_memory(struct doctor *d);
void doctor_zones(struct doctor *d);
void doctor_certificate(struct doctor *d);

/* doctor_net.c */
void doctor_listen(struct doctor *d);
void doctor_guard(struct doctor *d);
void doctor_names(struct doctor *d);
void doctor_mail(struct doctor *d);

#endif
