/* A data folder for a test, in memory where the machine has a place for that (fsync costs nothing there). */
#ifndef TESTS_STORE_FOLDER_H
#define TESTS_STORE_FOLDER_H

/* The name of a folder that is not there yet, inside one that is. */
char *folder_new(void);
/* Removes both and what is in them. */
void folder_free(char **folder);

#endif
