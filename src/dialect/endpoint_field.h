/*
 * Inside of the dialect layer: the settings of an endpoint as a table. One row a setting; compiling, showing, merging
 * and the check for unknown members all walk it, so a new setting is one row here and one line in api.md.
 */
#ifndef DIALECT_ENDPOINT_FIELD_H
#define DIALECT_ENDPOINT_FIELD_H

#include "dialect/endpoint.h"

#define SECRET_MASK "***"

enum field_flags {
	FIELD_SECRET = 1, /* shown as "***" */
	FIELD_HIDDEN = 2, /* not shown at all */
	/* a preset's value does not count with GET (W6), unless it is what a URL can carry: form, query */
	FIELD_PRESET_POST = 4,
	FIELD_PRESET_BODY = 8, /* a preset's value counts only with the preset's content type */
	FIELD_LAYERED =
		16, /* an object of the customer's names: laid over the preset's member by member, null removes */
	FIELD_LAYERED_NULLS = 32, /* the same two levels deep, and null is a value */
	FIELD_INTERNAL = 64	  /* of the hub's own endpoints only; never shown */
};

struct field_word {
	const char *word; /* NULL ends the list */
	int value;
	bool later; /* known, but not available in this version */
};

struct field {
	const char *path;     /* "timeout_ms", "batch.max_items": at most one dot; rows of one group stand together */
	const char *fallback; /* JSON: what counts when neither the endpoint nor its preset says anything */
	/*
	 * Checks v, never absent, and puts it into ep. Rows are read in order, so a reader may look at what rows above
	 * have set. The fault's param is relative to the row.
	 */
	int (*read)(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault);
	unsigned flags;
	size_t offset, size;		/* of the member of struct endpoint that a generic reader sets */
	double least, most;		/* bounds of numbers; most: bytes of texts */
	const struct field_word *words; /* for choices */
};

extern const struct field endpoint_fields[]; /* ends with a row whose path is NULL */

/* The part of a path before the dot, empty when there is none; and the last part. */
struct slice field_group(const struct field *f);
struct slice field_name(const struct field *f);
/* The row of a member; group is empty at the top. NULL: there is none. */
const struct field *field_find(struct slice group, struct slice name);
bool field_is_group(struct slice name);
/* Refuses members that no row knows, naming the nearest that one does. internal: with the rows of FIELD_INTERNAL. */
int field_check_names(struct json settings, bool internal, struct fault *fault);

/* --- layers (endpoint_layer.c) --- */

/*
 * The text of the preset that settings name. 0 with an empty slice when they name none; ERR_INVALID for an unknown one.
 */
int layer_preset(struct json settings, struct slice *ret, struct fault *fault);
enum layer_show {
	SHOW_MASKED,   /* for people */
	SHOW_REVEALED, /* settings that compile to the same endpoint */
	SHOW_ALL       /* internal rows too: to be compiled */
};
/* Writes every member with the value in force: own before preset before fallback. preset may be absent. */
void layer_write(struct json own, struct json preset, enum layer_show show, struct json_writer *w);

/* --- readers: generic (endpoint_read.c) --- */

#define FIELD_READER(name) int name(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
FIELD_READER(read_integer); /* into a member of 4 or 8 bytes */
FIELD_READER(read_real);    /* into a double */
FIELD_READER(read_seconds); /* fractions allowed, into int64_t milliseconds */
FIELD_READER(read_flag);    /* into a bool */
FIELD_READER(read_choice);  /* into an enum */
FIELD_READER(read_choices); /* a list of words into a mask of 1 << value */
FIELD_READER(read_text);    /* into a char *; null is NULL */
FIELD_READER(read_line);    /* as read_text, without control characters */

/* --- readers of one setting (endpoint_read.c, endpoint_http.c, endpoint_tls.c) --- */

FIELD_READER(read_message_types);
FIELD_READER(read_statuses);
FIELD_READER(read_final_statuses);
FIELD_READER(read_filter);
FIELD_READER(read_xml_root);
FIELD_READER(read_status_map);
FIELD_READER(read_success);
FIELD_READER(read_throttle);
FIELD_READER(read_ack_body);
FIELD_READER(read_ack_prefixes);
FIELD_READER(read_delays);
FIELD_READER(read_url);
FIELD_READER(read_body);
FIELD_READER(read_headers);
FIELD_READER(read_fields);
FIELD_READER(read_maps);
FIELD_READER(read_time_zone);
FIELD_READER(read_ports);
FIELD_READER(read_wrap);
FIELD_READER(read_verify);
FIELD_READER(read_ca);
FIELD_READER(read_client_cert);
FIELD_READER(read_client_key);

/* --- what several settings must agree in, after all rows were read --- */

int check_content(const struct endpoint *ep, struct fault *fault);
int check_batch(const struct endpoint *ep, struct fault *fault);
int check_order(const struct endpoint *ep, struct fault *fault);
int check_body(const struct endpoint *ep, struct fault *fault);
int check_headers(const struct endpoint *ep, struct fault *fault);
int check_signature(const struct endpoint *ep, struct fault *fault);
int check_auth(const struct endpoint *ep, struct fault *fault);
int check_client_cert(const struct endpoint *ep, struct fault *fault);
int check_internal(const struct endpoint *ep, struct fault *fault);

/* "must be WANTED, not …", with the value itself where it is short and no text. Returns ERR_INVALID. */
int field_wrong(struct json v, struct fault *fault, const char *wanted, ...) __attribute__((format(printf, 3, 4)));

#endif
