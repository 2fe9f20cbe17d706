/*
 * Dropping in the background. Who makes a project of the same id anew waits until the old one's objects are gone; after
 * that the mark is gone too, so an errand that still waits cannot touch what is new.
 */
#include "node/drop.h"

#include "node/parts.h"
#include "store/object.h"

#define KIND_DROPPING SLICE_LIT("dropping")
#define DROP_STEP     500 /* objects in one commit, which events have to wait for */

void drop_mark(struct tx *tx, struct slice project)
{
	tx_doc_put(tx, KIND_DROPPING, project, SLICE_LIT("{}"));
}

struct look {
	struct slice project;
	bool found;
};

/* The walk is by prefix. */
static bool look_at(void *ctx, const struct doc_row *row)
{
	struct look *look = ctx;

	look->found = slice_eq(row->id, look->project);
	return !look->found;
}

bool drop_pending(struct store *store, struct slice project)
{
	struct look look = { .project = project };

	store_docs(store, KIND_DROPPING, project, look_at, &look, NULL);
	return look.found;
}

struct drop {
	struct node *node;
	struct slice project;
	uint32_t found;
	bool more;
	int err;
};

static void drop_step(void *ctx, struct store *store)
{
	struct drop *dr = ctx;
	struct doc_row mark = { .kind = KIND_DROPPING, .id = dr->project };

	dr->found = step_objects_drop(store, dr->project, DROP_STEP);
	if (dr->found < DROP_STEP)
		step_doc(store, &mark);
}

static void drop_job(void *ctx, struct store *store)
{
	struct drop *dr = ctx;
	struct tx *tx;

	if (!store) {
		dr->err = ERR_IO;
		return;
	}
	if (!drop_pending(store, dr->project))
		return;
	tx = tx_new();
	tx_step(tx, drop_step, dr);
	dr->err = committer_now(dr->node->committer, tx, NULL);
	dr->more = !dr->err && dr->found == DROP_STEP;
	tx_free(&tx);
}

int drop_some(struct node *n, struct slice project, bool *ret_more)
{
	struct drop dr = { .node = n, .project = project };

	committer_run(n->committer, drop_job, &dr);
	*ret_more = dr.more;
	return dr.err;
}

static bool resume(void *ctx, const struct doc_row *row)
{
	struct node *n = ctx;
	char project[256];

	slice_copy(project, sizeof(project), row->id);
	clerk_drop(n->clerk, project);
	return true;
}

void drops_resume(struct node *n)
{
	struct store *reader = node_reader_begin(n);

	store_docs(reader, KIND_DROPPING, SLICE_LIT(""), resume, n, NULL);
	node_reader_end(n, reader);
}
