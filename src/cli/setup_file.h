/* The file of `apply` and `export`: projects, and what stands in them, as JSON. docs/cli.md describes it. */
#ifndef CLI_SETUP_FILE_H
#define CLI_SETUP_FILE_H

#include "base/fault.h"
#include "base/json.h"

#define SETUP_FILE_MAX ((size_t)64 * 1024 * 1024)

/* A list that an owner has, a project or an organization: in the file, and in the API under the same name. */
struct setup_list {
	const char *name;   /* "endpoints"; NULL ends the table */
	const char *one;    /* "endpoint" */
	bool organizations; /* they have it too */
	bool (*is_setting)(struct slice member);
};
/* In the order in which they are put: services name phones. */
extern const struct setup_list setup_lists[];

/*
 * Checks the shape of all of it: known members, ids present and not repeated. What is in the settings is the daemon's
 * to judge. The fault names the place: "projects[0].endpoints[2].id".
 */
int setup_check(struct json root, struct fault *fault);
/*
 * The body of a PUT: all members of an element of the file but its `id` and its lists. What it should not hold the
 * daemon names.
 */
void setup_write_body(struct json element, struct json_writer *w);
/*
 * Writes the members of what the daemon showed that are settings, into an object that is begun: what it adds (times,
 * counters, states) is left out.
 */
void setup_write_project(struct json project, struct json_writer *w);
void setup_write_element(const struct setup_list *list, struct json element, struct json_writer *w);
/* True when the two, each as the daemon shows it, have the same settings. */
bool setup_same_project(struct json a, struct json b);
bool setup_same_element(const struct setup_list *list, struct json a, struct json b);

#endif
