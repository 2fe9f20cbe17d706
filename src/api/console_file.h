/* The files of the console as they are in the binary; made of the folder console/ by scripts/embed.py. */
#ifndef API_CONSOLE_FILE_H
#define API_CONSOLE_FILE_H

#include <stddef.h>

struct console_file {
	const char *name;	/* "app.js" */
	const char *type;	/* of the content */
	const char *etag;	/* of the content, with its quotes */
	const char *gzip;	/* the content, compressed: every browser takes that */
	size_t gzip_size, size; /* size: of the content itself */
};

/* Sorted by name; a row of zeroes ends it. */
extern const struct console_file console_files[];

#endif
