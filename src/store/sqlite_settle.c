/*
 * What a process reads after a failed fsync is not always what the disk holds: the kernel may have marked the pages
 * that it could not write as clean and go on to serve them from memory, and the next fsync says OK ("fsyncgate"). A
 * store reopened on such pages would recover commits from the WAL that a power cut can still take away, append to them,
 * and acknowledge: then the cut takes what was acknowledged too, because a WAL ends at its first unsound frame.
 *
 * So before the database is opened, all bytes of the WAL and the first page of the database file are written once more
 * as they are read, and synced: what is seen from here on is on the disk. (The database's other pages need nothing:
 * until a checkpoint's fsync succeeded, all of them are in the WAL, and the handle that saw it fail never made another
 * checkpoint.) Writing the same bytes harms nothing, wherever a power cut stops it. After a clean stop there is no WAL.
 */
#include "store/sqlite_impl.h"

#include "base/mem.h"

/*
 * SQLite's unix VFS takes the length of a read or write modulo 128
 * KiB: a longer one would write nothing and look like a full disk.
 */
#define SETTLE_CHUNK (64 * 1024)
#define FIRST_PAGE   8192

/* One file, opened as SQLite opens it, by whatever VFS the store is on. */
static int rewrite_open_file(sqlite3_file *file, int64_t limit)
{
	char *chunk = mem_alloc(SETTLE_CHUNK);
	sqlite3_int64 size = 0;
	int rc = file->pMethods->xFileSize(file, &size);

	if (size > limit)
		size = limit;
	for (sqlite3_int64 at = 0, n; rc == SQLITE_OK && at < size; at += n) {
		n = size - at < SETTLE_CHUNK ? size - at : SETTLE_CHUNK;
		rc = file->pMethods->xRead(file, chunk, (int)n, at);
		if (rc == SQLITE_OK)
			rc = file->pMethods->xWrite(file, chunk, (int)n, at);
	}
	if (rc == SQLITE_OK && size > 0)
		rc = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
	mem_free(chunk);
	return rc;
}

static int rewrite(sqlite3_vfs *vfs, const char *path, int64_t limit)
{
	sqlite3_file *file;
	int exists = 0, flags, rc;

	rc = vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &exists);
	if (rc != SQLITE_OK || !exists)
		return rc;
	file = mem_zalloc((size_t)vfs->szOsFile);
	/* as a WAL, the kind of file that SQLite itself takes no locks on */
	rc = vfs->xOpen(vfs, path, file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_WAL, &flags);
	if (rc == SQLITE_OK)
		rc = rewrite_open_file(file, limit);
	if (file->pMethods)
		file->pMethods->xClose(file);
	mem_free(file);
	return rc;
}

static int settle(sqlite3_vfs *vfs, const char *path, const char *wal)
{
	int rc = rewrite(vfs, path, FIRST_PAGE);

	return rc == SQLITE_OK ? rewrite(vfs, wal, INT64_MAX) : rc;
}

int sqlite_settle(const char *path, const char *vfs_name, struct fault *fault)
{
	struct sqlite_store nameless = { .path = (char *)path };
	sqlite3_vfs *vfs = sqlite3_vfs_find(vfs_name);
	struct buf wal;
	int rc = SQLITE_CANTOPEN;

	buf_init(&wal, 8192);
	buf_addf(&wal, "%s-wal", path);
	if (vfs)
		rc = settle(vfs, path, buf_str(&wal));
	buf_free(&wal);
	return sqlite_fault(&nameless, rc, fault);
}

static int make_and_delete(sqlite3_vfs *vfs, const char *path)
{
	sqlite3_file *file = mem_zalloc((size_t)vfs->szOsFile);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_SUPER_JOURNAL;
	int rc = vfs->xOpen(vfs, path, file, flags, &flags);

	if (file->pMethods)
		file->pMethods->xClose(file);
	mem_free(file);
	return rc == SQLITE_OK ? vfs->xDelete(vfs, path, 1) : rc;
}

int sqlite_sync_names(struct sqlite_store *s, struct fault *fault)
{
	struct buf path;
	int rc;

	buf_init(&path, 8192);
	buf_addf(&path, "%s-passing", s->path);
	rc = make_and_delete(sqlite3_vfs_find(s->vfs), buf_str(&path));
	buf_free(&path);
	return sqlite_fault(s, rc, fault);
}
