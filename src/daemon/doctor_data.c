/*
 * The doctor's look at the data folder. Whether it can be written is tried, with a file that is gone again, because
 * rights, quotas and read-only mounts are only known by that; the same file measures fsync, on which every acceptance
 * waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/doctor_parts.h"
#include "store/backup.h"

#define MB	     1000000.0
#define GB	     1000000000.0
#define ROOM_LEAST   INT64_C(64000000)
#define ROOM_WARN    INT64_C(1000000000)
#define INODES_LEAST 100
#define SYNCS	     21
#define SYNC_SLOW_US 20000
#define WAL_LARGE    INT64_C(512000000)
#define READ_MAX     INT64_C(2000000000) /* a larger store is not read through here */

/* --- the folder --- */

/* ENOENT of the folder is no fault: serve makes it. */
static bool folder_there(struct doctor *d, struct stat *st)
{
	const char *data = d->settings->data;

	errno = 0;
	if (stat(data, st) == 0 && S_ISDIR(st->st_mode))
		return true;
	if (errno == ENOENT)
		doctor_wary(d, "folder", "nothing to do before the first start; else give --data or --config",
			    "%s is not there yet", data);
	else
		doctor_bad(d, "folder", "name a folder that postrider's user can enter", "%s: %s", data,
			   S_ISDIR(st->st_mode) ? strerror(errno) : "is no folder");
	return false;
}

static const char *write_cure(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return "free space there: until there is some, every event is refused with 503";
	case EROFS:
		return "mount it for writing, after a look at the system's log: a disk that fails is often mounted so";
	default:
		return "give the folder to postrider's user, or run doctor as that user";
	}
}

/* The time of one write and its fsync; -1: it failed, and errno says why. */
static int64_t sync_once(int fd)
{
	static const char block[8192] = "postrider doctor";
	int64_t begun = clock_mono_us();

	if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block) || fdatasync(fd) != 0)
		return -1;
	return clock_mono_us() - begun;
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The median of some; -1 when the folder cannot be written. */
static int64_t sync_time(const char *data)
{
	int64_t us[SYNCS];
	char path[4200];
	int fd, error;
	bool whole = true;

	snprintf(path, sizeof(path), "%.4000s/doctor-%ld", data, (long)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	for (int i = 0; i < SYNCS && whole; i++) {
		us[i] = sync_once(fd);
		whole = us[i] >= 0;
	}
	error = errno;
	close(fd);
	unlink(path);
	errno = error;
	if (!whole)
		return -1;
	qsort(us, SYNCS, sizeof(us[0]), by_time);
	return us[SYNCS / 2];
}

void doctor_folder(struct doctor *d)
{
	const char *data = d->settings->data;
	struct stat st = { .st_mode = S_IFDIR };
	int64_t us;

	if (!folder_there(d, &st))
		return;
	if (st.st_mode & 077)
		doctor_wary(d, "folder", "chmod 0700: keys and secrets are in it", "%s is open to others, mode %04o",
			    data, (unsigned)st.st_mode & 07777);
	us = sync_time(data);
	if (us < 0)
		doctor_bad(d, "folder", write_cure(errno), "%s cannot be written: %s", data, strerror(errno));
	else if (us > SYNC_SLOW_US)
		doctor_wary(d, "disk",
			    "use a disk with a write cache that survives a power cut: each commit waits for one",
			    "an fsync takes %.1f ms", (double)us / 1000);
	else
		doctor_fine(d, "folder", "%s can be written; an fsync takes %.2f ms", data, (double)us / 1000);
}

/* --- the disk --- */

static const struct kind {
	unsigned long magic;
	const char *name, *trouble; /* NULL: none */
} kinds[] = {
	{ 0x6969, "nfs", "locks and fsync of network file systems do not keep what a store relies on" },
	{ 0x517b, "smb", "locks and fsync of network file systems do not keep what a store relies on" },
	{ 0xff534d42, "cifs", "locks and fsync of network file systems do not keep what a store relies on" },
	{ 0xfe534d42, "smb2", "locks and fsync of network file systems do not keep what a store relies on" },
	{ 0x01021997, "9p", "what an fsync means is up to the machine below" },
	{ 0x65735546, "fuse", "what an fsync means is up to the program behind it" },
	{ 0x01021994, "tmpfs", "it is memory: all that was accepted is gone after a restart of the machine" },
	{ 0x858458f6, "ramfs", "it is memory: all that was accepted is gone after a restart of the machine" },
	{ 0x794c7630, "overlay", "it is a container's own layer: what was accepted goes with the container" },
	{ 0xef53, "ext4", NULL },
	{ 0x58465342, "xfs", NULL },
	{ 0x9123683e, "btrfs", NULL },
	{ 0x2fc12fc1, "zfs", NULL },
	{ 0xf2f52010, "f2fs", NULL },
};

static const struct kind *kind_of(const char *data)
{
	struct statfs fs;

	if (statfs(data, &fs) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].magic == ((unsigned long)fs.f_type & 0xffffffff))
			return &kinds[i];
	return NULL;
}

static void look_at_room(struct doctor *d, const struct statvfs *v, const char *kind)
{
	int64_t room = (int64_t)v->f_bavail * (int64_t)v->f_frsize, all = (int64_t)v->f_blocks * (int64_t)v->f_frsize;
	double share = all > 0 ? 100.0 * (double)room / (double)all : 0;
	const char *cure = "free space there, or keep less: retention_days, dead_retention_days";

	if (room < ROOM_LEAST)
		doctor_bad(d, "disk", cure, "%s, %.1f MB are free", kind, (double)room / MB);
	else if (room < ROOM_WARN || share < 5)
		doctor_wary(d, "disk", cure, "%s, %.1f GB are free, %.0f %%", kind, (double)room / GB, share);
	else
		doctor_fine(d, "disk", "%s, %.1f GB are free, %.0f %%", kind, (double)room / GB, share);
	if (v->f_files > 0 && v->f_favail < INODES_LEAST)
		doctor_bad(d, "disk", "delete files on it: a new file cannot be made without one",
			   "%llu inodes are free", (unsigned long long)v->f_favail);
}

void doctor_disk(struct doctor *d)
{
	const struct kind *kind = kind_of(d->settings->data);
	struct statvfs v;

	if (statvfs(d->settings->data, &v) != 0)
		return; /* doctor_folder has said why */
	look_at_room(d, &v, kind ? kind->name : "a file system not known here");
	if (kind && kind->trouble)
		doctor_wary(d, "disk", "put the data folder on a local disk", "%s: %s", kind->name, kind->trouble);
}

/* --- the store --- */

static void look_at_time(struct doctor *d, const struct store_look *look)
{
	int64_t now = clock_wall_ms();

	if (look->last_ms > now + 60000)
		doctor_bad(d, "clock", "set the clock, and let chrony or systemd-timesyncd keep it",
			   "it is %.0f s behind the last row of the store", (double)(look->last_ms - now) / 1000);
}

static int64_t store_file_bytes(const char *data)
{
	char path[4200];
	struct stat st;

	snprintf(path, sizeof(path), "%.4000s/store.db", data);
	return stat(path, &st) == 0 ? st.st_size : 0;
}

void doctor_store(struct doctor *d)
{
	bool read_all = store_file_bytes(d->settings->data) <= READ_MAX;
	struct fault fault = NO_FAULT;
	struct store_look look;
	int err = store_peek(d->settings->data, read_all, &look, &fault);

	if (err == ERR_NOT_FOUND) {
		doctor_fine(d, "store", "there is none yet; the first start makes it");
		return;
	}
	if (err) {
		doctor_bad(d, "store", "docs/operate.md says how to go on from a backup", "%s", fault.message);
		return;
	}
	doctor_fine(d, "store",
		    "schema %" PRId64 ", %.1f MB, seq %" PRId64 ", %" PRId64 " deliveries wait, %" PRId64
		    " dead letters; %s",
		    look.schema, (double)look.bytes / MB, look.last_seq, look.waiting, look.dead,
		    read_all ? "its structure is whole" : "too large to be read through here, `postrider backup` does");
	if (look.wal_bytes > WAL_LARGE)
		doctor_wary(d, "store", "end what reads it for so long: a backup, or an sqlite3 that was left open",
			    "its write-ahead log has grown to %.0f MB", (double)look.wal_bytes / MB);
	look_at_time(d, &look);
}
