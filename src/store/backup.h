/*
 * A store's copy for keeping, in one file, made while the daemon works or while it does not, and the way back from it.
 * Everything that a data folder knows is in it: events, attempts, what waits, dead letters, settings, keys and secrets,
 * objects, and the index for search. (What else lies in the folder is the lock, and what SQLite keeps while it works.)
 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

/* What a copy is of, written into it. */
struct backup_mark {
	char version[32]; /* of the postrider that made it */
	int64_t made_ms;  /* Unix time; the copy holds what was committed before, and nothing since */
	int64_t schema, last_seq, floor;
	int64_t open_events; /* above the floor: after a restore they are looked at again, and sent where nothing tells
				that they were delivered */
	int64_t waiting;     /* deliveries that wait for their turn or a retry */
};

struct backup_verdict {
	int64_t log_rows, objects, bytes;
	int64_t damaged; /* rows whose checksum does not fit; the store had them so, each costs itself alone */
	char first[120]; /* the first of them */
};

struct backup_options {
	const char *version;
	int64_t now_ms;
	bool replace; /* a file of that name may be there already */
};

/*
 * Copies the store of folder dir into file, which appears when it is whole, was read back and is on the disk. The copy
 * is of one moment, whatever is committed meanwhile. ERR_EXISTS when there is such a file.
 */
int backup_make(const char *dir, const char *file, const struct backup_options *options, struct backup_mark *ret_mark,
		struct backup_verdict *ret_verdict, struct fault *fault);
/* Reads all of a copy: SQLite's own check of the whole structure, and the checksum of each row. */
int backup_check(const char *file, struct backup_mark *ret_mark, struct backup_verdict *ret_verdict,
		 struct fault *fault);
/*
 * Makes dir's store the one of the copy. ERR_BUSY when a daemon has it open; ERR_EXISTS when it has a store and not
 * `replace`: then the old one is kept in a folder inside, whose name comes into ret_kept (else it is empty).
 */
int backup_restore(const char *file, const char *dir, bool replace, int64_t now_ms, char ret_kept[64],
		   struct backup_mark *ret_mark, struct backup_verdict *ret_verdict, struct fault *fault);

/* --- for a look at a store that is perhaps in use --- */

struct store_look {
	int64_t schema, last_seq, floor, waiting, dead, bytes, wal_bytes;
	int64_t last_ms; /* time of the last log row, 0 when there is none */
};
/* Reads only. quick: asks SQLite for its check of the structure, too, without indexes. ERR_NOT_FOUND: no store. */
int store_peek(const char *dir, bool quick, struct store_look *ret, struct fault *fault);

#endif
