/*
 * The book over a store handle. Reading asks the store, whose writer shows inside a step what the commit has done so
 * far. Writing goes to the store at once; what the shards have to be told - new events, new endpoints - is collected
 * (fresh.h) until the commit is on disk.
 *
 * A project that is deleted may still have deliveries under way whose end is reported: what the hub would write of them
 * is dropped here, or it would stay for ever, and be found by a later project of the same id.
 */
#include "node/book_impl.h"

#include <assert.h>

#include "node/change.h"
#include "node/document.h"
#include "node/fresh.h"
#include "node/parts.h"

void book_open(struct book *b, struct node *n, struct store *store, bool writes)
{
	*b = (struct book){ .node = n, .store = store, .now_ms = clock_ms(&n->clock), .writes = writes };
}

int64_t book_now_ms(const struct book *b)
{
	return b->now_ms;
}

/* --- reading --- */

static void unreadable(struct book *b, const char *what, int err, const struct fault *fault)
{
	log_error(b->node->log, what, LOG_STR("error", err_text(err)), LOG_STR("detail", fault->message));
}

bool book_get(struct book *b, struct slice project, uint16_t kind, struct slice id, struct buf *ret)
{
	struct fault fault = NO_FAULT;
	int err = store_object_get(b->store, project, kind, id, ret, &fault);

	if (err && err != ERR_NOT_FOUND)
		log_error(b->node->log, "object cannot be read", LOG_SLICE("project", project), LOG_INT("kind", kind),
			  LOG_SLICE("id", id), LOG_STR("error", err_text(err)), LOG_STR("detail", fault.message));
	return err == 0;
}

void book_walk(struct book *b, const struct object_query *q, bool with_text, store_object_fn *fn, void *ctx)
{
	struct fault fault = NO_FAULT;
	int err = store_object_walk(b->store, q, with_text, fn, ctx, &fault);

	if (err)
		unreadable(b, "objects cannot be walked", err, &fault);
}

void book_due(struct book *b, int64_t upto_ms, uint32_t max, store_due_fn *fn, void *ctx)
{
	struct fault fault = NO_FAULT;
	int err = store_objects_due(b->store, upto_ms, max, fn, ctx, &fault);

	if (err)
		unreadable(b, "due objects cannot be read", err, &fault);
}

bool book_project(struct book *b, struct slice project, struct buf *ret)
{
	struct directory *d = b->node->directory;
	const struct project *p;

	directory_read(d);
	p = directory_project(d, project);
	if (p)
		buf_add_str(ret, p->settings);
	directory_release(d);
	return p != NULL;
}

/* Of the directory, or of this commit; locked. */
static struct entry *find_entry(struct book *b, struct slice project, struct slice id)
{
	struct entry *en = directory_endpoint(b->node->directory, (struct owner){ project, false }, id);

	return en || !b->writes ? en : fresh_find(b->node->fresh, project, id);
}

struct endpoint *book_endpoint_get(struct book *b, struct slice project, struct slice id)
{
	const struct entry *en;
	struct endpoint *ep;

	directory_read(b->node->directory);
	en = find_entry(b, project, id);
	ep = en ? endpoint_ref(en->current) : NULL;
	directory_release(b->node->directory);
	return ep;
}

/* --- writing --- */

static bool project_exists(struct book *b, struct slice project)
{
	if (project.n >= sizeof(b->project))
		return false;
	if (!slice_is(project, b->project) || project.n == 0) {
		slice_copy(b->project, sizeof(b->project), project);
		b->project_exists = project.n == 0 || node_project_exists(b->node, project);
	}
	return b->project_exists;
}

void book_put(struct book *b, const struct object_row *row)
{
	assert(b->writes);
	if (project_exists(b, row->project))
		step_object_put(b->store, row);
}

void book_delete(struct book *b, struct slice project, uint16_t kind, struct slice id)
{
	assert(b->writes);
	step_object_delete(b->store, project, kind, id);
}

int64_t book_event(struct book *b, struct event *ev)
{
	struct event_row row = { .project = ev->project,
				 .id = ev->id,
				 .message_id = ev->message_id,
				 .accepted_ms = ev->accepted_ms,
				 .text = ev->text };

	assert(b->writes);
	step_event(b->store, &row);
	if (row.duplicate_of || !row.seq)
		return 0;
	ev->seq = row.seq;
	fresh_event(b->node->fresh, event_ref(ev));
	return row.seq;
}

/* The number of the endpoint of this name, 0 when there is none; one that is not internal cannot be used: *fault. */
static uint64_t known_number(struct book *b, struct slice project, struct slice id, struct fault *fault)
{
	const struct entry *en;
	uint64_t number = 0;

	directory_read(b->node->directory);
	en = find_entry(b, project, id);
	if (en && en->current->internal)
		number = en->number;
	else if (en)
		fault_param(fault, "id", "\"%.*s\" is an endpoint of a customer", SLICE_ARG(id));
	directory_release(b->node->directory);
	return number;
}

static void write_entry(struct book *b, const struct entry *en)
{
	struct directory *d = b->node->directory;
	struct tx *tx = tx_new();

	document_put_entry(tx, en);
	document_put_revision(tx, en->current, 0);
	document_put_numbers(tx, d->last_endpoint, d->last_replay);
	document_step(b->store, tx);
	tx_free(&tx);
}

uint64_t book_endpoint_make(struct book *b, struct slice project, struct slice id, struct slice settings,
			    bool *ret_created, struct fault *fault)
{
	struct node *n = b->node;
	struct change_wanted want = { .owner = { project, false }, .id = id, .internal = true };
	struct fault own = NO_FAULT;
	uint64_t number = known_number(b, project, id, &own);
	struct endpoint *ep;
	struct entry *en;

	assert(b->writes);
	*ret_created = false;
	if (number)
		return number;
	if (!own.code[0] && !node_project_exists(n, project))
		fault_set(&own, "not_found", "", "there is no project \"%.*s\"", SLICE_ARG(project));
	if (own.code[0] || change_compile(n, &want, settings, &ep, &own)) {
		if (fault)
			*fault = own;
		return 0;
	}
	en = change_entry_new(ep, b->now_ms);
	endpoint_unref(&ep);
	/* Nothing that is for it can stand before this commit. */
	en->from_seq = atomic_load(&n->last_seq);
	write_entry(b, en);
	fresh_endpoint(n->fresh, en);
	*ret_created = true;
	return en->number;
}

uint64_t book_endpoint(struct book *b, struct slice project, struct slice id, struct slice settings,
		       struct fault *fault)
{
	bool created;

	return book_endpoint_make(b, project, id, settings, &created, fault);
}
