/*
 * The way back from a backup. The copy is checked whole before anything in the folder is touched; the folder's lock is
 * held all the while, so no daemon has it open.
 *
 *	store.db.part      being copied; nothing else has changed
 *	store.db.restored  whole and on the disk. From here on the old store goes aside, and a daemon that is started
 *	                   refuses the folder (sqlite_open.c): in between there is a moment without any store.db, which
 *	                   it would take for a fresh folder
 *	store.db           done
 *
 * A restore that was ended in between is done once more; nothing has to be cleaned up.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/sqlite_verify.h"

#define CHUNK (256 * 1024)

static int system_fault(struct fault *fault, const char *path, const char *call)
{
	fault_set(fault, errno == ENOSPC ? "disk_full" : "cannot_write", "", "%s: %s: %s; %s", path, call,
		  strerror(errno), errno == ENOSPC ? "free space there" : "check the folder, its owner and its disk");
	return errno == ENOSPC ? ERR_FULL : ERR_SYSTEM;
}

static char *within(const char *dir, const char *name)
{
	struct buf path;

	buf_init(&path, 8192);
	buf_addf(&path, "%s/%s", dir, name);
	return buf_take(&path);
}

static int copy_bytes(int from, int to, const char *path, struct fault *fault)
{
	char *chunk = mem_alloc(CHUNK);
	ssize_t n, written = 0;

	while ((n = read(from, chunk, CHUNK)) > 0)
		for (ssize_t at = 0; at < n; at += written)
			if ((written = write(to, chunk + at, (size_t)(n - at))) < 0) {
				mem_free(chunk);
				return system_fault(fault, path, "write");
			}
	mem_free(chunk);
	return n < 0 ? system_fault(fault, path, "read") : 0;
}

static int copy_file(const char *file, const char *path, struct fault *fault)
{
	int from = open(file, O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int err = from < 0 ? system_fault(fault, file, "open") : to < 0 ? system_fault(fault, path, "open") : 0;

	if (!err)
		err = copy_bytes(from, to, path, fault);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return err;
}

/* The copy becomes a store again: without what made it a copy. SQLite syncs it. */
static int make_store(const char *path, struct fault *fault)
{
	struct sqlite_store *s = sqlite_reading(path, NULL);
	int rc = sqlite_connect(s, SQLITE_OPEN_READWRITE);

	if (rc == SQLITE_OK)
		rc = sqlite_execute(s, "PRAGMA synchronous = FULL; DROP TABLE backup");
	if (rc == SQLITE_OK) {
		int fd = open(path, O_RDWR | O_CLOEXEC);

		if (fd < 0 || fsync(fd) != 0)
			rc = SQLITE_IOERR_FSYNC;
		if (fd >= 0)
			close(fd);
	}
	rc = sqlite_fault(s, rc, fault);
	sqlite_close_any(&s);
	return rc;
}

/* --- the folder --- */

static int rename_within(const char *dir, const char *from, const char *to, struct fault *fault)
{
	char *old = within(dir, from), *new = within(dir, to);
	int err = 0;

	if (rename(old, new) != 0 && errno != ENOENT)
		err = system_fault(fault, old, "rename");
	mem_free(old);
	mem_free(new);
	return err;
}

/* The database goes first: what is left of it without its WAL is never taken for a store. */
static int put_aside(const char *dir, const char *kept, struct fault *fault)
{
	static const char *const files[] = { "store.db", "store.db-wal", "store.db-shm" };
	char *folder = within(dir, kept);
	int err = mkdir(folder, 0700) == 0 || errno == EEXIST ? 0 : system_fault(fault, folder, "mkdir");

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !err; i++) {
		char to[128];

		snprintf(to, sizeof(to), "%s/%s", kept, files[i]);
		err = rename_within(dir, files[i], to, fault);
	}
	if (!err)
		err = sqlite_sync_folder(folder, fault);
	mem_free(folder);
	return err ? err : sqlite_sync_folder(dir, fault);
}

static bool has(const char *dir, const char *name)
{
	char *path = within(dir, name);
	bool there = access(path, F_OK) == 0;

	mem_free(path);
	return there;
}

/* "replaced-20261122T031500Z" */
static void name_kept(int64_t now_ms, char ret[64])
{
	struct civil c = civil_from_days(now_ms / 86400000);
	int second = (int)(now_ms / 1000 % 86400);

	snprintf(ret, 64, "replaced-%04d%02d%02dT%02d%02d%02dZ", (int)c.year, c.month, c.day, second / 3600,
		 second / 60 % 60, second % 60);
}

static int swap(const char *dir, int64_t now_ms, char kept[64], struct fault *fault)
{
	int err = rename_within(dir, "store.db.part", RESTORED_NAME, fault);

	if (!err)
		err = sqlite_sync_folder(dir, fault);
	if (!err && (has(dir, "store.db") || has(dir, "store.db-wal"))) {
		name_kept(now_ms, kept);
		err = put_aside(dir, kept, fault);
	}
	if (!err)
		err = rename_within(dir, RESTORED_NAME, "store.db", fault);
	return err ? err : sqlite_sync_folder(dir, fault);
}

/* A restore that was killed leaves its copy, and the journal of it: SQLite would undo by that what it finds in ours. */
static void clear(const char *dir)
{
	static const char *const files[] = { "store.db.part", "store.db.part-journal" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = within(dir, files[i]);

		unlink(path);
		mem_free(path);
	}
}

static int may_replace(const char *dir, bool replace, struct fault *fault)
{
	if (replace || !(has(dir, "store.db") || has(dir, RESTORED_NAME)))
		return 0;
	fault_set(fault, "exists", "",
		  "%s: has a store already; name an empty folder, or give --force, which keeps the old one aside", dir);
	return ERR_EXISTS;
}

static int restore_locked(const char *file, const char *dir, bool replace, int64_t now_ms, char kept[64],
			  struct fault *fault)
{
	int err = may_replace(dir, replace, fault);
	char *part = within(dir, "store.db.part");

	if (!err) {
		clear(dir);
		err = copy_file(file, part, fault);
		if (!err)
			err = make_store(part, fault);
		if (err)
			clear(dir);
	}
	mem_free(part);
	return err ? err : swap(dir, now_ms, kept, fault);
}

int backup_restore(const char *file, const char *dir, bool replace, int64_t now_ms, char ret_kept[64],
		   struct backup_mark *ret_mark, struct backup_verdict *ret_verdict, struct fault *fault)
{
	int lock = -1, err = backup_check(file, ret_mark, ret_verdict, fault);

	ret_kept[0] = '\0';
	if (!err)
		err = sqlite_make_folder(dir, fault);
	if (!err)
		err = sqlite_lock_folder(dir, &lock, fault);
	if (!err)
		err = restore_locked(file, dir, replace, now_ms, ret_kept, fault);
	if (lock >= 0)
		close(lock);
	return err;
}
