/*
 * Names of recent events: a table with one place for each of the last seqs, the newer one takes it. Most attempts come
 * milliseconds after their event, so next to all are found there; what is older, retries above all, costs a read.
 */
#include "watch/feed_names.h"

#include "base/mem.h"

#define PLACES	  8192 /* a power of two */
#define TEXT_MAX  200  /* of the three together; longer ones are read from the log */
#define READS_MAX 1000 /* a round */

struct place {
	int64_t seq;
	uint8_t project, id, message_id; /* lengths */
	char text[TEXT_MAX];
};

struct feed_names {
	struct place places[PLACES];
	struct store *reader; /* begun in this round */
	unsigned reads;
	struct arena arena; /* what was read in it */
};

static struct place *place_of(struct feed_names *n, int64_t seq)
{
	return &n->places[(uint64_t)seq % PLACES];
}

void feed_names_add(struct feed_names *n, int64_t seq, const struct name *name)
{
	struct place *p = place_of(n, seq);

	if (name->project.n + name->id.n + name->message_id.n > TEXT_MAX)
		return;
	p->seq = seq;
	p->project = (uint8_t)name->project.n;
	p->id = (uint8_t)name->id.n;
	p->message_id = (uint8_t)name->message_id.n;
	memcpy(p->text, name->project.p, name->project.n);
	memcpy(p->text + p->project, name->id.p, name->id.n);
	if (name->message_id.n > 0)
		memcpy(p->text + p->project + p->id, name->message_id.p, name->message_id.n);
}

struct reading {
	struct arena *arena;
	struct name name;
};

static bool take(void *ctx, const struct log_row *row)
{
	struct reading *r = ctx;

	if (row->is_event && !row->damaged)
		r->name = (struct name){ .project = arena_slice(r->arena, row->u.event.project),
					 .id = arena_slice(r->arena, row->u.event.id),
					 .message_id = arena_slice(r->arena, row->u.event.message_id) };
	return false;
}

static struct name read_name(struct feed_names *n, struct node *node, int64_t seq)
{
	struct reading r = { .arena = &n->arena };
	struct fault fault;

	if (n->reads++ >= READS_MAX)
		return r.name;
	if (!n->reader)
		n->reader = node_reader_begin(node);
	store_log_get(n->reader, seq, take, &r, &fault);
	return r.name;
}

struct name feed_names_find(struct feed_names *n, struct node *node, int64_t seq)
{
	struct place *p = place_of(n, seq);

	if (p->seq != seq)
		return read_name(n, node, seq);
	return (struct name){ .project = slice_of(p->text, p->project),
			      .id = slice_of(p->text + p->project, p->id),
			      .message_id = slice_of(p->text + p->project + p->id, p->message_id) };
}

void feed_names_rest(struct feed_names *n, struct node *node)
{
	if (n->reader)
		node_reader_end(node, n->reader);
	n->reader = NULL;
	n->reads = 0;
	arena_reset(&n->arena);
}

struct feed_names *feed_names_new(void)
{
	struct feed_names *n = mem_zalloc(sizeof(*n)); /* seqs begin at 1, so no place fits yet */

	arena_init(&n->arena);
	return n;
}

void feed_names_free(struct feed_names **np)
{
	if (!*np)
		return;
	arena_free(&(*np)->arena);
	mem_free(*np);
	*np = NULL;
}
