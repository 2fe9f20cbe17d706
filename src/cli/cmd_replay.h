/* `postrider replay`: sends events of the past to an endpoint again. */
#ifndef CLI_CMD_REPLAY_H
#define CLI_CMD_REPLAY_H

int cmd_replay(int argc, char **argv);

#endif
