/* What scripts/embed.py makes of the files in presets/. */
#ifndef DIALECT_PRESET_FILE_H
#define DIALECT_PRESET_FILE_H

#include <stddef.h>

struct preset_file {
	const char *name; /* without the extension */
	const char *text;
	size_t size;
};

/* In the order of the names; ends with a row whose name is NULL. */
extern const struct preset_file preset_files[];

#endif
