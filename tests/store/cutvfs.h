/*
 * The power-cut disk: an SQLite VFS that keeps files in memory, with what is durable apart from what only was written.
 * All chance comes from the seed. One thread.
 */
#ifndef TESTS_STORE_CUTVFS_H
#define TESTS_STORE_CUTVFS_H

#include <stdbool.h>
#include <stdint.h>

struct disk;

/* An empty disk with the power on, registered with SQLite under disk_name. */
struct disk *disk_new(uint64_t seed);
/* All files on it must be closed. */
void disk_free(struct disk **d);
const char *disk_name(const struct disk *d);

/*
 * The power goes off in the middle of the n-th write, truncate,
 * sync, create or delete from now (1: the next one); 0: not at all.
 */
void disk_cut_after(struct disk *d, uint64_t n);
/* Now. From here on everything fails. */
void disk_cut(struct disk *d);
bool disk_is_off(const struct disk *d);
/*
 * Power on again, all files being closed: of every sector written but not synced, one of its versions since the last
 * sync is there, or the durable one, or one torn into another; sizes, files made and deleted likewise.
 */
void disk_power_on(struct disk *d);

/*
 * The n-th sync from now fails and its dirty data is dropped: read back as written until the power goes (the page
 * cache's way), or gone at once, by chance. 0: none.
 */
void disk_fail_sync(struct disk *d, uint64_t n);
/* Has it failed? */
bool disk_sync_failed(const struct disk *d);

/*
 * The n-th write from now finds the disk full, and so does all
 * that makes a file longer, until disk_free_space. 0: none.
 */
void disk_fill(struct disk *d, uint64_t n);
void disk_free_space(struct disk *d);
bool disk_is_full(const struct disk *d);

#endif
