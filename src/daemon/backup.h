/* `postrider backup` and `postrider restore`: the store's copy for keeping, and the way back. */
#ifndef DAEMON_BACKUP_H
#define DAEMON_BACKUP_H

/* 0: done; 1: it could not be done, or what was read is damaged; 2: the command line is wrong. */
int cmd_backup(int argc, char **argv);
int cmd_restore(int argc, char **argv);

#endif
