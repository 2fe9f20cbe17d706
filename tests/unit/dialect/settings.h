/*
 * For tests of endpoints: from JSON texts to endpoints and events, and
 * the checks that most of them make. JSON is written with ' for ".
 */
#ifndef TESTS_UNIT_DIALECT_SETTINGS_H
#define TESTS_UNIT_DIALECT_SETTINGS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "dialect/endpoint.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* A copy with ' turned into "; mem_free it. */
static inline char *quoted(const char *text)
{
	char *copy = mem_strdup(text);

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	return copy;
}

/* A document that owns its text. */
struct parsed {
	char *text;
	struct json_doc doc;
};

static inline struct json parsed_set(struct parsed *p, const char *text)
{
	struct fault fault;

	p->text = quoted(text);
	json_doc_init(&p->doc);
	if (json_parse(&p->doc, slice_str(p->text), &json_limits_default, &fault) != 0)
		fail_msg("the test's JSON is wrong: %s: %s", p->text, fault.message);
	return json_root(&p->doc);
}

static inline void parsed_free(struct parsed *p)
{
	json_doc_free(&p->doc);
	mem_free(p->text);
}

static inline int try_settings(const char *text, struct endpoint **ret, struct fault *fault)
{
	struct endpoint_identity who = { .number = 7,
					 .revision = 3,
					 .owner = SLICE_LIT("demo"),
					 .id = SLICE_LIT("crm"),
					 .organization_id = SLICE_LIT("org") };
	struct parsed p;
	int err = endpoint_compile(parsed_set(&p, text), &who, ret, fault);

	parsed_free(&p);
	return err;
}

static inline struct endpoint *endpoint_of(const char *text)
{
	struct endpoint *ep = NULL;
	struct fault fault;

	if (try_settings(text, &ep, &fault) != 0)
		fail_msg("%s was refused: %s: %s", text, fault.param, fault.message);
	return ep;
}

/* Refused, with this param and a message that holds word. */
static inline struct fault assert_refused(const char *text, const char *param, const char *word)
{
	struct endpoint *ep = NULL;
	struct fault fault = { .position = -1 };

	if (try_settings(text, &ep, &fault) != ERR_INVALID)
		fail_msg("%s was accepted", text);
	if (strcmp(fault.param, param) != 0 || !strstr(fault.message, word))
		fail_msg("%s: expected %s: …%s…, got %s: %s", text, param, word, fault.param, fault.message);
	assert_string_equal(fault.code, "invalid_param");
	return fault;
}

static inline struct event *event_of(const char *text)
{
	struct event *e = NULL;
	struct fault fault;
	struct parsed p;

	if (event_parse(parsed_set(&p, text), SLICE_LIT("demo"), 1547125204000, &e, &fault) != 0)
		fail_msg("%s was refused: %s: %s", text, fault.param, fault.message);
	parsed_free(&p);
	return e;
}

/* What endpoint_write says, as a whole object; mem_free it. */
static inline char *written(const struct endpoint *ep, bool reveal)
{
	struct json_writer w;
	struct buf out;

	buf_init(&out, 4 * 1024 * 1024);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	endpoint_write(ep, &w, reveal);
	json_end_object(&w);
	assert_false(buf_failed(&out));
	return buf_take(&out);
}

#endif
