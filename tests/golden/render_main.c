/*
 * `postrider render` by itself: the golden tests need nothing of
 * the daemon, so a preset can be tried before the rest is built.
 */
#include "cli/cmd_render.h"

int main(int argc, char **argv)
{
	return cmd_render(argc, argv);
}
