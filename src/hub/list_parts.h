/* Inside of lists: filters (list_filter.c), used by list.c. */
#ifndef HUB_LIST_PARTS_H
#define HUB_LIST_PARTS_H

#include "hub/record_parts.h"
#include "hub/rest.h"

enum filter_op { OP_EQ, OP_NE, OP_PREFIX, OP_NOT_PREFIX, OP_GTE, OP_GT, OP_LTE, OP_LT, OP_MIN, OP_MAX, OP_EXISTS };

/* One parameter that leaves objects out: name[op]=value. */
struct filter {
	const struct list_field *field;
	enum filter_op op;
	struct slice var;  /* of LIST_VARS: which one */
	struct slice text; /* the value, in the form of the field's index keys */
	double number;	   /* of numbers and times */
	bool is_number;
	bool truth; /* of booleans and [exists] */
};

struct filters {
	struct filter *items;
	size_t count;
};

/* A part of an index: from <= value < upto. */
struct range {
	enum field field;
	struct slice from, upto;
	bool has_upto;
	size_t filters; /* that it was made from */
	bool exact;	/* whoever is in it passes them */
	bool single;	/* one value of an index where an object may have several or none */
};

/* All parameters but those of paging. ERR_INVALID names the parameter or modifier that is not known, or its value. */
int filters_read(struct rest *r, const struct list_spec *spec, struct filters *ret);
bool filters_pass(const struct filters *f, struct record *rec);
/* The part of an index that a filter leaves; false when there is none. */
bool filter_range(struct arena *a, enum kind kind, const struct filter *f, struct range *ret);
/* All entries with this value. */
struct range range_of_value(struct arena *a, enum kind kind, enum field field, struct slice value);
/* a becomes what is in both. */
void range_narrow(struct range *a, const struct range *b);
/* Byte by byte, shorter first. */
int slice_compare(struct slice a, struct slice b);

#endif
