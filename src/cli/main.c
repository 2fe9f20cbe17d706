/*
 * The program's entry: one binary, one table of commands. A command gets argv with its own name first, as if it were a
 * program, and its result is the exit code: 0 done, 1 it could not be done, 2 the command line or a file is wrong.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cmd_apply.h"
#include "cli/cmd_export.h"
#include "cli/cmd_render.h"
#include "cli/cmd_replay.h"
#include "cli/cmd_send.h"
#include "cli/cmd_status.h"
#include "cli/cmd_tail.h"
#include "daemon/backup.h"
#include "daemon/doctor.h"
#include "daemon/serve.h"
#include "dialect/nearest.h"
#include "listen/listen.h"

struct command {
	const char *name, *help;
	int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
	{ "serve", "the daemon", cmd_serve },
	{ "doctor", "look whether this machine is fit for the daemon, with the cure for what is not", cmd_doctor },
	{ "backup", "copy the store into a file, also while the daemon works", cmd_backup },
	{ "restore", "make a data folder of such a file", cmd_restore },
	{ "apply", "make projects, endpoints, phones and services as a JSON file says", cmd_apply },
	{ "export", "write that file from what the daemon has", cmd_export },
	{ "send", "post events", cmd_send },
	{ "status", "state and backlog of every endpoint", cmd_status },
	{ "tail", "follow the attempts as they happen", cmd_tail },
	{ "replay", "send events of the past again", cmd_replay },
	{ "render", "show the exact requests for an event, offline", cmd_render },
	{ "listen", "a receiver for development: shows what arrives", cmd_listen },
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void overview(FILE *out)
{
	fprintf(out, "postrider " POSTRIDER_VERSION ": delivers events to HTTP endpoints, each in its own format\n\n"
		     "usage: postrider COMMAND [OPTION]...\n\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\n`postrider help COMMAND` explains one; `postrider --version` tells the version.\n");
}

static int unknown(const char *name)
{
	struct nearest near;

	nearest_begin(&near, slice_str(name));
	nearest_offer(&near, slice_str("help"));
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		nearest_offer(&near, slice_str(commands[i].name));
	fprintf(stderr,
		"postrider: there is no command '%.60s'; did you mean `postrider %.*s`? `postrider help` lists them\n",
		name, SLICE_ARG(near.best));
	return 2;
}

static int help(int argc, char **argv)
{
	char asked[] = "--help", *words[] = { NULL, asked, NULL };
	const struct command *c;

	if (argc < 2) {
		overview(stdout);
		return 0;
	}
	c = command_find(argv[1]);
	if (!c)
		return unknown(argv[1]);
	words[0] = argv[1];
	return c->run(2, words);
}

int main(int argc, char **argv)
{
	const struct command *c;
	const char *word = argc > 1 ? argv[1] : NULL;

	if (!word) {
		overview(stderr);
		return 2;
	}
	if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0) {
		puts("postrider " POSTRIDER_VERSION);
		return 0;
	}
	if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return help(argc - 1, argv + 1);
	c = command_find(word);
	return c ? c->run(argc - 1, argv + 1) : unknown(word);
}
