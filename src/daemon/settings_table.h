/*
 * The table of settings, one row each: what reads them (settings.c), what explains them to people, and what shows them
 * as they are in force go by it and know no setting by name.
 */
#ifndef DAEMON_SETTINGS_TABLE_H
#define DAEMON_SETTINGS_TABLE_H

#include "base/slice.h"
#include "daemon/settings.h"

enum setting_kind {
	SETTING_TEXT,
	SETTING_LIST,	/* struct text_list; given several times */
	SETTING_NUMBER, /* int64_t */
	SETTING_SIZE,	/* int64_t, bytes, "64M" */
	SETTING_CHOICE, /* int: the word's place */
	SETTING_URL,	/* text that has to be an http(s) URL */
};

struct setting {
	const char *name; /* as in the file; --allow-net and POSTRIDER_ALLOW_NET are made of it */
	enum setting_kind kind;
	size_t offset;	      /* of its value in struct serve_settings */
	const char *fallback; /* NULL: unset */
	int64_t least, most;
	const char *words; /* of a choice, in order, with blanks between */
	const char *argument, *help;
	bool reload; /* a SIGHUP takes a new value over; otherwise it needs a restart */
};

/* The i-th row, NULL after the last; there are at most SETTINGS_MAX. */
const struct setting *setting_at(size_t i);
const struct setting *setting_find(struct slice name);
/* Its value is not for showing. */
bool setting_is_secret(const struct setting *s);
/* Its place in the table, and in serve_settings.where. */
size_t setting_index(const struct setting *s);

#endif
