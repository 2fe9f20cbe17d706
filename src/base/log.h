/*
 * Structured log lines: `2026-11-21T10:00:00.123Z info delivered endpoint=crm code=200 ms=12`. One line per outcome.
 * Low layers never log; who decides logs, once. Values are quoted when they need it, control bytes never reach the
 * terminal, secrets and URLs beyond the host never go in.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log; /* thread-safe: a line is one write(2) */

/* Writes to fd, which stays the caller's. */
struct log *log_new(int fd, enum log_level least);
void log_free(struct log **l);
/* From now on; any thread. */
void log_set_level(struct log *l, enum log_level least);

struct log_field {
	const char *name;
	struct slice text; /* used when text.p is not NULL */
	int64_t number;	   /* otherwise */
};
/* A function below the macro: `s ? s : ""` of an array is a warning. */
static inline struct log_field log_field_str(const char *name, const char *s)
{
	return (struct log_field){ name, slice_str(s ? s : ""), 0 };
}
#define LOG_STR(name, s)   log_field_str((name), (s))
#define LOG_SLICE(name, s) ((struct log_field){ (name), (s).p ? (s) : slice_str(""), 0 })
#define LOG_INT(name, i)   ((struct log_field){ (name), { NULL, 0 }, (i) })

/* what: a constant phrase, `endpoint disabled`. l may be NULL: nothing is written. */
void log_fields(struct log *l, enum log_level level, const char *what, const struct log_field *fields, size_t count);
/* log_info(l, "listening", LOG_STR("address", a), LOG_INT("port", p)) */
#define LOG_LINE(l, level, what, ...)                                                                                  \
	log_fields((l), (level), (what), (const struct log_field[]){ __VA_ARGS__ },                                    \
		   sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))
#define log_info(l, what, ...)	LOG_LINE(l, LOG_INFO, what, __VA_ARGS__)
#define log_warn(l, what, ...)	LOG_LINE(l, LOG_WARN, what, __VA_ARGS__)
#define log_error(l, what, ...) LOG_LINE(l, LOG_ERROR, what, __VA_ARGS__)

#endif
