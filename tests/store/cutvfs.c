/*
 * A disk for crash tests. Each file has the bytes that programs see, the bytes that are durable, and
 * per sector the versions written since the last sync. A sync makes the dirty sectors durable and no
 * others: after a sync that failed the dropped sectors count as clean, as they do in a page cache.
 * Names live in one folder, each with the file it stands for now and the one it stands for durably;
 * a sync of a journal or WAL that was just made syncs the folder, as SQLite's unix VFS does.
 *
 * Like that VFS it claims power-safe overwrite, and keeps it: a torn sector mixes two versions, it never is garbage.
 * Shared memory and locks are real enough for several connections of one process.
 */
#include "cutvfs.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"

#define SECTOR	    512
#define NAMES	    8
#define SHM_REGIONS 16

struct version {
	struct version *older;
	uint8_t bytes[SECTOR];
};

struct bytes {
	uint8_t *p; /* cap bytes; zero from n on */
	int64_t n, cap;
};

struct cutfile;
struct inode {
	struct inode *next;
	struct bytes seen, durable;
	struct version **dirty; /* by sector, the newest first */
	int64_t sectors;	/* room in dirty */
	int64_t *sizes;		/* sizes it had since the last sync */
	size_t size_count;
	struct cutfile *handles;
	void *shm[SHM_REGIONS];
};

struct name {
	char path[128];
	struct inode *seen, *durable;
};

struct disk {
	sqlite3_vfs vfs;
	char vfs_name[32];
	struct rand rand;
	struct inode *inodes;
	struct name names[NAMES];
	uint64_t cut_in, sync_fails_in, full_in; /* countdowns, 0: off */
	bool off, sync_failed, full;
};

struct cutfile {
	sqlite3_file base;
	struct disk *disk;
	struct inode *inode;
	struct cutfile *next; /* of the same inode */
	struct name *delete_on_close;
	bool syncs_folder;
	int lock;
	unsigned shm_shared, shm_exclusive; /* bits of the slots held */
};

/* --- bytes and sectors --- */

static void bytes_resize(struct bytes *b, int64_t n)
{
	if (n > b->cap) {
		int64_t cap = (n * 2 + SECTOR - 1) / SECTOR * SECTOR;

		b->p = mem_realloc(b->p, (size_t)cap);
		memset(b->p + b->cap, 0, (size_t)(cap - b->cap));
		b->cap = cap;
	}
	if (n < b->n)
		memset(b->p + n, 0, (size_t)(b->n - n));
	b->n = n;
}

static void sector_of(const struct bytes *b, int64_t sector, uint8_t ret[SECTOR])
{
	int64_t at = sector * SECTOR;

	memset(ret, 0, SECTOR);
	if (at < b->n)
		memcpy(ret, b->p + at, (size_t)(b->n - at < SECTOR ? b->n - at : SECTOR));
}

static void sector_set(struct bytes *b, int64_t sector, const uint8_t *bytes)
{
	int64_t at = sector * SECTOR;

	if (at < b->n)
		memcpy(b->p + at, bytes, (size_t)(b->n - at < SECTOR ? b->n - at : SECTOR));
}

static void note_sector(struct inode *f, int64_t sector)
{
	struct version *v = mem_alloc(sizeof(*v));

	if (sector >= f->sectors) {
		int64_t room = sector * 2 + 16;

		f->dirty = mem_realloc(f->dirty, (size_t)room * sizeof(struct version *));
		memset(f->dirty + f->sectors, 0, (size_t)(room - f->sectors) * sizeof(struct version *));
		f->sectors = room;
	}
	sector_of(&f->seen, sector, v->bytes);
	v->older = f->dirty[sector];
	f->dirty[sector] = v;
}

static void note_size(struct inode *f)
{
	f->sizes = mem_realloc(f->sizes, (f->size_count + 1) * sizeof(*f->sizes));
	f->sizes[f->size_count++] = f->seen.n;
}

static void forget_dirty(struct inode *f)
{
	for (int64_t i = 0; i < f->sectors; i++)
		for (struct version *v; (v = f->dirty[i]);) {
			f->dirty[i] = v->older;
			mem_free(v);
		}
	f->size_count = 0;
}

static void make_durable(struct inode *f)
{
	if (f->size_count > 0)
		bytes_resize(&f->durable, f->seen.n);
	for (int64_t i = 0; i < f->sectors; i++)
		if (f->dirty[i])
			sector_set(&f->durable, i, f->dirty[i]->bytes);
	forget_dirty(f);
}

static void copy_bytes(struct bytes *to, const struct bytes *from)
{
	bytes_resize(to, 0);
	bytes_resize(to, from->n);
	if (from->n > 0)
		memcpy(to->p, from->p, (size_t)from->n);
}

/* --- what is left after a cut --- */

static void settle_sector(struct disk *d, struct inode *f, int64_t sector)
{
	uint8_t chosen[SECTOR], other[SECTOR];
	const struct version *v = f->dirty[sector];

	sector_of(&f->durable, sector, chosen);
	memcpy(other, v->bytes, SECTOR);
	for (; v; v = v->older)
		if (rand_chance(&d->rand, 0.5)) {
			memcpy(other, chosen, SECTOR);
			memcpy(chosen, v->bytes, SECTOR);
		}
	if (rand_chance(&d->rand, 0.2)) {
		size_t torn = rand_below(&d->rand, SECTOR);

		memcpy(chosen + torn, other + torn, SECTOR - torn);
	}
	sector_set(&f->durable, sector, chosen);
}

static void settle_inode(struct disk *d, struct inode *f)
{
	uint64_t size = rand_below(&d->rand, f->size_count + 1);
	uint64_t mood = rand_below(&d->rand, 4); /* now and then all is lost, or all is kept */

	if (mood == 1)
		size = f->size_count;
	if (size > 0 && mood != 0)
		bytes_resize(&f->durable, f->sizes[size - 1]);
	for (int64_t i = 0; i < f->sectors && mood != 0; i++)
		if (f->dirty[i] && mood == 1)
			sector_set(&f->durable, i, f->dirty[i]->bytes);
		else if (f->dirty[i])
			settle_sector(d, f, i);
	forget_dirty(f);
	copy_bytes(&f->seen, &f->durable);
}

static void inode_free(struct inode *f)
{
	assert(!f->handles);
	forget_dirty(f);
	for (int i = 0; i < SHM_REGIONS; i++)
		mem_free(f->shm[i]);
	mem_free(f->seen.p);
	mem_free(f->durable.p);
	mem_free(f->dirty);
	mem_free(f->sizes);
	mem_free(f);
}

static bool is_named(const struct disk *d, const struct inode *f)
{
	for (int i = 0; i < NAMES; i++)
		if (d->names[i].seen == f || d->names[i].durable == f)
			return true;
	return false;
}

static void free_nameless(struct disk *d)
{
	for (struct inode **at = &d->inodes, *f; (f = *at);) {
		if (is_named(d, f)) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		inode_free(f);
	}
}

void disk_power_on(struct disk *d)
{
	for (int i = 0; i < NAMES; i++) {
		struct name *name = &d->names[i];

		if (name->seen != name->durable && rand_chance(&d->rand, 0.5))
			name->durable = name->seen;
		name->seen = name->durable;
	}
	free_nameless(d);
	for (struct inode *f = d->inodes; f; f = f->next) {
		assert(!f->handles);
		settle_inode(d, f);
	}
	d->off = d->sync_failed = d->full = false;
	d->cut_in = d->sync_fails_in = d->full_in = 0;
}

/* --- power and its failures --- */

static bool countdown(uint64_t *n)
{
	return *n > 0 && --*n == 0;
}

/*
 * A step that changes the disk. False: the power is off after
 * it, and whether it took place is for disk_power_on to say.
 */
static bool step(struct disk *d)
{
	if (!d->off && countdown(&d->cut_in))
		d->off = true;
	return !d->off;
}

void disk_cut_after(struct disk *d, uint64_t n)
{
	d->cut_in = n;
}

void disk_cut(struct disk *d)
{
	d->off = true;
}

bool disk_is_off(const struct disk *d)
{
	return d->off;
}

void disk_fail_sync(struct disk *d, uint64_t n)
{
	d->sync_fails_in = n;
}

bool disk_sync_failed(const struct disk *d)
{
	return d->sync_failed;
}

void disk_fill(struct disk *d, uint64_t n)
{
	d->full_in = n;
}

void disk_free_space(struct disk *d)
{
	d->full = false;
	d->full_in = 0;
}

bool disk_is_full(const struct disk *d)
{
	return d->full;
}

/* --- a file --- */

static struct cutfile *file_of(sqlite3_file *file)
{
	return (struct cutfile *)file;
}

static int file_close(sqlite3_file *file)
{
	struct cutfile *c = file_of(file), **at = &c->inode->handles;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (c->delete_on_close)
		c->delete_on_close->seen = c->delete_on_close->durable = NULL;
	return SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
	const struct cutfile *c = file_of(file);
	const struct bytes *seen = &c->inode->seen;
	int64_t have = at < seen->n ? seen->n - at : 0;

	if (c->disk->off)
		return SQLITE_IOERR_READ;
	if (have > n)
		have = n;
	if (have > 0)
		memcpy(p, seen->p + at, (size_t)have);
	memset((char *)p + have, 0, (size_t)(n - have));
	return have < n ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static bool has_room(struct disk *d, const struct inode *f, int64_t end)
{
	if (countdown(&d->full_in)) {
		d->full = true;
		return false;
	}
	return !d->full || end <= f->seen.n;
}

static int file_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
	struct cutfile *c = file_of(file);
	struct inode *f = c->inode;
	bool was_on = !c->disk->off, is_on;

	if (was_on && !has_room(c->disk, f, at + n))
		return SQLITE_FULL;
	is_on = step(c->disk);
	if (!was_on)
		return SQLITE_IOERR_WRITE;
	if (at + n > f->seen.n)
		bytes_resize(&f->seen, at + n);
	if (at + n > f->durable
			     /*
		 * not only when it grows: after a failed sync a file system learns the length from the next write there
		 */
			     .n)
		note_size(f);
	memcpy(f->seen.p + at, p, (size_t)n);
	for (int64_t sector = at / SECTOR; sector <= (at + n - 1) / SECTOR; sector++)
		note_sector(f, sector);
	return is_on ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct cutfile *c = file_of(file);
	bool was_on = !c->disk->off, is_on = step(c->disk);

	if (was_on) {
		bytes_resize(&c->inode->seen, size);
		note_size(c->inode);
	}
	return is_on ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static void sync_folder(struct disk *d)
{
	for (int i = 0; i < NAMES; i++)
		d->names[i].durable = d->names[i].seen;
}

static int fail_sync(struct cutfile *c)
{
	struct inode *f = c->inode;

	c->disk->sync_failed = true;
	if (rand_chance(&c->disk->rand, 0.5)) /* gone at once; otherwise seen until the power goes, and never written */
		copy_bytes(&f->seen, &f->durable);
	forget_dirty(f);
	return SQLITE_IOERR_FSYNC;
}

static int file_sync(sqlite3_file *file, int flags)
{
	struct cutfile *c = file_of(file);

	(void)flags;
	if (!step(c->disk))
		return SQLITE_IOERR_FSYNC;
	if (countdown(&c->disk->sync_fails_in))
		return fail_sync(c);
	make_durable(c->inode);
	if (c->syncs_folder)
		sync_folder(c->disk);
	c->syncs_folder = false;
	return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	const struct cutfile *c = file_of(file);

	*ret = c->inode->seen.n;
	return c->disk->off ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level)
{
	struct cutfile *c = file_of(file);

	for (const struct cutfile *o = c->inode->handles; o; o = o->next)
		if (o != c && (level >= SQLITE_LOCK_EXCLUSIVE  ? o->lock > SQLITE_LOCK_NONE
			       : level >= SQLITE_LOCK_RESERVED ? o->lock >= SQLITE_LOCK_RESERVED
							       : o->lock >= SQLITE_LOCK_PENDING))
			return SQLITE_BUSY;
	if (level > c->lock)
		c->lock = level;
	return SQLITE_OK;
}

static int file_unlock(sqlite3_file *file, int level)
{
	struct cutfile *c = file_of(file);

	if (level < c->lock)
		c->lock = level;
	return SQLITE_OK;
}

static int file_reserved(sqlite3_file *file, int *ret)
{
	*ret = 0;
	for (const struct cutfile *o = file_of(file)->inode->handles; o; o = o->next)
		if (o->lock >= SQLITE_LOCK_RESERVED)
			*ret = 1;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
	(void)file;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *file)
{
	(void)file;
	return 4096;
}

static int file_traits(sqlite3_file *file)
{
	(void)file;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* --- shared memory --- */

static int shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret)
{
	struct inode *f = file_of(file)->inode;

	assert(region < SHM_REGIONS);
	if (!f->shm[region] && extend)
		f->shm[region] = mem_zalloc((size_t)size);
	*ret = f->shm[region];
	return SQLITE_OK;
}

static int shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	struct cutfile *c = file_of(file);
	unsigned mask = ((1U << n) - 1) << offset;

	if (flags & SQLITE_SHM_UNLOCK) {
		c->shm_shared &= ~mask;
		c->shm_exclusive &= ~mask;
		return SQLITE_OK;
	}
	for (const struct cutfile *o = c->inode->handles; o; o = o->next)
		if (o != c && (o->shm_exclusive & mask || (flags & SQLITE_SHM_EXCLUSIVE && o->shm_shared & mask)))
			return SQLITE_BUSY;
	if (flags & SQLITE_SHM_EXCLUSIVE)
		c->shm_exclusive |= mask;
	else
		c->shm_shared |= mask;
	return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *file)
{
	(void)file;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* The memory goes with the last handle, as a process's mapping of a deleted -shm file would. */
static int shm_unmap(sqlite3_file *file, int delete_it)
{
	struct inode *f = file_of(file)->inode;

	(void)delete_it;
	if (f->handles && f->handles->next)
		return SQLITE_OK;
	for (int i = 0; i < SHM_REGIONS; i++) {
		mem_free(f->shm[i]);
		f->shm[i] = NULL;
	}
	return SQLITE_OK;
}

static const sqlite3_io_methods file_methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_traits,
	.xShmMap = shm_map,
	.xShmLock = shm_lock,
	.xShmBarrier = shm_barrier,
	.xShmUnmap = shm_unmap,
};

/* --- the folder --- */

static struct disk *disk_of(sqlite3_vfs *vfs)
{
	return vfs->pAppData;
}

/* The entry of this path; a free one takes it when there is none. */
static struct name *name_of(struct disk *d, const char *path)
{
	struct name *unused = NULL;

	for (int i = 0; i < NAMES; i++) {
		if (strcmp(d->names[i].path, path) == 0)
			return &d->names[i];
		if (!d->names[i].path[0] && !unused)
			unused = &d->names[i];
	}
	assert(unused && strlen(path) < sizeof(unused->path));
	snprintf(unused->path, sizeof(unused->path), "%s", path);
	return unused;
}

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *ret_flags)
{
	struct disk *d = disk_of(vfs);
	struct name *name = name_of(d, path ? path : "temporary");
	struct cutfile *c = file_of(file);
	bool create = !name->seen;

	*c = (struct cutfile){ .disk = d };
	if (d->off || (create && !(flags & SQLITE_OPEN_CREATE)))
		return SQLITE_CANTOPEN;
	if (create) {
		if (!step(d))
			return SQLITE_CANTOPEN;
		name->seen = mem_zalloc(sizeof(*name->seen));
		name->seen->next = d->inodes;
		d->inodes = name->seen;
		c->syncs_folder = flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL);
	}
	c->delete_on_close = flags & SQLITE_OPEN_DELETEONCLOSE ? name : NULL;
	c->inode = name->seen;
	c->next = c->inode->handles;
	c->inode->handles = c;
	c->base.pMethods = &file_methods;
	if (ret_flags)
		*ret_flags = flags;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
	struct disk *d = disk_of(vfs);
	struct name *name = name_of(d, path);
	bool was_on = !d->off, is_on = step(d);

	if (was_on && !name->seen)
		return SQLITE_IOERR_DELETE_NOENT;
	if (was_on)
		name->seen = NULL;
	if (is_on && sync)
		sync_folder(d);
	return is_on ? SQLITE_OK : SQLITE_IOERR_DELETE;
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *ret)
{
	struct disk *d = disk_of(vfs);
	const struct name *name = name_of(d, path);

	(void)flags;
	*ret = name->seen && (flags != SQLITE_ACCESS_EXISTS || name->seen->seen.n > 0);
	return d->off ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int n, char *ret)
{
	(void)vfs;
	snprintf(ret, (size_t)n, "%s", path);
	return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs, int n, char *ret)
{
	for (int i = 0; i < n; i++)
		ret[i] = (char)rand_u64(&disk_of(vfs)->rand);
	return n;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
	(void)vfs;
	return us;
}

static int vfs_time(sqlite3_vfs *vfs, double *ret)
{
	(void)vfs;
	*ret = 2461000.5;
	return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int n, char *ret)
{
	(void)vfs;
	(void)n;
	(void)ret;
	return 0;
}

struct disk *disk_new(uint64_t seed)
{
	struct disk *d = mem_zalloc(sizeof(*d));

	rand_seed(&d->rand, seed);
	snprintf(d->vfs_name, sizeof(d->vfs_name), "cut-%p", (void *)d);
	d->vfs = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = sizeof(struct cutfile),
		.mxPathname = 100,
		.zName = d->vfs_name,
		.pAppData = d,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_full_path,
		.xRandomness = vfs_random,
		.xSleep = vfs_sleep,
		.xCurrentTime = vfs_time,
		.xGetLastError = vfs_last_error,
	};
	sqlite3_vfs_register(&d->vfs, 0);
	return d;
}

void disk_free(struct disk **d)
{
	sqlite3_vfs_unregister(&(*d)->vfs);
	memset((*d)->names, 0, sizeof((*d)->names));
	free_nameless(*d);
	mem_free(*d);
	*d = NULL;
}

const char *disk_name(const struct disk *d)
{
	return d->vfs_name;
}
