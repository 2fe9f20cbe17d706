/*
 * The hub of the simulated node: for each report it counts, in an object of the store, by a step of the transaction
 * that records the outcome. The judge compares these numbers with the attempts on disk.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "node_impl.h"
#include "store/object.h"

#define KIND_HEARD 1

/* In the transaction's arena. */
struct note {
	char project[16], id[24];
	enum engine_outcome outcome;
};

static void name_note(struct note *note, const struct sim_event *ev, const struct sim_endpoint *ep)
{
	snprintf(note->project, sizeof(note->project), "p%d", ev->project);
	snprintf(note->id, sizeof(note->id), "%d.%d", ev->index, ep->index);
}

static struct heard read_heard(struct store *store, const struct note *note)
{
	struct heard h = { 0 };
	struct buf text;

	buf_init(&text, 100);
	if (store_object_get(store, slice_str(note->project), KIND_HEARD, slice_str(note->id), &text, NULL) == 0) {
		char *at = text.p;
		int *fields[] = { &h.delivered, &h.left, &h.dead, &h.passed };

		for (size_t i = 0; i < 4; i++)
			*fields[i] = (int)strtol(at, &at, 10);
	}
	buf_free(&text);
	return h;
}

static void count(void *ctx, struct store *store)
{
	const struct note *note = ctx;
	struct heard h = read_heard(store, note);
	struct object_row row = { .project = slice_str(note->project), .kind = KIND_HEARD, .id = slice_str(note->id) };
	char text[60];

	h.delivered += note->outcome == OUTCOME_DELIVERED;
	h.left += note->outcome == OUTCOME_LEFT;
	h.dead += note->outcome == OUTCOME_DEAD;
	h.passed += note->outcome == OUTCOME_PASSED;
	snprintf(text, sizeof(text), "%d %d %d %d", h.delivered, h.left, h.dead, h.passed);
	row.text = slice_str(text);
	step_object_put(store, &row);
}

struct heard node_heard(struct node *n, const struct sim_event *ev, const struct sim_endpoint *ep)
{
	struct note note;

	name_note(&note, ev, ep);
	return read_heard(node_disk(n), &note);
}

static bool is_sabotaged(struct sim *s, enum breakage how, const struct engine_report *r)
{
	if (s->broken != how || r->outcome == OUTCOME_PASSED || !world_chance(&s->world, 0.05))
		return false;
	return s->sabotaged = true;
}

void node_host_report(void *ctx, const struct engine_report *r, struct tx *tx)
{
	struct node *n = ((struct socket *)ctx)->node;
	struct sim_endpoint *ep = &n->sim->endpoints[r->endpoint->number - 1];
	const struct sim_event *ev = cast_by_seq(n->sim, r->event->seq);
	struct note *note = arena_alloc(&tx->arena, sizeof(*note));

	world_note(&n->sim->world, "report", ev->index, ep->index, r->outcome);
	judge_reported(n->sim, ev, ep, r);
	name_note(note, ev, ep);
	note->outcome = r->outcome;
	if (is_sabotaged(n->sim, BREAK_LOSE_REPORT, r))
		return;
	tx_step(tx, count, note);
	if (is_sabotaged(n->sim, BREAK_DOUBLE_REPORT, r))
		tx_step(tx, count, note);
}
