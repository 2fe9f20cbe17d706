/* `postrider tail`: follows the attempts as they happen. */
#ifndef CLI_CMD_TAIL_H
#define CLI_CMD_TAIL_H

#include "base/json.h"

int cmd_tail(int argc, char **argv);
/* One attempt, as the API shows it, as a line with its line feed. */
void tail_line_add(struct buf *out, struct json attempt, bool colours);

#endif
