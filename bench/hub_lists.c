/*
 * hub_lists: how long the first page of each list takes over many objects in the SQLite store, without HTTP around
 * it. Fills a project with contacts and as many messages, then asks for every list that clients know, and prints
 * one line each: milliseconds of the processor (median of some calls), and by the clock (median, first, slowest),
 * which on a busy machine says more about the others. Ends with 1 when the processor's are above the limit. Unlike
 * the other programs here it is made of the daemon's own parts; it is run by hand.
 *
 *   hub_lists [OBJECTS [FOLDER [fill]]]		1000000, a new folder that is removed; fill: asks nothing
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "hub/hub.h"
#include "hub/rest.h"

#define LIMIT_MS 20.0
#define CALLS	 7
#define PART	 2000
#define BASE	 1700000000
#define GROUPS	 50
#define SERVICES 20
#define PHONES	 3

struct bench {
	struct hub *hub;
	struct node *node;
	struct guard *guard;
	int objects;
};

struct task {
	struct bench *bench;
	int from, upto;
	rest_op *op;
	const char *id, *params;
	struct buf *answer;
	int err;
};

static void die_of(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(2);
}

static struct deed deed_of(struct task *t, struct book *b, struct arena *arena, struct fault *fault)
{
	return (struct deed){ .hub = t->bench->hub,
			      .book = b,
			      .project = SLICE_LIT("p"),
			      .origin = ORIGIN_API,
			      .now_ms = (int64_t)BASE * 1000,
			      .arena = arena,
			      .fault = fault };
}

/* --- filling --- */

static void set_id(struct record *r, const char *name, const char *prefix, int i)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%06d", prefix, i);
	record_set_text(r, name, slice_str(text));
}

static void put_contact(struct deed *d, int i)
{
	struct record *r;
	char text[96];

	snprintf(text, sizeof(text), "CT%06d", i);
	r = record_new(d, KIND_CONTACT, text);
	record_set_i64(r, "time_created", BASE + i);
	snprintf(text, sizeof(text), "Name %d of the many %d", i * 7919 % 1000003, i);
	record_set_text(r, "name", slice_str(text));
	snprintf(text, sizeof(text), "+4670%07d", i);
	record_set_text(r, "phone_number", slice_str(text));
	record_set_i64(r, "last_message_time", BASE + i * 31 % 1000003);
	record_set_i64(r, "message_count", i % 50);
	record_set_bool(r, "send_blocked", i % 100 == 0);
	snprintf(text, sizeof(text), "[\"CG%d\",\"CGall\"%s]", i % GROUPS, i % 1000 == 0 ? ",\"CGfew\"" : "");
	record_set(r, "group_ids", slice_str(text));
	snprintf(text, sizeof(text), "{\"city\":\"City %d\",\"age\":%d}", i % 1000, i % 90);
	record_set(r, "vars", slice_str(text));
	record_save(d, r);
}

static void put_message(struct deed *d, int i)
{
	static const char *const statuses[] = { "delivered", "sent", "received" };
	struct record *r;
	char text[96];

	snprintf(text, sizeof(text), "SM%06d", i);
	r = record_new(d, KIND_MESSAGE, text);
	record_set_i64(r, "time_created", BASE + i);
	record_set_text(r, "direction", i % 2 ? SLICE_LIT("incoming") : SLICE_LIT("outgoing"));
	record_set_text(r, "status", slice_str(i % 10007 == 0 ? "failed" : statuses[i % 3]));
	record_set_text(r, "message_type", SLICE_LIT("sms"));
	record_set_text(r, "content", SLICE_LIT("A text of usual length, as people send them to each other."));
	set_id(r, "contact_id", "CT", i % 1000 == 0 ? 5 : i);
	set_id(r, "phone_id", "PN", i % PHONES);
	set_id(r, "external_id", "X", i);
	record_set_bool(r, "starred", i % 997 == 0);
	record_set_bool(r, "simulated", false);
	if (i % 100 == 0)
		record_set(r, "label_ids", SLICE_LIT("[\"CLmany\"]"));
	record_save(d, r);
}

static void put_log(struct deed *d, int i)
{
	struct record *r;
	char id[32];

	snprintf(id, sizeof(id), "SL%06d", i);
	r = record_new(d, KIND_SERVICE_LOG, id);
	record_set_i64(r, "time_created", BASE + i);
	record_set_text(r, "type", SLICE_LIT("webhook"));
	record_set_text(r, "content", SLICE_LIT("http://127.0.0.1/hook answered HTTP 200"));
	record_set_bool(r, "error", i % 1000 == 0);
	set_id(r, "service_id", "SV", i % SERVICES);
	set_id(r, "message_id", "SM", i);
	set_id(r, "contact_id", "CT", i);
	record_save(d, r);
}

static void put_state(struct deed *d, int i)
{
	struct record *r;
	char id[32];

	snprintf(id, sizeof(id), "SV%06d.CT%06d", i % SERVICES, i);
	r = record_new(d, KIND_STATE, id);
	record_set_text(r, "id", SLICE_LIT("asked"));
	set_id(r, "service_id", "SV", i % SERVICES);
	set_id(r, "contact_id", "CT", i);
	record_set(r, "vars", SLICE_LIT("{\"step\":2}"));
	record_save(d, r);
}

static void put_broadcast(struct deed *d, int i)
{
	struct record *r;
	char id[32];

	snprintf(id, sizeof(id), "BC%06d", i);
	r = record_new(d, KIND_BROADCAST, id);
	record_set_i64(r, "time_created", BASE + i);
	record_set_i64(r, "last_message_time", BASE + i);
	record_set_text(r, "content", SLICE_LIT("To all of you"));
	record_save(d, r);
}

/* Beside contacts and messages: a log entry and a state for some of them, now and then a broadcast. */
static void put_beside(struct deed *d, int i)
{
	if (i % 4 == 0) {
		put_log(d, i);
		put_state(d, i);
	}
	if (i % 1000 == 0)
		put_broadcast(d, i);
}

static void fill_part(void *ctx, struct book *b)
{
	struct task *t = ctx;
	struct fault fault = NO_FAULT;
	struct arena arena;
	struct deed d = deed_of(t, b, &arena, &fault);

	for (int i = t->from; i < t->upto; i++) {
		arena_init(&arena);
		put_contact(&d, i);
		put_message(&d, i);
		put_beside(&d, i);
		arena_free(&arena);
	}
}

/* So many of a kind, with ids and names of this prefix. */
static void put_named(struct deed *d, enum kind kind, const char *prefix, int count)
{
	for (int i = 0; i < count; i++) {
		char id[16];
		struct record *r;

		snprintf(id, sizeof(id), "%s%06d", prefix, i);
		r = record_new(d, kind, id);
		record_set_text(r, "name", slice_str(id));
		record_save(d, r);
	}
}

static void put_fixed(void *ctx, struct book *b)
{
	struct fault fault = NO_FAULT;
	struct arena arena;
	struct deed d = deed_of(ctx, b, &arena, &fault);
	struct record *r;

	arena_init(&arena);
	record_save(&d, record_new(&d, KIND_LABEL, "CLmany"));
	record_save(&d, record_new(&d, KIND_GROUP, "CGall"));
	record_save(&d, record_new(&d, KIND_GROUP, "CGfew"));
	for (int i = 0; i < GROUPS; i++) {
		char id[16];

		snprintf(id, sizeof(id), "CG%d", i);
		r = record_new(&d, KIND_GROUP, id);
		record_set_text(r, "name", slice_str(id));
		record_save(&d, r);
	}
	put_named(&d, KIND_PHONE, "PN", PHONES);
	put_named(&d, KIND_SERVICE, "SV", SERVICES);
	arena_free(&arena);
}

static void fill(struct bench *bench)
{
	int64_t started = clock_mono_us();
	struct task t = { .bench = bench };

	if (node_book_wait(bench->node, put_fixed, &t))
		die_of("fill", "commit failed");
	for (; t.from < bench->objects; t.from = t.upto) {
		t.upto = t.from + PART < bench->objects ? t.from + PART : bench->objects;
		if (node_book_wait(bench->node, fill_part, &t))
			die_of("fill", "commit failed");
	}
	printf("filled in %.1f s, %.1f us an object\n", (double)(clock_mono_us() - started) / 1e6,
	       (double)(clock_mono_us() - started) / (2.0 * bench->objects));
}

/* --- asking --- */

static void call(void *ctx, struct book *b)
{
	struct task *t = ctx;
	struct fault fault = NO_FAULT;
	struct json_writer w;
	struct json_doc doc;
	struct arena arena;
	struct rest r = { .deed = deed_of(t, b, &arena, &fault),
			  .id = slice_str(t->id),
			  .w = &w,
			  .node = t->bench->node,
			  .status = 200 };

	arena_init(&arena);
	json_doc_init(&doc);
	buf_reset(t->answer);
	json_writer_init(&w, t->answer);
	if (json_parse(&doc, slice_str(t->params), &json_limits_default, NULL))
		die_of("params", t->params);
	r.params = json_root(&doc);
	t->err = t->op(&r);
	if (t->err)
		die_of(fault.param, fault.message);
	json_doc_free(&doc);
	arena_free(&arena);
}

/* Of this thread, in microseconds: reading runs on the thread that asks. */
static int64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The median of the processor's milliseconds. */
static double measure(struct bench *bench, const char *name, rest_op *op, const char *id, const char *params)
{
	struct buf answer;
	struct task t = { .bench = bench, .op = op, .id = id, .params = params, .answer = &answer };
	double ms[CALLS], cpu_ms[CALLS], first;

	buf_init(&answer, 64u << 20);
	for (int i = 0; i < CALLS; i++) {
		int64_t started = clock_mono_us(), cpu = cpu_us();

		node_book_read(bench->node, call, &t);
		cpu_ms[i] = (double)(cpu_us() - cpu) / 1000;
		ms[i] = (double)(clock_mono_us() - started) / 1000;
	}
	first = ms[0];
	qsort(ms, CALLS, sizeof(ms[0]), compare);
	qsort(cpu_ms, CALLS, sizeof(cpu_ms[0]), compare);
	printf("%8.2f %8.2f %8.2f %8.2f  %7zu bytes  %-9s %s %s\n", cpu_ms[CALLS / 2], ms[CALLS / 2], first,
	       ms[CALLS - 1], answer.n, name, id ? id : "", params);
	buf_free(&answer);
	return cpu_ms[CALLS / 2];
}

static const struct {
	const char *name;
	rest_op *op;
	const char *id, *params;
	bool slow; /* looks at every object by its nature: shown, not held to the limit */
} lists[] = {
	{ "contacts", rest_contacts, NULL, "{}", false },
	{ "contacts", rest_contacts, NULL, "{\"sort_dir\":\"desc\"}", false },
	{ "contacts", rest_contacts, NULL, "{\"sort\":\"name\"}", false },
	{ "contacts", rest_contacts, NULL, "{\"sort\":\"phone_number\",\"sort_dir\":\"desc\"}", false },
	{ "contacts", rest_contacts, NULL, "{\"sort\":\"last_message_time\",\"sort_dir\":\"desc\"}", false },
	{ "contacts", rest_contacts, NULL, "{\"page_size\":500}", false },
	{ "contacts", rest_contacts, NULL, "{\"offset\":10000}", false },
	{ "contacts", rest_contacts, NULL, "{\"phone_number\":\"+46700000777\"}", false },
	{ "contacts", rest_contacts, NULL, "{\"phone_number[prefix]\":\"+467000\"}", false },
	{ "contacts", rest_contacts, NULL, "{\"name[prefix]\":\"Name 77\"}", false },
	{ "contacts", rest_contacts, NULL, "{\"name[prefix]\":\"Name 7777\"}", false },
	{ "contacts", rest_contacts, NULL, "{\"name[prefix]\":\"Name 77\",\"sort\":\"name\"}", false },
	{ "contacts", rest_contacts, NULL, "{\"time_created[min]\":1700500000}", false },
	{ "contacts", rest_contacts, NULL, "{\"time_created[min]\":1700000100,\"sort\":\"name\"}", false },
	{ "contacts", rest_contacts, NULL, "{\"last_message_time[min]\":1700999000}", false },
	{ "contacts", rest_contacts, NULL, "{\"last_message_time[exists]\":1}", false },
	{ "contacts", rest_contacts, NULL, "{\"group_id\":\"CG7\"}", false },
	{ "contacts", rest_contacts, NULL, "{\"group_id\":\"CG7\",\"sort\":\"name\"}", false },
	{ "contacts", rest_contacts, NULL, "{\"group_id\":\"CGall\",\"sort\":\"name\"}", false },
	{ "contacts", rest_contacts, NULL, "{\"group_id\":\"CGfew\",\"sort\":\"last_message_time\"}", false },
	{ "contacts", rest_contacts, NULL, "{\"send_blocked\":1}", false },
	{ "contacts", rest_contacts, NULL, "{\"vars[city]\":\"City 7\"}", true },
	{ "contacts", rest_contacts, NULL, "{\"count\":1}", true },
	{ "contacts", rest_contacts, NULL, "{\"count\":1,\"group_id\":\"CG7\"}", true },
	{ "contacts", rest_contacts, NULL, "{\"vars[city]\":\"nowhere\"}", true },
	{ "groups", rest_groups, NULL, "{\"sort\":\"name\"}", false },
	{ "members", rest_group_contacts, "CGall", "{}", false },
	{ "groups of", rest_contact_groups, "CT000077", "{}", false },
	{ "messages", rest_messages, NULL, "{}", false },
	{ "messages", rest_messages, NULL, "{\"sort_dir\":\"desc\"}", false },
	{ "messages", rest_messages, NULL, "{\"direction\":\"incoming\",\"sort_dir\":\"desc\"}", false },
	{ "messages", rest_messages, NULL, "{\"status\":\"delivered\"}", false },
	{ "messages", rest_messages, NULL, "{\"status\":\"failed\",\"sort_dir\":\"desc\"}", false },
	{ "messages", rest_messages, NULL, "{\"starred\":1}", false },
	{ "messages", rest_messages, NULL, "{\"phone_id\":\"PN000001\"}", false },
	{ "messages", rest_messages, NULL, "{\"phone_id\":\"PN000001\",\"status\":\"failed\"}", false },
	{ "messages", rest_messages, NULL, "{\"external_id\":\"X000777\"}", false },
	{ "messages", rest_messages, NULL, "{\"time_created[min]\":1700500000,\"time_created[max]\":1700500100}",
	  false },
	{ "messages", rest_messages, NULL, "{\"time_created[min]\":1700500000,\"phone_id\":\"PN000001\"}", false },
	{ "messages", rest_messages, NULL, "{\"contact_id\":\"CT000005\"}", false },
	{ "messages", rest_messages, NULL, "{\"group_id\":\"CG7\"}", false },
	{ "messages", rest_messages, NULL, "{\"count\":1}", true },
	{ "labelled", rest_label_messages, "CLmany", "{\"sort_dir\":\"desc\"}", false },
	{ "of one", rest_contact_messages, "CT000005", "{\"sort_dir\":\"desc\"}", false },
};

static bool ask(struct bench *bench)
{
	bool good = true;

	printf("     cpu   median    first  slowest  (ms)\n");
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		double ms = measure(bench, lists[i].name, lists[i].op, lists[i].id, lists[i].params);

		if (ms > LIMIT_MS && !lists[i].slow) {
			printf("  above %.0f ms\n", LIMIT_MS);
			good = false;
		}
	}
	return good;
}

/* --- life --- */

static void start(struct bench *bench, const char *dir)
{
	struct hub_options hub = { .public_url = "http://127.0.0.1:8420" };
	struct node_options node = { .data_dir = dir, .stop_ms = 2000, .limits = engine_limits_default };
	struct fault fault = NO_FAULT;
	struct json_doc doc;

	bench->hub = hub_new(&hub);
	bench->guard = guard_new();
	node.guard = bench->guard;
	node.hooks = hub_hooks(bench->hub);
	if (node_start(&node, &bench->node, &fault) || hub_attach(bench->hub, bench->node, &fault))
		die_of("start", fault.message);
	json_doc_init(&doc);
	json_parse(&doc, SLICE_LIT("{\"name\":\"P\"}"), &json_limits_default, NULL);
	if (node_project_put(bench->node, SLICE_LIT("p"), json_root(&doc), false, NULL, &fault))
		die_of("project", fault.message);
	json_doc_free(&doc);
}

static void remove_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(path);
}

int main(int argc, char **argv)
{
	struct bench bench = { .objects = 1000000 };
	char made[] = "/tmp/hub-lists-XXXXXX";
	const char *dir = argc > 2 ? argv[2] : NULL;
	bool fills_only = argc > 3 && strcmp(argv[3], "fill") == 0, good;
	long long objects;

	if (argc > 1 && slice_to_i64(slice_str(argv[1]), &objects) && objects > 0 && objects <= 10000000)
		bench.objects = (int)objects;
	else if (argc > 1)
		die_of(argv[1], "not a number of objects");
	if (!dir)
		dir = mkdtemp(made);
	if (!dir)
		die_of(made, "cannot be made");
	start(&bench, dir);
	fill(&bench);
	good = fills_only || ask(&bench);
	hub_detach(bench.hub);
	node_stop(&bench.node);
	hub_free(&bench.hub);
	guard_free(&bench.guard);
	if (argc <= 2)
		remove_folder(dir);
	return good ? 0 : 1;
}
