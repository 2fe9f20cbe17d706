/*
 * Command lines as tables: one row an option, read and explained from the same row. `--name VALUE` and `--name=VALUE`
 * are the same; `--` ends the options; whatever else does not begin with a dash is a positional argument. A variable
 * named in the row is read first, so that the command line wins over the environment.
 */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include <stdint.h>
#include <stdio.h>

#include "base/fault.h"
#include "base/slice.h"

enum option_kind {
	OPTION_FLAG,	 /* bool */
	OPTION_TEXT,	 /* const char *: points into argv or the environment */
	OPTION_NUMBER,	 /* int64_t within [least, most] */
	OPTION_DURATION, /* int64_t, milliseconds */
	OPTION_SHARE,	 /* double within [0, 1] */
};

struct option_row {
	const char *name;     /* "--port" */
	const char *argument; /* how the help calls the value, "N"; NULL for a flag */
	const char *help;     /* one line */
	enum option_kind kind;
	void *target; /* holds the default before options_read */
	int64_t least, most;
	const char *variable; /* of the environment, or NULL */
};

#define OPTIONS_HELP 1 /* --help or -h was asked for */

/*
 * Reads argv[1..] into the rows' targets and up to positional_max other arguments into positional (left NULL when
 * absent). 0; OPTIONS_HELP, nothing more was read; ERR_INVALID, and the fault names the option and what it takes.
 */
int options_read(const struct option_row *rows, size_t row_count, int argc, char **argv, const char **positional,
		 size_t positional_max, struct fault *fault);
/* The rows, aligned, one a line. */
void options_explain(const struct option_row *rows, size_t row_count, FILE *out);

#endif
