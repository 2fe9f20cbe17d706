/* Inside of records: what the files about records, their index keys and lists share. */
#ifndef HUB_RECORD_PARTS_H
#define HUB_RECORD_PARTS_H

#include "hub/record.h"

/* What a member's JSON text says: a string's content, another value's text, "" for null and nothing. */
struct slice record_decode(struct arena *a, struct slice raw);
struct arena *record_arena(const struct record *r);
/* The i-th member, raw empty when it was removed; false behind the last. */
bool record_member(const struct record *r, size_t i, struct slice *ret_name, struct slice *ret_raw);

/* May a variable be named so? */
bool record_var_name(struct slice name);

/* --- keys of indexes (keys.c) --- */

/* All entries that the record has in the indexes of its kind. Returns how many. */
uint32_t keys_of(struct record *r, struct object_key keys[OBJECT_KEYS_MAX]);
/* A text as it stands in keys of this field: names in lower case, numbers as digits, none too long. */
struct slice keys_text(struct arena *a, enum field field, struct slice text);
/* 8 bytes that sort as the number does; for times (not negative) plain big-endian. */
struct slice keys_number(struct arena *a, int64_t v);
struct slice keys_time(struct arena *a, int64_t seconds);
/* Are the keys of this field followed by the time, so that among equals they are ordered by it? */
bool keys_are_timed(enum kind kind, enum field field);
/* Can every object of the kind be found by this field, also when it has no value? */
bool keys_are_complete(enum kind kind, enum field field);

#endif
