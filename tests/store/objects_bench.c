/*
 * What objects cost: µs a put, a replacement, a get, a page of a walk, with many objects in the store. Not a test;
 * built by its name and run by hand:
 *
 *	objects_bench FOLDER [OBJECTS [TRANSACTIONS-A-COMMIT]]
 *
 * The objects are like messages: ids and times that grow, four keys (time, contact, phone, status), 700 bytes. FOLDER
 * is made, and stays.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/rand.h"
#include "store/object.h"
#include "store/store.h"

#define PUTS	   8 /* a transaction */
#define TEXT_BYTES 700

enum { KIND_MESSAGE, KIND_CONTACT };
enum { BY_TIME = 1, BY_CONTACT, BY_PHONE, BY_STATUS };

struct bench {
	struct store *store;
	struct rand rand;
	int64_t objects;  /* messages made so far */
	size_t group;	  /* transactions a commit */
	int64_t contacts; /* made so far */
	int64_t people;	  /* contacts there are to be */
	char text[TEXT_BYTES];
};

struct message {
	char id[32], contact[32], time[8];
	struct object_key keys[4];
	struct object_row row;
};

static void must(int err, const struct fault *fault)
{
	if (err == 0)
		return;
	fprintf(stderr, "%s: %s\n", err_text(err), fault->message);
	exit(1);
}

/* --- objects --- */

static void big_endian(char p[8], uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (char)(v >> (56 - 8 * i));
}

static void name_contact(char id[32], int64_t i)
{
	snprintf(id, 32, "CT0PzQ4t%016" PRId64, i);
}

/* The i-th message; the same each time but for its text and status. */
static void make_message(struct bench *b, struct message *m, int64_t i, const char *status)
{
	snprintf(m->id, sizeof(m->id), "SM0PzQ4t%016" PRIx64, (uint64_t)i);
	name_contact(m->contact, (int64_t)(hash_u64((uint64_t)i) % (uint64_t)b->people));
	big_endian(m->time, UINT64_C(1790000000000) + (uint64_t)i);
	b->text[rand_below(&b->rand, TEXT_BYTES)] = (char)('a' + rand_below(&b->rand, 26));
	m->keys[0] = (struct object_key){ BY_TIME, slice_of(m->time, 8) };
	m->keys[1] = (struct object_key){ BY_CONTACT, slice_str(m->contact) };
	m->keys[2] =
		(struct object_key){ BY_PHONE, i % 3 ? SLICE_LIT("PN0PzQ4tAAAAAAAAAAAA") : SLICE_LIT("PN0PzQ4tB") };
	m->keys[3] = (struct object_key){ BY_STATUS, slice_str(status) };
	m->row = (struct object_row){ .project = SLICE_LIT("PJ0PzQ4tCCCCCCCCCCCCCCCC"),
				      .kind = KIND_MESSAGE,
				      .id = slice_str(m->id),
				      .text = slice_of(b->text, TEXT_BYTES),
				      .keys = m->keys,
				      .key_count = 4 };
}

static void put_message(struct bench *b, struct store *s, int64_t i, const char *status)
{
	struct message m;

	make_message(b, &m, i, status);
	step_object_put(s, &m.row);
}

/* A contact is replaced with each message: only the time of the last one is another key than before. */
static void put_contact(struct bench *b, struct store *s, int64_t i, int64_t time)
{
	struct message m;

	make_message(b, &m, i, "");
	name_contact(m.id, i);
	big_endian(m.time, (uint64_t)time);
	m.row.kind = KIND_CONTACT;
	m.row.id = slice_str(m.id);
	m.keys[3].value = SLICE_LIT("a name");
	step_object_put(s, &m.row);
}

/* --- steps --- */

static void fill(void *ctx, struct store *s)
{
	struct bench *b = ctx;

	for (int i = 0; i < PUTS; i++)
		put_message(b, s, b->objects++, "received");
}

static void fill_contacts(void *ctx, struct store *s)
{
	struct bench *b = ctx;

	for (int i = 0; i < PUTS; i++, b->contacts++)
		put_contact(b, s, b->contacts, b->contacts);
}

static void replace_recent(void *ctx, struct store *s)
{
	struct bench *b = ctx;

	for (int i = 0; i < PUTS; i++)
		put_message(b, s, b->objects - 1 - (int64_t)rand_below(&b->rand, 5000), i % 2 ? "sent" : "delivered");
}

static void replace_any(void *ctx, struct store *s)
{
	struct bench *b = ctx;

	for (int i = 0; i < PUTS; i++)
		put_message(b, s, (int64_t)rand_below(&b->rand, (uint64_t)b->objects), "sent");
}

/* What one incoming message does: it, its contact and two more come or change, most of them twice. */
static void mixed(void *ctx, struct store *s)
{
	struct bench *b = ctx;
	int64_t first = b->objects, contact = (int64_t)rand_below(&b->rand, (uint64_t)b->people);

	for (int i = 0; i < 3; i++)
		put_message(b, s, b->objects++, "processing");
	put_contact(b, s, contact, first);
	put_message(b, s, first, "received");
	put_contact(b, s, contact, first + 1);
	put_message(b, s, first + 1, "queued");
	put_message(b, s, first - 20, "sent");
}

/* --- measuring --- */

static void commit_group(struct bench *b, step_fn *step)
{
	struct tx **txs = calloc(b->group, sizeof(*txs));
	struct fault fault;

	for (size_t i = 0; i < b->group; i++)
		tx_step(txs[i] = tx_new(), step, b);
	must(store_commit(b->store, txs, b->group, &fault), &fault);
	for (size_t i = 0; i < b->group; i++)
		tx_free(&txs[i]);
	free(txs);
}

/* This process's alone: a machine that has other things to do makes the wall's time say little. */
static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Bytes that went through write(2), checkpoints included. */
static double written(void)
{
	char line[100];
	FILE *f = fopen("/proc/self/io", "r");
	double bytes = 0;

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "wchar: ", 7) == 0)
			bytes = strtod(line + 7, NULL);
	if (f)
		fclose(f);
	return bytes;
}

static void measure_puts(struct bench *b, const char *what, step_fn *step, int64_t puts)
{
	int64_t start = clock_mono_us(), done = 0;
	double cpu = cpu_us(), bytes = written();

	for (; done < puts; done += (int64_t)b->group * PUTS)
		commit_group(b, step);
	printf("%-44s %8.2f us a put, %.2f of the processor's, %.1f KB written\n", what,
	       (double)(clock_mono_us() - start) / (double)done, (cpu_us() - cpu) / (double)done,
	       (written() - bytes) / 1000 / (double)done);
	fflush(stdout);
}

static void measure_gets(struct bench *b, const char *what, uint64_t among, int64_t gets)
{
	int64_t start = clock_mono_us();
	struct fault fault;
	struct message m;
	struct buf text;

	buf_init(&text, 1 << 20);
	for (int64_t i = 0; i < gets; i++) {
		make_message(b, &m, b->objects - 1 - (int64_t)rand_below(&b->rand, among), "");
		buf_reset(&text);
		must(store_object_get(b->store, m.row.project, m.row.kind, m.row.id, &text, &fault), &fault);
	}
	printf("%-44s %8.2f us a get\n", what, (double)(clock_mono_us() - start) / (double)gets);
	fflush(stdout);
	buf_free(&text);
}

static bool count_fifty(void *ctx, struct slice value, struct slice id, struct slice text)
{
	(void)value;
	(void)id;
	(void)text;
	return ++*(int *)ctx < 50;
}

static void measure_pages(struct bench *b, const char *what, struct object_query q, bool with_text, bool anywhere)
{
	int64_t start = clock_mono_us(), pages = b->objects / 500, rows = 0;
	struct fault fault;
	struct message m;

	for (int64_t i = 0; i < pages; i++) {
		int count = 0;

		make_message(b, &m, (int64_t)rand_below(&b->rand, (uint64_t)b->objects), "");
		q.project = m.row.project;
		q.kind = KIND_MESSAGE;
		if (q.field == BY_CONTACT)
			q.from = slice_str(m.contact);
		if (anywhere) {
			q.has_after = true;
			q.after_value = m.keys[0].value;
			q.after_id = m.row.id;
		}
		must(store_object_walk(b->store, &q, with_text, count_fifty, &count, &fault), &fault);
		rows += count;
	}
	printf("%-44s %8.2f us a page (%.1f rows)\n", what, (double)(clock_mono_us() - start) / (double)pages,
	       (double)rows / (double)pages);
	fflush(stdout);
}

static void measure_reading(struct bench *b)
{
	measure_gets(b, "get one of the last 1,000", 1000, b->objects / 10);
	measure_gets(b, "get any", (uint64_t)b->objects, b->objects / 10);
	measure_pages(b, "page of the newest", (struct object_query){ .field = BY_TIME, .descending = true }, true,
		      false);
	measure_pages(b, "page from anywhere, by time", (struct object_query){ .field = BY_TIME }, true, true);
	measure_pages(b, "page of any contact's", (struct object_query){ .field = BY_CONTACT }, true, false);
	measure_pages(b, "page of any contact's, without text", (struct object_query){ .field = BY_CONTACT }, false,
		      false);
}

int main(int argc, char **argv)
{
	struct store_options options = STORE_OPTIONS_DEFAULT;
	int64_t objects = argc > 2 ? strtoll(argv[2], NULL, 10) : 1000000;
	struct bench b = { .group = argc > 3 ? (size_t)strtoull(argv[3], NULL, 10) : 500 };
	struct fault fault;

	if (argc < 2) {
		fprintf(stderr, "usage: objects_bench FOLDER [OBJECTS [TRANSACTIONS-A-COMMIT]]\n");
		return 2;
	}
	must(store_sqlite_open(argv[1], &options, &b.store, &fault), &fault);
	rand_seed(&b.rand, 1);
	b.people = objects / 20;
	for (size_t i = 0; i < TEXT_BYTES; i++)
		b.text[i] = (char)('a' + rand_below(&b.rand, 26));
	measure_puts(&b, "put the first tenth", fill, objects / 10);
	measure_puts(&b, "put the rest", fill, objects - objects / 10 - objects / 10);
	measure_puts(&b, "put the last tenth", fill, objects / 10);
	measure_puts(&b, "put contacts", fill_contacts, b.people);
	measure_puts(&b, "replace one of the last 5,000, one key", replace_recent, objects / 10);
	measure_puts(&b, "replace any, at most one key", replace_any, objects / 20);
	measure_puts(&b, "as one message comes in", mixed, objects / 10);
	measure_reading(&b);
	printf("%" PRId64 " MB\n", store_bytes(b.store) / 1000000);
	store_close(&b.store);
	return 0;
}
