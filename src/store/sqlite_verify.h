/* Is all of a store as it was written? For sqlite_*.c only. */
#ifndef STORE_SQLITE_VERIFY_H
#define STORE_SQLITE_VERIFY_H

#include "store/backup.h"
#include "store/sqlite_impl.h"

/* SQLite's check of the structure. quick: without looking up each row in its indexes. */
int sqlite_structure(struct sqlite_store *s, bool quick, struct fault *fault);
/* That, and every row's checksum, of the tables that this schema has. */
int sqlite_verify(struct sqlite_store *s, int64_t schema, struct backup_verdict *ret, struct fault *fault);
/* What a copy says of itself, in its table `backup`. ERR_INVALID when it is none. */
int sqlite_mark_read(struct sqlite_store *s, struct backup_mark *ret, struct fault *fault);

#endif
