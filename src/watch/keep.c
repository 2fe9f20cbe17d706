/*
 * Each plot is an object of nobody's project (as short links are), under its project's id, some kilobytes; only
 * those in which something happened are written, all of them in one commit. What a killed daemon had counted since the
 * last time is missing from its plots, and from nothing else. Those that nobody writes any more are deleted at a start.
 */
#include "watch/keep.h"

#include <assert.h>

#include "base/mem.h"
#include "hub/kind.h"
#include "node/book.h"

#define KIND_PLOTS 1000
static_assert(KIND_PLOTS >= KINDS, "kinds below are the hub's");

#define OF_ALL "*" /* in place of a project's id, which cannot be that */

struct kept {
	char *id;
	struct slice text; /* owned */
};

struct keeping {
	struct series *series;
	int64_t now_ms;
	struct kept *all;
	size_t count, cap;
};

static void add(void *ctx, struct slice id, struct slice text)
{
	struct keeping *k = ctx;

	if (k->count == k->cap) {
		k->cap = k->cap ? k->cap * 2 : 16;
		k->all = mem_realloc(k->all, k->cap * sizeof(*k->all));
	}
	k->all[k->count++] = (struct kept){ id.n > 0 ? slice_dup(id) : mem_strdup(OF_ALL),
					    slice_of(mem_dup(text.p, text.n), text.n) };
}

static void put_all(void *ctx, struct book *b)
{
	const struct keeping *k = ctx;

	for (size_t i = 0; i < k->count; i++) {
		struct object_row row = { .project = SLICE_LIT(""),
					  .kind = KIND_PLOTS,
					  .id = slice_str(k->all[i].id),
					  .text = k->all[i].text };

		book_put(b, &row);
	}
}

static void delete_all(void *ctx, struct book *b)
{
	const struct keeping *k = ctx;

	for (size_t i = 0; i < k->count; i++)
		book_delete(b, SLICE_LIT(""), KIND_PLOTS, slice_str(k->all[i].id));
}

static void forget(struct keeping *k)
{
	for (size_t i = 0; i < k->count; i++) {
		mem_free(k->all[i].id);
		mem_free((char *)k->all[i].text.p);
	}
	mem_free(k->all);
}

void keep_save(struct series *s, struct node *node, struct log *log)
{
	struct keeping k = { .series = s };
	int err = 0;

	series_save(s, add, &k);
	if (k.count > 0)
		err = node_book_wait(node, put_all, &k);
	if (err)
		log_info(log, "the plots of the last minutes were not written", LOG_STR("detail", err_text(err)));
	forget(&k);
}

static bool load_one(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct keeping *k = ctx;

	(void)value;
	if (!series_load(k->series, slice_is(id, OF_ALL) ? SLICE_LIT("") : id, text, k->now_ms))
		add(k, id, SLICE_LIT(""));
	return true;
}

static void load_all(void *ctx, struct book *b)
{
	struct object_query q = { .project = SLICE_LIT(""), .kind = KIND_PLOTS };

	book_walk(b, &q, true, load_one, ctx);
}

void keep_load(struct series *s, struct node *node)
{
	struct keeping k = { .series = s, .now_ms = node_now_ms(node) };

	node_book_read(node, load_all, &k);
	/* What is not deleted now is passed over again by the next start, so an error says nothing new. */
	if (k.count > 0)
		node_book_wait(node, delete_all, &k);
	forget(&k);
}
