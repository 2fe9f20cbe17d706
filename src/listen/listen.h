/* `postrider listen`: a receiver for development. */
#ifndef LISTEN_LISTEN_H
#define LISTEN_LISTEN_H

/* Runs until SIGINT, SIGTERM or --count; the exit code. */
int cmd_listen(int argc, char **argv);

#endif
