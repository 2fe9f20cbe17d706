/*
 * Reading command lines. The rows say what an option takes, so that there is one refusal for
 * each kind of mistake and it can always say what would have been right. Not getopt_long:
 * its messages name neither value nor range, and its tables do not explain themselves.
 */
#include "base/option.h"

#include <stdlib.h>

#include "base/text.h"

static int option_refuse(const struct option_row *row, const char *value, const char *wants, struct fault *fault)
{
	return fault_set(fault, "invalid_param", row->name, "%s takes %s, not '%s'", row->name, wants, value);
}

static int number_set(const struct option_row *row, const char *value, struct fault *fault)
{
	char wants[80];
	long long number;

	if (slice_to_i64(slice_str(value), &number) && number >= row->least && number <= row->most) {
		*(int64_t *)row->target = number;
		return 0;
	}
	snprintf(wants, sizeof(wants), "a number from %lld to %lld", (long long)row->least, (long long)row->most);
	return option_refuse(row, value, wants, fault);
}

static int share_set(const struct option_row *row, const char *value, struct fault *fault)
{
	char *end;
	double share = strtod(value, &end);

	if (end == value || *end != '\0' || !(share >= 0 && share <= 1))
		return option_refuse(row, value, "a share from 0 to 1, as 0.1", fault);
	*(double *)row->target = share;
	return 0;
}

static int option_set(const struct option_row *row, const char *value, struct fault *fault)
{
	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)row->target = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)row->target = value;
		return 0;
	case OPTION_NUMBER:
		return number_set(row, value, fault);
	case OPTION_DURATION:
		if (duration_read(slice_str(value), row->target))
			return 0;
		return option_refuse(row, value, "a duration, as 250ms, 10s, 5m", fault);
	case OPTION_SHARE:
		return share_set(row, value, fault);
	}
	return ERR_INVALID;
}

static int variables_read(const struct option_row *rows, size_t row_count, struct fault *fault)
{
	for (size_t i = 0; i < row_count; i++) {
		const char *value = rows[i].variable ? getenv(rows[i].variable) : NULL;

		if (value && *value && option_set(&rows[i], value, fault) != 0)
			return ERR_INVALID;
	}
	return 0;
}

static const struct option_row *row_find(const struct option_row *rows, size_t row_count, struct slice name)
{
	for (size_t i = 0; i < row_count; i++)
		if (slice_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

/* The option at argv[*at]; moves *at to its last word. */
static int option_take(const struct option_row *rows, size_t row_count, int argc, char **argv, int *at,
		       struct fault *fault)
{
	struct slice word = slice_str(argv[*at]), name = slice_of(word.p, slice_find(word, '='));
	const struct option_row *row = row_find(rows, row_count, name);
	const char *value = name.n < word.n ? word.p + name.n + 1 : NULL;

	if (!row)
		return fault_set(fault, "invalid_param", argv[*at], "there is no option %.*s; --help lists them",
				 SLICE_ARG(name));
	if (row->kind == OPTION_FLAG)
		return value ? option_refuse(row, value, "no value", fault) : option_set(row, "", fault);
	if (!value && *at + 1 < argc)
		value = argv[++*at];
	if (!value)
		return fault_set(fault, "invalid_param", row->name, "%s needs a value: %s %s", row->name, row->name,
				 row->argument);
	return option_set(row, value, fault);
}

int options_read(const struct option_row *rows, size_t row_count, int argc, char **argv, const char **positional,
		 size_t positional_max, struct fault *fault)
{
	bool options_over = false;
	size_t found = 0;
	int rc = variables_read(rows, row_count, fault);

	for (size_t i = 0; i < positional_max; i++)
		positional[i] = NULL;
	for (int at = 1; at < argc && rc == 0; at++) {
		struct slice word = slice_str(argv[at]);

		if (!options_over && (slice_is(word, "--help") || slice_is(word, "-h")))
			return OPTIONS_HELP;
		if (!options_over && slice_is(word, "--"))
			options_over = true;
		else if (!options_over && word.n > 1 && word.p[0] == '-')
			rc = option_take(rows, row_count, argc, argv, &at, fault);
		else if (found < positional_max)
			positional[found++] = argv[at];
		else
			rc = fault_set(fault, "invalid_param", argv[at],
				       "'%s' is one argument too many; --help shows the usage", argv[at]);
	}
	return rc;
}

void options_explain(const struct option_row *rows, size_t row_count, FILE *out)
{
	int widest = 0, width;

	for (size_t i = 0; i < row_count; i++) {
		width = (int)(strlen(rows[i].name) + (rows[i].argument ? 1 + strlen(rows[i].argument) : 0));
		widest = width > widest ? width : widest;
	}
	for (size_t i = 0; i < row_count; i++) {
		width = fprintf(out, "  %s%s%s", rows[i].name, rows[i].argument ? " " : "",
				rows[i].argument ? rows[i].argument : "");
		fprintf(out, "%*s%s", widest + 4 - width, "", rows[i].help);
		if (rows[i].variable)
			fprintf(out, " [%s]", rows[i].variable);
		fputc('\n', out);
	}
}
