/* `postrider serve`: the daemon. */
#ifndef DAEMON_SERVE_H
#define DAEMON_SERVE_H

/*
 * Runs until SIGTERM or SIGINT. 0: stopped in order; 1: the store broke,
 * or a second signal came; 2: a setting or the data folder is wrong.
 */
int cmd_serve(int argc, char **argv);

#endif
