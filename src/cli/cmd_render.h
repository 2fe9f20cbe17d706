/*
 * `postrider render`: the exact requests that an endpoint would
 * get for some events, without a daemon and without a network.
 */
#ifndef CLI_CMD_RENDER_H
#define CLI_CMD_RENDER_H

/*
 * render --endpoint FILE | --preset NAME,... [--url URL], --event FILE [--project ID]
 * [--organization ID] [--time SECONDS]; `-` is the standard input. Prints the requests; 0 when
 * all could be made, 2 with one line on stderr when the command line or an input is wrong.
 */
int cmd_render(int argc, char **argv);

#endif
