/* Folders of tests: made apart from each other, so that tests may run side by side, and gone afterwards. */
#include "folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

char *folder_new(void)
{
	const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	struct buf name;

	buf_init(&name, 256);
	buf_addf(&name, "%s/postrider-test-XXXXXX", place);
	if (!mkdtemp(name.p)) {
		perror("mkdtemp");
		abort();
	}
	buf_add_str(&name, "/data");
	return buf_take(&name);
}

static void remove_inside(const char *folder)
{
	DIR *dir = opendir(folder);
	struct buf path;

	if (!dir)
		return;
	buf_init(&path, 1024);
	for (struct dirent *e; (e = readdir(dir));) {
		if (e->d_name[0] == '.')
			continue;
		buf_reset(&path);
		buf_addf(&path, "%s/%s", folder, e->d_name);
		unlink(buf_str(&path));
	}
	buf_free(&path);
	closedir(dir);
}

void folder_free(char **folder)
{
	remove_inside(*folder);
	rmdir(*folder);
	(*folder)[strlen(*folder) - strlen("/data")] = '\0';
	rmdir(*folder);
	mem_free(*folder);
	*folder = NULL;
}
