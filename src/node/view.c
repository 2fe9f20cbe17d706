/*
 * Endpoints as others see them: references taken under the
 * directory's lock, valid for as long as the viewer keeps them.
 */
#include "node/parts.h"

static void view_fill(struct endpoint_view *v, const struct entry *en)
{
	v->endpoint = endpoint_ref(en->current);
	v->stats = endpoint_stats_ref(en->stats);
	v->created_ms = en->created_ms;
	v->changed_ms = en->changed_ms;
	v->from_seq = en->from_seq;
	memcpy(v->disabled_reason, en->disabled_reason, sizeof(v->disabled_reason));
	v->disabled_ms = en->disabled_ms;
}

void node_endpoint_view_free(struct endpoint_view *v)
{
	endpoint_unref(&v->endpoint);
	endpoint_stats_unref(&v->stats);
}

int node_endpoint_get(struct node *n, struct owner owner, struct slice id, struct endpoint_view *ret)
{
	const struct entry *en;

	directory_read(n->directory);
	en = directory_endpoint(n->directory, owner, id);
	if (en)
		view_fill(ret, en);
	directory_release(n->directory);
	return en ? 0 : ERR_NOT_FOUND;
}

int node_endpoint_by_number(struct node *n, uint64_t number, struct endpoint_view *ret)
{
	const struct entry *en;

	directory_read(n->directory);
	en = directory_number(n->directory, number);
	if (en)
		view_fill(ret, en);
	directory_release(n->directory);
	return en ? 0 : ERR_NOT_FOUND;
}

/* Shows one; false when fn wants no more. */
static bool show(const struct entry *en, node_endpoint_fn *fn, void *ctx)
{
	struct endpoint_view v;
	bool go_on;

	view_fill(&v, en);
	go_on = fn(ctx, &v);
	node_endpoint_view_free(&v);
	return go_on;
}

static bool owned(const struct entry *en, struct owner owner)
{
	return en->current->of_organization == owner.organization && slice_is(owner.id, en->current->owner);
}

static void list_all(const struct directory *d, struct slice marker, node_endpoint_fn *fn, void *ctx)
{
	size_t slash = slice_find(marker, '/');
	struct owner owner = { slice_of(marker.p, slash), true };
	size_t i = 0;

	if (slash < marker.n)
		i = directory_after(d, owner, slice_from(marker, slash + 1));
	while (i < d->names.count && show(d->names.items[i], fn, ctx))
		i++;
}

static void list_owned(const struct directory *d, struct owner owner, struct slice marker, node_endpoint_fn *fn,
		       void *ctx)
{
	for (size_t i = directory_after(d, owner, marker); i < d->names.count; i++) {
		const struct entry *en = d->names.items[i];

		if (!slice_is(owner.id, en->current->owner))
			return;
		if (owned(en, owner) && !en->current->internal && !show(en, fn, ctx))
			return;
	}
}

void node_endpoint_list(struct node *n, struct owner owner, bool all_owners, struct slice marker, node_endpoint_fn *fn,
			void *ctx)
{
	directory_read(n->directory);
	if (all_owners)
		list_all(n->directory, marker, fn, ctx);
	else
		list_owned(n->directory, owner, marker, fn, ctx);
	directory_release(n->directory);
}

struct endpoint *node_endpoint_revision(struct node *n, uint64_t number, uint32_t revision)
{
	struct store *reader = node_reader_begin(n);
	struct endpoint *ep = directory_revision(n->directory, reader, number, revision);

	node_reader_end(n, reader);
	return ep;
}

/* false when fn wants no more. */
static bool routes_of(const struct directory *d, struct owner owner, const struct event *ev, node_endpoint_fn *fn,
		      void *ctx)
{
	for (size_t i = directory_after(d, owner, SLICE_LIT("")); i < d->names.count; i++) {
		const struct entry *en = d->names.items[i];

		if (!slice_is(owner.id, en->current->owner))
			break;
		if (owned(en, owner) && !en->current->internal && en->current->active &&
		    endpoint_wants(en->current, ev) && !show(en, fn, ctx))
			return false;
	}
	return true;
}

static void route_target(const struct directory *d, const struct event *ev, node_endpoint_fn *fn, void *ctx)
{
	const struct entry *en = directory_number(d, ev->target);

	if (en && !en->deleted && en->current->active)
		show(en, fn, ctx);
}

void node_routes(struct node *n, const struct event *ev, node_endpoint_fn *fn, void *ctx)
{
	struct directory *d = n->directory;
	const struct project *p;

	directory_read(d);
	p = directory_project(d, ev->project);
	if (ev->target)
		route_target(d, ev, fn, ctx);
	else if (routes_of(d, (struct owner){ ev->project, false }, ev, fn, ctx) && p && p->organization[0])
		routes_of(d, (struct owner){ slice_str(p->organization), true }, ev, fn, ctx);
	directory_release(d);
}
