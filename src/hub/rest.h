/*
 * The REST calls of the messaging side, as the API's table of routes names them. An operation that writes runs inside a
 * commit and must find every fault before it writes anything; one that reads runs on a reader's book.
 */
#ifndef HUB_REST_H
#define HUB_REST_H

#include "hub/record.h"

struct rest {
	struct deed deed;
	struct slice id, other; /* of the path, decoded: {id}, and the second one; empty when there is none */
	/*
	 * The body's object, or for GET an object of the query's arguments, all strings, names as they came
	 * ("time_created[min]"). JSON_NONE when there is neither.
	 */
	struct json params;
	struct json_writer *w; /* the answer: one JSON value; nothing written counts as {} */
	struct node *node;     /* for blocking operations */
	bool admin;	       /* called with the admin key */
	int status;	       /* 200 unless it is changed */
};

/* 0, or an error with deed.fault filled in (ERR_INVALID: 400, ERR_NOT_FOUND: 404). */
typedef int rest_op(struct rest *r);

enum rest_way {
	REST_READS,  /* on a desk thread, over a reader */
	REST_WRITES, /* inside a commit */
	REST_BLOCKS  /* on a desk thread, without a book: it opens what it needs itself */
};

/* message_list.c, message_rest.c, message_multi.c; rest_message_batch: broadcast_rest.c */
rest_op rest_messages, rest_message, rest_message_change, rest_message_delete, rest_message_send, rest_message_batch,
	rest_message_multi, rest_message_receive, rest_message_resend, rest_message_cancel;
/* broadcast_rest.c */
rest_op rest_broadcasts, rest_broadcast, rest_broadcast_send, rest_broadcast_cancel;
/* contact_rest.c; rest_contact_put gets or creates */
rest_op rest_contacts, rest_contact, rest_contact_put, rest_contact_change, rest_contact_delete, rest_contact_groups,
	rest_contact_messages, rest_contact_states, rest_contacts_import;
/* group.c: {id} the group, {other} the contact; delete blocks */
rest_op rest_groups, rest_group, rest_group_put, rest_group_change, rest_group_delete, rest_group_contacts,
	rest_group_add, rest_group_remove;
/* label.c: {id} the label, {other} the message; delete blocks */
rest_op rest_labels, rest_label, rest_label_put, rest_label_change, rest_label_delete, rest_label_messages,
	rest_label_add, rest_label_remove;
/* phone.c; create, put, change and delete block */
rest_op rest_phones, rest_phone, rest_phone_create, rest_phone_put, rest_phone_change, rest_phone_delete,
	rest_phone_messages, rest_routes, rest_route;
/*
 * service_rest.c, service_invoke.c, state_rest.c; create, put, change, config_change and delete block. {other}: contact
 */
rest_op rest_services, rest_service, rest_service_create, rest_service_put, rest_service_change, rest_service_delete,
	rest_service_config, rest_service_config_change, rest_service_invoke, rest_service_states, rest_service_state,
	rest_service_state_set, rest_service_state_reset, rest_service_logs;
/* What is not part of this: code not_implemented, with a sentence. */
rest_op rest_not_implemented;

/* --- reading parameters (rest.c) --- */

/*
 * The parameter as text: a string's content, another scalar's text. False when absent or null. A container is
 * ERR_INVALID: *ret_err (0 otherwise).
 */
bool rest_text(struct rest *r, const char *name, struct slice *ret, int *ret_err);
/* As rest_text, but required and not empty. */
int rest_need(struct rest *r, const char *name, struct slice *ret);
/* true, false, 1, 0, "1", "0", "true", "false". *ret is left alone when absent. */
int rest_bool(struct rest *r, const char *name, bool *ret);
int rest_i64(struct rest *r, const char *name, int64_t least, int64_t most, int64_t *ret);
/* reveal=1: secrets are shown as they are. Status 403 without the admin key. *ret is false when it is not asked for. */
int rest_reveal(struct rest *r, bool *ret);
/* {id} as the name of something new: ERR_INVALID unless it has 1 to 34 characters of A-Z a-z 0-9 _ . - */
int rest_own_id(struct rest *r);
/* ERR_INVALID naming the first parameter that is not in the list (NULL-terminated), with the known ones. */
int rest_only(struct rest *r, const char *const *names);
/*
 * Writes the object as REST shows it: the properties that its kind always has, null where it has none, then whatever
 * else it has but the hub's own.
 */
void rest_write(struct rest *r, struct record *rec);
/* not_found with "there is no message \"…\" in this project". */
int rest_none(struct rest *r, enum kind kind, struct slice id);
/* Loads, or rest_none. */
int rest_load(struct rest *r, enum kind kind, struct slice id, struct record **ret);

/* --- lists (list.c): paging, sorting, filters and counts as docs/rest.md has them --- */

enum list_type {
	LIST_TEXT,
	LIST_NUMBER,
	LIST_TIME,
	LIST_BOOL,
	LIST_IDS,
	LIST_VARS, /* an object of variables: vars[name], vars[name][prefix] */
	LIST_OWN   /* known, but what it leaves out is decided by `keep`, which reads the parameter itself */
};
/*
 * A member that a list can be filtered or sorted by. index: the field by which the kind is indexed for it (FIELD_ID: by
 * none, then objects are looked at one by one).
 */
struct list_field {
	const char *name;
	enum list_type type;
	enum field index;
	bool sorts;
};
struct list_spec {
	enum kind kind;
	const struct list_field *fields; /* ended by a row without name */
	/* order without `sort`: an index field, and its direction */
	enum field order;
	bool descending;
	/* writes one object; NULL: rest_write */
	void (*show)(struct rest *r, struct record *rec);
	/* left out when false; NULL: all */
	bool (*keep)(struct rest *r, struct record *rec);
};
/*
 * Answers the list. where/value: only objects with this index entry (a contact's messages: FIELD_CONTACT, id);
 * FIELD_ID: all. Unknown parameters are refused by name.
 */
int rest_list(struct rest *r, const struct list_spec *spec, enum field where, struct slice value);

/* The messages with this index entry: of a contact, a label, a phone, a service (message_list.c). */
int rest_messages_with(struct rest *r, enum field where, struct slice value);

#endif
