/* An endpoint as the API shows it, and the endpoint settings as the API takes them. */
#ifndef API_ENDPOINT_SHOW_H
#define API_ENDPOINT_SHOW_H

#include "node/node.h"

/* Writes one object: id, settings in force, state, numbers. secret, when not NULL, is shown in place of its mask. */
void endpoint_show(struct json_writer *w, const struct endpoint_view *v, int64_t now_ms, bool reveal,
		   const char *secret);
/* True for what endpoint_show adds to the settings; it may come back with them and means nothing then. */
bool endpoint_shown_only(struct slice name);
/* The member public_key: what receivers check v1a signatures with when secret is a whsk_, null otherwise. */
void public_key_write(struct json_writer *w, const char *secret);
/* An HTTP status as a number, a failure as its word, 0 as null. */
void code_write(struct json_writer *w, int code);
/* Unix seconds, null for 0. */
void member_time(struct json_writer *w, const char *name, int64_t ms);

#endif
