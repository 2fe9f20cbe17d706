#include "folk.h"

#include <stdio.h>
#include <string.h>

#include "hub/contact.h"
#include "hub/intake.h"

struct person {
	struct town *t;
	const char *id, *number, *name;
	char *ret;
};

static void make_phone(struct deed *d, void *ctx)
{
	const struct person *p = ctx;
	struct record *phone = record_new(d, KIND_PHONE, p->id);

	record_set_text(phone, "name", SLICE_LIT("Test"));
	record_set_text(phone, "phone_type", SLICE_LIT("test"));
	record_set_text(phone, "phone_number", slice_str(p->number));
	record_set_text(phone, "country", SLICE_LIT("SE"));
	record_save(d, phone);
}

void folk_phone(struct town *t, const char *id, const char *number)
{
	struct person p = { .id = id, .number = number };

	town_do(t, make_phone, &p);
}

static void make_contact(struct deed *d, void *ctx)
{
	const struct person *p = ctx;
	struct record *contact = contact_for_number(d, slice_str(p->number));

	record_set_text(contact, "name", slice_str(p->name));
	record_save(d, contact);
	slice_copy(p->ret, 64, record_id(contact));
}

void folk_contact(struct town *t, const char *number, const char *name, char ret[64])
{
	struct person p = { .number = number, .name = name, .ret = ret };

	town_do(t, make_contact, &p);
}

struct look {
	struct town *t;
	enum kind kind;
	const char *id, *member, *json;
};

static void read_member(struct deed *d, void *ctx)
{
	const struct look *look = ctx;
	struct record *r = record_load(d, look->kind, slice_str(look->id));

	buf_reset(&look->t->scratch);
	if (r)
		buf_add_slice(&look->t->scratch, record_raw(r, look->member));
}

const char *folk_member(struct town *t, enum kind kind, const char *id, const char *member)
{
	struct look look = { .t = t, .kind = kind, .id = id, .member = member };

	town_look(t, read_member, &look);
	return buf_str(&t->scratch);
}

static void write_member(struct deed *d, void *ctx)
{
	const struct look *look = ctx;
	struct record *r = record_load(d, look->kind, slice_str(look->id));

	assert_non_null(r);
	record_set(r, look->member, slice_str(look->json));
	record_save(d, r);
}

void folk_set(struct town *t, enum kind kind, const char *id, const char *member, const char *json)
{
	struct look look = { .t = t, .kind = kind, .id = id, .member = member, .json = json };

	town_do(t, write_member, &look);
}

struct posting {
	struct event *event;
	int64_t seq;
	bool duplicate;
};

static void take_in(struct deed *d, void *ctx)
{
	struct posting *p = ctx;

	intake_events(d, &p->event, 1, &p->seq, &p->duplicate);
}

int64_t folk_post(struct town *t, const char *event)
{
	struct posting p = { 0 };
	struct fault fault = NO_FAULT;
	struct json_doc doc;

	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, slice_str(event), &json_limits_default, NULL), 0);
	if (event_parse(json_root(&doc), SLICE_LIT("p"), node_now_ms(t->node), &p.event, &fault))
		fail_msg("%s: %s", fault.param, fault.message);
	town_do(t, take_in, &p);
	assert_int_equal(p.duplicate, p.seq == 0);
	event_unref(&p.event);
	json_doc_free(&doc);
	return p.seq;
}
