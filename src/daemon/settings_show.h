/* The settings in force, for those who ask the API. */
#ifndef DAEMON_SETTINGS_SHOW_H
#define DAEMON_SETTINGS_SHOW_H

#include "base/buf.h"
#include "daemon/settings.h"

/* Appends a JSON array, a row of the table each: name, value, default, from, help, kind, reload. Secrets are "***". */
void settings_write(const struct serve_settings *s, struct buf *out);
/*
 * portal_frame_ancestors in the words of a content security policy, mem_free it; NULL: nobody may frame the console.
 * ERR_INVALID when it names what is no origin.
 */
int settings_frame_ancestors(const struct serve_settings *s, char **ret, struct fault *fault);

#endif
