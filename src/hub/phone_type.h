/*
 * The types of phones, and how the config of one becomes the
 * settings of its endpoint. For phone.c, route.c and kannel.c.
 */
#ifndef HUB_PHONE_TYPE_H
#define HUB_PHONE_TYPE_H

#include "hub/record.h"

struct phone_type {
	const char *name;
	/*
	 * Adds the members that the config makes to an endpoint's settings, an object that was begun. ERR_INVALID with
	 * *fault, param within the config. NULL: there is no gateway, nothing is sent (the test route).
	 */
	int (*settings)(struct json config, struct json_writer *w, struct fault *fault);
	/* JSON members for each order, beside the message's own; NULL: none. */
	void (*order)(struct deed *d, struct record *message, struct json_writer *w);
	/* kinds of messages it can send, NULL at the end; NULL: all */
	const char *const *sends;
};

/* NULL: there is no such type. */
const struct phone_type *phone_type_find(struct slice name);
bool phone_type_sends(const struct phone_type *type, struct slice message_type);
/* "test, kannel, http" */
void phone_type_list(struct buf *out);
/*
 * The settings of the phone's endpoint, to out. config: JSON_NONE counts as an empty object. ERR_INVALID with *fault,
 * param "config.…".
 */
int phone_settings(const struct phone_type *type, struct json config, bool active, struct buf *out,
		   struct fault *fault);

/* The config as it is shown: what is secret in it is "***". */
void phone_config_mask(struct json config, struct buf *out);
/*
 * A config as it is given, whole, where "***" in place of a secret stands for the one of the old config (may be
 * JSON_NONE). ERR_INVALID with *fault where that has none. What is no object comes out as it is.
 */
int phone_config_replace(struct json old, struct json config, struct buf *out, struct fault *fault);
/* patch laid over the config: null removes, and a "***" in place of a secret keeps it. */
void phone_config_merge(struct json old, struct json patch, struct buf *out);

/* The id of the endpoint of a phone with a gateway, appended. */
#define PHONE_ENDPOINT "_route."
void phone_endpoint_id(struct slice phone_id, struct buf *out);

/* The phone was in use just now: last_active_time, saved when that is news (route.c). */
void phone_active(struct deed *d, struct record *phone);

#endif
