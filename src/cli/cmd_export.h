/* `postrider export`: the file of `apply`, from what a daemon has. */
#ifndef CLI_CMD_EXPORT_H
#define CLI_CMD_EXPORT_H

int cmd_export(int argc, char **argv);

#endif
