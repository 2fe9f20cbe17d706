/*
 * The hub's own endpoints, from outside a commit. A new one is always made by a step of the book, also here: steps make
 * them at any time, and only where they run one after the other can none be made twice. What is there already changes
 * as a customer's does.
 */
#include "base/mem.h"
#include "node/book_impl.h"
#include "node/change.h"
#include "node/parts.h"

struct making {
	struct slice project, id, settings;
	struct fault fault;
	bool created;
};

static void make_step(void *ctx, struct book *b)
{
	struct making *mk = ctx;

	mk->fault = (struct fault)NO_FAULT;
	book_endpoint_make(b, mk->project, mk->id, mk->settings, &mk->created, &mk->fault);
}

static int fault_err(const struct fault *fault)
{
	return slice_is(SLICE_LIT("not_found"), fault->code) ? ERR_NOT_FOUND : ERR_INVALID;
}

/* 0 without mk->created: somebody else made it in the meantime. */
static int make(struct node *n, struct making *mk, struct fault *fault)
{
	int err = node_book_wait(n, make_step, mk);

	if (err)
		return node_store_fault(err, fault);
	if (!mk->fault.code[0])
		return 0;
	if (fault)
		*fault = mk->fault;
	return fault_err(&mk->fault);
}

static int revise(struct node *n, struct entry *en, struct slice settings, struct fault *fault)
{
	const struct endpoint *ep = en->current;
	struct change_wanted want = { { slice_str(ep->owner), false }, slice_str(ep->id), en, true };
	struct json_doc doc;
	int err;

	if (!ep->internal)
		return fault_param(fault, "id", "\"%s\" is an endpoint of a customer", ep->id);
	json_doc_init(&doc);
	err = json_parse(&doc, settings, &json_limits_default, fault);
	if (!err)
		err = change_text(n, &want, json_root(&doc), ENDPOINT_REPLACE, NULL, fault);
	json_doc_free(&doc);
	return err;
}

int node_internal_endpoint(struct node *n, struct slice project, struct slice id, struct slice settings,
			   struct fault *fault)
{
	struct making mk = { .project = project, .id = id, .settings = settings };
	struct owner owner = { project, false };
	struct entry *en;
	int err = 0;

	pthread_mutex_lock(&n->change_lock);
	en = change_find(n, owner, id);
	if (!en)
		err = make(n, &mk, fault);
	if (!err && !mk.created && (en || (en = change_find(n, owner, id))))
		err = revise(n, en, settings, fault);
	pthread_mutex_unlock(&n->change_lock);
	return err;
}

int node_internal_endpoint_delete(struct node *n, struct slice project, struct slice id, struct fault *fault)
{
	struct entry *en;
	int err;

	pthread_mutex_lock(&n->change_lock);
	en = change_find(n, (struct owner){ project, false }, id);
	if (en && en->current->internal) {
		err = change_delete(n, en, fault);
	} else {
		fault_set(fault, "not_found", "", "there is no internal endpoint \"%.*s\"", SLICE_ARG(id));
		err = ERR_NOT_FOUND;
	}
	pthread_mutex_unlock(&n->change_lock);
	return err;
}
