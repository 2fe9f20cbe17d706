/* Short links: what is replaced, where it leads, and that the first click is told. */
#include "town.h"

#include <string.h>

#include "hub/links.h"
#include "hub/tick.h"

#define BASE "http://127.0.0.1:8420" LINKS_PATH /* the town's public URL */

struct text {
	const char *content;
	char id[HUB_ID_BYTES];
	char made[1000];
	char urls[4000]; /* short_urls */
	char code[40];	 /* of the first short URL */
	int64_t clicked;
};

static void shorten(struct deed *d, void *ctx)
{
	struct text *t = ctx;
	struct record *m = record_new(d, KIND_MESSAGE, NULL);
	const char *at;

	slice_copy(t->made, sizeof(t->made), links_shorten(d, m, slice_str(t->content)));
	record_set_text(m, "direction", SLICE_LIT("outgoing"));
	record_set_text(m, "status", SLICE_LIT("sent"));
	record_save(d, m);
	slice_copy(t->id, sizeof(t->id), record_id(m));
	slice_copy(t->urls, sizeof(t->urls), record_raw(m, "short_urls"));
	at = strstr(t->made, BASE);
	if (at)
		slice_copy(t->code, sizeof(t->code), slice_of(at + strlen(BASE), 10));
}

static struct text shortened(struct town *town, const char *content)
{
	struct text t = { .content = content };

	town_do(town, shorten, &t);
	return t;
}

static void look(struct deed *d, void *ctx)
{
	struct text *t = ctx;
	struct record *m = record_load(d, KIND_MESSAGE, slice_str(t->id));

	slice_copy(t->urls, sizeof(t->urls), record_raw(m, "short_urls"));
	t->clicked = record_i64(m, "time_clicked", 0);
}

struct visit {
	const char *code;
	char target[1000];
	enum event_origin origin;
};

static void follow(struct deed *d, void *ctx)
{
	struct visit *v = ctx;
	struct deed stranger = *d;

	stranger.project = SLICE_LIT(""); /* who clicks names no project */
	stranger.origin = v->origin;
	slice_copy(v->target, sizeof(v->target), links_follow(&stranger, slice_str(v->code)));
}

static const char *target_of(struct town *town, const char *code, enum event_origin origin)
{
	static struct visit v;

	v = (struct visit){ .code = code, .origin = origin };
	town_do(town, follow, &v);
	return v.target;
}

static void expect(struct town *town, const char *content, const char *before, const char *target, const char *after)
{
	struct text t = shortened(town, content);
	size_t code_end = strlen(before) + strlen(BASE) + 10;

	assert_int_equal(strncmp(t.made, before, strlen(before)), 0);
	assert_int_equal(strncmp(t.made + strlen(before), BASE, strlen(BASE)), 0);
	assert_string_equal(t.made + code_end, after);
	assert_string_equal(target_of(town, t.code, ORIGIN_PLATFORM), target);
}

static void test_found(void **state)
{
	expect(*state, "http://a.example/", "", "http://a.example/", "");
	expect(*state, "See https://a.example/x?y=1&z=%20#top.", "See ", "https://a.example/x?y=1&z=%20#top", ".");
	expect(*state, "(https://a.example/x_(y)), ok", "(", "https://a.example/x_(y)", "), ok");
	expect(*state, "\"https://a.example:8080/\"\nBye", "\"", "https://a.example:8080/", "\"\nBye");
	expect(*state, "å https://a.example/å!", "å ", "https://a.example/%C3%A5", "!");
}

static void test_left_alone(void **state)
{
	static const char *const contents[] = {
		"",
		"no link",
		"ftp://a.example/",
		"www.a.example",
		"http://",
		"https://?",
		"xhttp://a.example/",
		"HTTP",
		"http://user:pw@a.example/",
		"javascript:http",
		BASE "0123456789",
	};

	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		struct text t = shortened(*state, contents[i]);

		assert_string_equal(t.made, contents[i]);
		assert_string_equal(t.urls, "");
	}
}

static void test_several(void **state)
{
	struct text t = shortened(*state, "a http://x.example/1 b http://x.example/1");
	const char *second = strstr(t.made, " b ");

	assert_non_null(second);
	assert_memory_equal(second + 3, BASE, strlen(BASE));
	assert_memory_not_equal(second + 3 + strlen(BASE), t.code, 10);
}

/* 20 of one message; the URLs behind them stay. */
static void test_many(void **state)
{
	struct text t;
	struct buf content;
	const char *rest;
	int links = 0;

	buf_init(&content, 1000);
	for (int i = 0; i < 25; i++)
		buf_add_str(&content, "http://x.example/1 ");
	t = shortened(*state, buf_str(&content));
	for (rest = t.made; strncmp(rest, BASE, strlen(BASE)) == 0; links++)
		rest = strchr(rest, ' ') + 1;
	assert_int_equal(links, 20);
	assert_string_equal(rest, buf_str(&content) + 20 * strlen("http://x.example/1 "));
	buf_free(&content);
}

static void test_click(void **state)
{
	struct town *town = *state;
	struct text t;

	town_endpoint(town, "all", "/all", "[\"send_status\"]");
	t = shortened(town, "http://x.example/1 http://x.example/2");
	assert_string_equal(target_of(town, t.code, ORIGIN_API), "http://x.example/1"); /* only looked */
	town_look(town, look, &t);
	assert_int_equal(t.clicked, 0);
	assert_string_equal(target_of(town, t.code, ORIGIN_PLATFORM), "http://x.example/1");
	assert_string_equal(target_of(town, t.code, ORIGIN_PLATFORM), "http://x.example/1");
	town_look(town, look, &t);
	assert_true(t.clicked > 0);
	assert_non_null(strstr(t.urls, "\"destination_url\":\"http://x.example/2\",\"time_clicked\":null"));
	assert_null(strstr(t.urls, "\"destination_url\":\"http://x.example/1\",\"time_clicked\":null"));
	assert_string_equal(town_field(town, "/all", 0, "short_urls[0][link_type]"), "redirect");
	assert_non_null(town_field(town, "/all", 0, "time_clicked"));
	assert_int_equal(town_count(town, "/all"), 1);
}

/* --- the message is gone --- */

#define DAYS_MS(n) (INT64_C(86400000) * (n))

struct look {
	struct text *text;
	bool there; /* the link's object */
};

static void find_link(struct deed *d, void *ctx)
{
	struct look *l = ctx;
	struct deed nobody = *d;

	nobody.project = SLICE_LIT("");
	l->there = record_load(&nobody, KIND_LINK, slice_str(l->text->code)) != NULL;
}

static bool has_link(struct town *town, struct text *t)
{
	struct look l = { t, false };

	town_look(town, find_link, &l);
	return l.there;
}

static void a_month_later(struct deed *d, void *ctx)
{
	(void)ctx;
	tick_due(d, d->now_ms + DAYS_MS(30) + 1000, 100);
}

static void test_message_deleted(void **state)
{
	struct town *town = *state;
	struct text kept = shortened(town, "http://x.example/1"), gone = shortened(town, "http://x.example/2");

	assert_int_equal(town_write(town, rest_message_delete, gone.id, NULL), 200);
	assert_string_equal(target_of(town, gone.code, ORIGIN_API), "");
	assert_string_equal(target_of(town, gone.code, ORIGIN_PLATFORM), "");
	assert_string_equal(target_of(town, kept.code, ORIGIN_PLATFORM), "http://x.example/1");
	assert_true(has_link(town, &gone));
	town_do(town, a_month_later, NULL);
	assert_false(has_link(town, &gone));
	assert_true(has_link(town, &kept));
}

static void test_project_deleted(void **state)
{
	struct town *town = *state;
	struct text t = shortened(town, "http://x.example/1");
	struct fault fault = NO_FAULT;

	assert_string_equal(target_of(town, t.code, ORIGIN_API), "http://x.example/1");
	assert_int_equal(node_project_delete(town->node, SLICE_LIT("p"), &fault), 0);
	assert_string_equal(target_of(town, t.code, ORIGIN_PLATFORM), "");
	town_do(town, a_month_later, NULL);
	assert_false(has_link(town, &t));
}

static void test_unknown(void **state)
{
	assert_string_equal(target_of(*state, "0123456789", ORIGIN_PLATFORM), "");
	assert_string_equal(target_of(*state, "", ORIGIN_PLATFORM), "");
	assert_string_equal(target_of(*state, "../../etc/passwd", ORIGIN_PLATFORM), "");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, town_begin, town_end)
	const struct CMUnitTest tests[] = {
		TEST(test_found), TEST(test_left_alone),      TEST(test_several),	  TEST(test_many),
		TEST(test_click), TEST(test_message_deleted), TEST(test_project_deleted), TEST(test_unknown),
	};

	return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
