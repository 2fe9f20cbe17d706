/* `postrider send`: posts events. */
#ifndef CLI_CMD_SEND_H
#define CLI_CMD_SEND_H

int cmd_send(int argc, char **argv);

#endif
