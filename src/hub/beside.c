/*
 * Settling: read what the object says, have the endpoint say that too, and read again, until the object still says the
 * same. Who changes an endpoint by what he read may be late, and undo what another has just done; since everybody reads
 * once more behind his own change, the last one to make one sees that. A change that changes nothing costs nothing.
 */
#include "hub/beside.h"

#include "base/mem.h"

#define ID_MAX	     300
#define SETTINGS_MAX ((size_t)1024 * 1024)

struct settling {
	const struct rest *r;
	struct slice object;
	beside_fn *fn;
	struct buf id, settings;
};

static void look(void *ctx, struct book *b)
{
	struct settling *s = ctx;
	struct deed d = s->r->deed;
	struct arena arena;

	arena_init(&arena);
	d.arena = &arena;
	d.book = b;
	d.now_ms = book_now_ms(b);
	buf_reset(&s->id);
	buf_reset(&s->settings);
	s->fn(&d, s->object, &s->id, &s->settings);
	arena_free(&arena);
}

static int change(struct settling *s)
{
	struct slice project = s->r->deed.project, id = buf_slice(&s->id);
	struct fault none = NO_FAULT;
	int err;

	if (s->settings.n > 0)
		return node_internal_endpoint(s->r->node, project, id, buf_slice(&s->settings), s->r->deed.fault);
	err = node_internal_endpoint_delete(s->r->node, project, id, &none);
	return err == ERR_NOT_FOUND ? 0 : err;
}

/* It held secrets. */
static void wipe(struct buf *b)
{
	if (b->p)
		mem_wipe(b->p, b->cap);
	buf_free(b);
}

int beside_settle(struct rest *r, struct slice object, beside_fn *fn)
{
	struct settling s = { .r = r, .object = object, .fn = fn };
	struct buf done;
	bool agrees = false;
	int err = 0;

	buf_init(&s.id, ID_MAX);
	buf_init(&s.settings, SETTINGS_MAX);
	buf_init(&done, SETTINGS_MAX);
	node_book_read(r->node, look, &s);
	while (!err && !agrees) {
		err = change(&s);
		buf_reset(&done);
		buf_add_slice(&done, buf_slice(&s.settings));
		node_book_read(r->node, look, &s);
		agrees = slice_eq(buf_slice(&done), buf_slice(&s.settings));
	}
	wipe(&done);
	wipe(&s.settings);
	buf_free(&s.id);
	return err;
}
