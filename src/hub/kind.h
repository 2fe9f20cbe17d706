/*
 * The kinds of objects the hub keeps: for each the prefix of its ids, and by which of its members it is indexed. The
 * numbers stand in stored rows: they are never used again for something else.
 */
#ifndef HUB_KIND_H
#define HUB_KIND_H

#include <stdint.h>

#include "base/slice.h"

enum kind {
	KIND_MESSAGE = 1,
	KIND_CONTACT,
	KIND_GROUP,
	KIND_LABEL,
	KIND_PHONE,
	KIND_SERVICE,
	KIND_STATE, /* a contact's place in a service; id "SERVICE.CONTACT" */
	KIND_BROADCAST,
	KIND_SERVICE_LOG,
	KIND_LINK,    /* a short link; project "" because whoever clicks does not name one */
	KIND_MAIL,    /* to be sent; outbox.h */
	KIND_PROJECT, /* vars of a project; one object, id "project" */
	KINDS
};

/* Fields of indexes, unique within their kind; their numbers stand in stored rows as well. */
enum field {
	FIELD_ID = 0,
	FIELD_TIME,    /* time_created, 8 bytes big-endian milliseconds; most kinds */
	FIELD_CONTACT, /* contact_id */
	FIELD_PHONE,   /* phone_id */
	FIELD_SERVICE, /* service_id */
	FIELD_LABEL,   /* one entry a label */
	FIELD_GROUP,   /* one entry a group */
	FIELD_BROADCAST,
	FIELD_STATUS,
	FIELD_NAME,	/* lower case */
	FIELD_NUMBER,	/* phone_number, digits only without + */
	FIELD_UPDATED,	/* last_message_time, time_updated */
	FIELD_PRIORITY, /* 8 bytes big-endian, services */
	FIELD_MESSAGE,	/* message_id */
	FIELD_EXTERNAL, /* external_id */
	FIELD_STARRED
};

struct kind_row {
	const char *prefix; /* "SM" */
	const char *word;   /* "message", for errors */
};
extern const struct kind_row kind_table[KINDS];

struct hub;
#define HUB_ID_BYTES 35 /* with the NUL */
/* A new id: prefix, then letters and digits that sort by time of making. Only inside a commit. */
void kind_id(struct hub *h, enum kind kind, int64_t now_ms, char ret[HUB_ID_BYTES]);

#endif
