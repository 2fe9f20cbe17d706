/* The file of `apply` and `export`: projects and endpoints as JSON. docs/cli.md describes it. */
#ifndef CLI_SETUP_FILE_H
#define CLI_SETUP_FILE_H

#include "base/fault.h"
#include "base/json.h"

#define SETUP_FILE_MAX ((size_t)64 * 1024 * 1024)

/*
 * Checks the shape of all of it: known members, ids present and not repeated. What is in the settings is the daemon's
 * to judge. The fault names the place: "projects[0].endpoints[2].id".
 */
int setup_check(struct json root, struct fault *fault);
/*
 * The body of a PUT: all members of an element of the file but
 * `id` and `endpoints`. What it should not hold the daemon names.
 */
void setup_write_body(struct json element, struct json_writer *w);
/*
 * Writes the members of what the daemon showed that are settings, into an
 * object that is begun: what it adds (times, counters, states) is left out.
 */
void setup_write_project(struct json project, struct json_writer *w);
void setup_write_endpoint(struct json endpoint, struct json_writer *w);
/* True when the two, each as the daemon shows it, have the same settings. */
bool setup_same_project(struct json a, struct json b);
bool setup_same_endpoint(struct json a, struct json b);

#endif
