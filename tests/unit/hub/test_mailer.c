/*
 * Stored mails, sent through a postman who takes them, puts them off, refuses them, or is not there; and the mail about
 * an endpoint that fails. A real node, on the disk where a restart matters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../net/postman.h"
#include "hub/hub_impl.h"
#include "store/store.h"
#include "town.h"

struct office {
	char dir[64]; /* "": on the memory store */
	struct guard *guard;
	struct hub *hub;
	struct node *node;
	uint16_t port;
};

static const struct script usual;

static void office_open(struct office *o, uint16_t port)
{
	struct store_options store = STORE_OPTIONS_DEFAULT;
	struct hub_options hub = { .public_url = "https://p.example.org",
				   .mail = { .host = "127.0.0.1", .port = port, .from = "postrider@example.org" },
				   .mail_retry_ms = 20 };
	struct node_options node = { .guard = o->guard, .stop_ms = 1000, .limits = engine_limits_default };
	struct fault fault = NO_FAULT;

	if (port == 0)
		hub.mail.host = NULL;
	o->hub = hub_new(&hub);
	node.hooks = hub_hooks(o->hub);
	node.data_dir = o->dir[0] ? o->dir : NULL;
	node.store = o->dir[0] ? NULL : store_memory_new(&store);
	if (node_start(&node, &o->node, &fault) || hub_attach(o->hub, o->node, &fault))
		fail_msg("%s: %s", fault.param, fault.message);
}

static void office_close(struct office *o)
{
	hub_detach(o->hub);
	node_stop(&o->node);
	hub_free(&o->hub);
}

static int office_begin(void **state)
{
	struct office *o = calloc(1, sizeof(*o));

	o->guard = guard_new();
	*state = o;
	return 0;
}

static int unlink_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static int office_end(void **state)
{
	struct office *o = *state;

	if (o->dir[0])
		nftw(o->dir, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
	guard_free(&o->guard);
	free(o);
	return 0;
}

/* --- steps --- */

struct order {
	struct office *o;
	const char *to;
	struct slice subject, text;
	bool taken;
};

static void order_step(void *ctx, struct book *b)
{
	struct order *order = ctx;
	struct fault fault = NO_FAULT;
	struct arena arena;
	struct deed d = { .hub = order->o->hub,
			  .book = b,
			  .project = SLICE_LIT("p"),
			  .now_ms = book_now_ms(b),
			  .arena = &arena,
			  .fault = &fault };

	arena_init(&arena);
	order->taken = mailer_queue(&d, slice_str(order->to), order->subject, order->text);
	arena_free(&arena);
}

static bool queue_slices(struct office *o, const char *to, struct slice subject, struct slice text)
{
	struct order order = { o, to, subject, text, false };

	assert_int_equal(node_book_wait(o->node, order_step, &order), 0);
	return order.taken;
}

static bool queue(struct office *o, const char *to, const char *text)
{
	return queue_slices(o, to, SLICE_LIT("Subject"), slice_str(text));
}

static bool count_one(void *ctx, struct slice value, struct slice id, struct slice text)
{
	(void)value, (void)id, (void)text;
	++*(size_t *)ctx;
	return true;
}

static void count_stored(void *ctx, struct book *b)
{
	struct object_query q = { .kind = KIND_MAIL, .field = FIELD_TIME };

	book_walk(b, &q, false, count_one, ctx);
}

static size_t stored(struct office *o)
{
	size_t n = 0;

	node_book_read(o->node, count_stored, &n);
	return n;
}

static const char *mail_for(struct postman *p, const char *part)
{
	for (size_t i = 0; i < postman_mails(p); i++)
		if (strstr(postman_mail(p, i), part))
			return postman_mail(p, i);
	fail_msg("no mail with \"%s\"", part);
	return NULL;
}

/* --- cases --- */

static void one_each(void **state)
{
	struct postman *p = postman_new(&usual, 1);
	struct office *o = *state;

	office_open(o, postman_port(p));
	assert_true(queue(o, "a@example.org, b@example.org", "Hello."));
	TOWN_WAIT(postman_mails(p) == 2 && stored(o) == 0);
	assert_non_null(strstr(mail_for(p, "\nTo: a@example.org\n"), "\nSubject: Subject\n"));
	assert_non_null(strstr(mail_for(p, "\nTo: b@example.org\n"), "\n\nHello.\n"));
	assert_false(queue(o, " , ", "Hello."));
	office_close(o);
	postman_free(&p);
}

static void strange_bytes_and_addresses(void **state)
{
	struct postman *p = postman_new(&usual, 1);
	struct office *o = *state;

	office_open(o, postman_port(p));
	assert_true(queue_slices(o, "\xc3\xa9@z.zz,<a@b.c>,a@example.org", SLICE_LIT("One\0two\r\nthree"),
				 SLICE_LIT("Before\0after")));
	assert_false(queue(o, "\xc3\xa9@z.zz", "Hello."));
	TOWN_WAIT(postman_mails(p) == 1 && stored(o) == 0);
	assert_non_null(strstr(mail_for(p, "\nTo: a@example.org\n"), "\nSubject: One two  three\n"));
	mail_for(p, "\n\nBefore after\n");
	office_close(o);
	assert_int_equal(postman_connections(p), 1);
	postman_free(&p);
}

static void without_server(void **state)
{
	struct office *o = *state;

	office_open(o, 0);
	assert_false(mailer_works(o->hub->mailer));
	assert_false(queue(o, "a@example.org", "Hello."));
	assert_int_equal(stored(o), 0);
	office_close(o);
}

/* Put off twice, then taken: the same mail, and the others are not held up by it. */
static void put_off(void **state)
{
	static const struct script scripts[] = { { .rcpt = "451 greylisted" },
						 { .end = "452 no room" },
						 { .rcpt = NULL } };
	struct postman *p = postman_new(scripts, 3);
	struct office *o = *state;

	office_open(o, postman_port(p));
	assert_true(queue(o, "a@example.org", "Hello."));
	TOWN_WAIT(postman_mails(p) == 1 && stored(o) == 0);
	assert_int_equal(postman_connections(p), 3);
	assert_non_null(strstr(postman_mail(p, 0), "\nMessage-ID: <ML"));
	assert_non_null(strstr(postman_mail(p, 0), "@example.org>\n"));
	office_close(o);
	postman_free(&p);
}

static void refused(void **state)
{
	static const struct script scripts[] = { { .rcpt = "550 no such user" }, { .rcpt = NULL } };
	struct postman *p = postman_new(scripts, 2);
	struct office *o = *state;

	office_open(o, postman_port(p));
	assert_true(queue(o, "nobody@example.org,a@example.org,not-an-address", "Hello."));
	TOWN_WAIT(stored(o) == 0);
	assert_int_equal(postman_mails(p), 1);
	assert_non_null(strstr(postman_mail(p, 0), "\nTo: a@example.org\n"));
	office_close(o);
	postman_free(&p);
}

/* The server is not there; then it is. What waited is sent, also when the daemon was started anew between. */
static void server_comes_back(void **state)
{
	struct postman *p = postman_new(&usual, 1);
	uint16_t port = postman_port(p);
	struct office *o = *state;

	postman_free(&p);
	snprintf(o->dir, sizeof(o->dir), "/tmp/mailer-XXXXXX");
	assert_non_null(mkdtemp(o->dir));
	office_open(o, port);
	assert_true(queue(o, "a@example.org", "One."));
	assert_true(queue(o, "a@example.org", "Two."));
	assert_int_equal(stored(o), 2);
	office_close(o);
	office_open(o, port);
	assert_int_equal(stored(o), 2);
	p = postman_new_at(port, &usual, 1);
	TOWN_WAIT(postman_mails(p) == 2 && stored(o) == 0);
	mail_for(p, "\n\nOne.\n");
	mail_for(p, "\n\nTwo.\n");
	office_close(o);
	office_open(o, port);
	assert_int_equal(stored(o), 0);
	office_close(o);
	postman_free(&p);
}

/* A server that hangs does not hold up the end. */
static void stops_in_time(void **state)
{
	static const struct script silent = { .silent = true };
	struct postman *p = postman_new(&silent, 1);
	struct office *o = *state;
	int64_t begun;

	office_open(o, postman_port(p));
	assert_true(queue(o, "a@example.org", "Hello."));
	TOWN_WAIT(postman_connections(p) == 1);
	begun = clock_mono_us();
	office_close(o);
	assert_true(clock_mono_us() - begun < 10000000);
	postman_free(&p);
}

/* --- failing endpoints --- */

static void put_project(struct office *o, const char *id, const char *text)
{
	struct fault fault = NO_FAULT;
	struct json_doc doc;

	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, slice_str(text), &json_limits_default, NULL), 0);
	if (node_project_put(o->node, slice_str(id), json_root(&doc), false, NULL, &fault))
		fail_msg("%s: %s", fault.param, fault.message);
	json_doc_free(&doc);
}

static struct endpoint *endpoint(uint64_t number, const char *owner, bool of_organization)
{
	struct endpoint_identity who = { .number = number,
					 .revision = 1,
					 .of_organization = of_organization,
					 .owner = slice_str(owner),
					 .id = SLICE_LIT("crm") };
	struct fault fault = NO_FAULT;
	struct endpoint *ep = NULL;
	struct json_doc doc;

	json_doc_init(&doc);
	json_parse(&doc, SLICE_LIT("{\"url\":\"http://crm.example.org/hook\",\"preset\":\"telerivet\"}"),
		   &json_limits_default, NULL);
	if (endpoint_compile(json_root(&doc), &who, &ep, &fault))
		fail_msg("%s: %s", fault.param, fault.message);
	json_doc_free(&doc);
	return ep;
}

static void tell(struct office *o, const struct endpoint *ep, bool ok)
{
	hub_hooks(o->hub)->trouble(hub_hooks(o->hub)->ctx, ep, ok, ok ? 200 : 403, SLICE_LIT(""));
}

/* The addresses of the project get one mail each when it begins and one when it ends, and none between. */
static void trouble(void **state)
{
	struct postman *p = postman_new(&usual, 1);
	struct office *o = *state;
	struct endpoint *ep = endpoint(1, "p", false);

	office_open(o, postman_port(p));
	put_project(o, "p", "{\"name\":\"Shop\",\"notify_emails\":[\"a@example.org\",\"b@example.org\"]}");
	tell(o, ep, false);
	TOWN_WAIT(postman_mails(p) == 2);
	mail_for(p, "\nTo: a@example.org\nSubject: [Shop] endpoint \"crm\" is failing\n");
	mail_for(p, "\nTo: b@example.org\nSubject: [Shop] endpoint \"crm\" is failing\n");
	for (int i = 0; i < 100; i++)
		tell(o, ep, false);
	tell(o, ep, true);
	TOWN_WAIT(postman_mails(p) == 4);
	mail_for(p, "\nTo: a@example.org\nSubject: [Shop] endpoint \"crm\" works again\n");
	mail_for(p, "Failed attempts: 100 times, since the mail before\n");
	office_close(o);
	assert_int_equal(postman_mails(p), 4);
	endpoint_unref(&ep);
	postman_free(&p);
}

/* Endpoints of an organization, of a project without addresses, of one that is gone: nobody to write to. */
static void nobodys_trouble(void **state)
{
	struct postman *p = postman_new(&usual, 1);
	struct office *o = *state;
	struct endpoint *eps[] = { endpoint(1, "o", true), endpoint(2, "p", false), endpoint(3, "gone", false) };

	office_open(o, postman_port(p));
	put_project(o, "p", "{\"name\":\"Shop\"}");
	put_project(o, "o", "{\"notify_emails\":[\"a@example.org\"]}"); /* a project of the organization's name */
	for (int i = 0; i < 3; i++)
		tell(o, eps[i], false);
	assert_true(queue(o, "last@example.org", "Hello."));
	TOWN_WAIT(postman_mails(p) > 0 && stored(o) == 0);
	office_close(o);
	for (int i = 0; i < 3; i++)
		endpoint_unref(&eps[i]);
	assert_int_equal(postman_mails(p), 1);
	postman_free(&p);
}

/* The store of mails is bounded: at the bound a rule is told that its mail was not taken. */
static void bounded(void **state)
{
	static const struct script silent = { .silent = true };
	struct postman *p = postman_new(&silent, 1);
	struct office *o = *state;
	int taken = 0;

	office_open(o, postman_port(p));
	while (taken <= 600 && queue(o,
				     "a@x.y,b@x.y,c@x.y,d@x.y,e@x.y,f@x.y,g@x.y,h@x.y,i@x.y,j@x.y,k@x.y,l@x.y,m@x.y,"
				     "n@x.y,o@x.y,p@x.y,q@x.y,r@x.y,s@x.y,t@x.y,u@x.y",
				     "Hello."))
		taken++;
	assert_int_equal(taken, 500); /* of 20 mails, the 21st address is left out */
	office_close(o);
	postman_free(&p);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, office_begin, office_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(one_each),	       CASE(strange_bytes_and_addresses),
		CASE(without_server),  CASE(put_off),
		CASE(refused),	       CASE(server_comes_back),
		CASE(stops_in_time),   CASE(trouble),
		CASE(nobodys_trouble), CASE(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
