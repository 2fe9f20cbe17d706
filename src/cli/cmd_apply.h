/* `postrider apply FILE`: projects and endpoints as a file says. */
#ifndef CLI_CMD_APPLY_H
#define CLI_CMD_APPLY_H

/* The exit code: 0, 1 when the daemon refused, 2 when the command line or the file is wrong. */
int cmd_apply(int argc, char **argv);

#endif
