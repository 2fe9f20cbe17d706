/*
 * From the ids of events to their seqs. A search by id reads the end of the log that is in no index yet, row by row;
 * for a thousand ids that would be a thousand times the same rows. So that end is read once, for all ids together, and
 * only what is not there is searched for one by one, below it.
 *
 * An organization's endpoint gets events of several projects, and ids are unique within a project: all that fit count.
 */
#include "api/event_ids.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/answer.h"
#include "api/log_read.h"

#define PROJECTS_MAX 1000 /* of an organization */

struct wanted {
	struct slice id;
	size_t place; /* in the caller's list */
	bool found;
};

struct lookup {
	struct wanted *ids; /* by id */
	size_t count;
	struct slice *projects;
	size_t project_count;
	struct seqs seqs;
	int64_t below; /* what was read in one go begins here */
};

static int by_id(const void *a, const void *b)
{
	const struct slice x = ((const struct wanted *)a)->id, y = ((const struct wanted *)b)->id;
	int order = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);

	return order ? order : (x.n > y.n) - (x.n < y.n);
}

/* By id, each once. */
static void order(struct lookup *l)
{
	size_t kept = 0;

	qsort(l->ids, l->count, sizeof(*l->ids), by_id);
	for (size_t i = 0; i < l->count; i++)
		if (kept == 0 || by_id(&l->ids[kept - 1], &l->ids[i]) != 0)
			l->ids[kept++] = l->ids[i];
	l->count = kept;
}

/* --- whose events --- */

static void take_projects(struct call *c, struct lookup *l, struct slice organization)
{
	struct json_doc doc;
	struct json_writer w;
	struct json_iter it;
	struct buf text, scratch;
	bool more;

	buf_init(&text, CALL_ANSWER_MAX);
	buf_init(&scratch, 4096);
	json_doc_init(&doc);
	json_writer_init(&w, &text);
	json_begin_array(&w);
	node_project_list(c->node, organization, slice_str(""), PROJECTS_MAX, &w, &more);
	json_end_array(&w);
	l->projects = arena_alloc(&c->arena, PROJECTS_MAX * sizeof(*l->projects));
	if (json_parse(&doc, buf_slice(&text), &json_limits_default, NULL) == 0)
		for (it = json_each(json_root(&doc)); json_next(&it);)
			l->projects[l->project_count++] =
				arena_slice(&c->arena, json_text_slice(json_get(it.value, "id"), &scratch));
	json_doc_free(&doc);
	buf_free(&scratch);
	buf_free(&text);
}

static bool is_theirs(const struct lookup *l, struct slice project)
{
	for (size_t i = 0; i < l->project_count; i++)
		if (slice_eq(l->projects[i], project))
			return true;
	return false;
}

/* --- looking --- */

static bool look_at(void *ctx, const struct log_row *row)
{
	struct lookup *l = ctx;
	struct wanted key, *w;

	l->below = row->seq;
	if (!row->is_event || row->damaged || !is_theirs(l, row->u.event.project))
		return true;
	key.id = row->u.event.id;
	w = bsearch(&key, l->ids, l->count, sizeof(key), by_id);
	if (w) {
		w->found = true;
		seqs_add(&l->seqs, row->seq);
	}
	return true;
}

static int search_rest(struct lookup *l, struct store *reader, struct fault *fault)
{
	int err = 0;

	for (size_t i = 0; i < l->count; i++) {
		size_t before = l->seqs.count;

		for (size_t k = 0; k < l->project_count && !l->ids[i].found && !err; k++)
			err = store_search(reader, SEARCH_EVENT_ID, l->projects[k], l->ids[i].id, l->below,
					   seqs_collect, &l->seqs, fault);
		l->ids[i].found |= l->seqs.count > before;
	}
	return err;
}

static int look(struct lookup *l, struct call *c, struct fault *fault)
{
	struct store *reader = node_reader_begin(c->node);
	int err;

	order(l);
	l->below = INT64_MAX;
	err = store_log_back(reader, INT64_MAX, SCAN_ROWS_MAX, look_at, l, fault);
	if (!err)
		err = search_rest(l, reader, fault);
	node_reader_end(c->node, reader);
	return err;
}

/* --- the list --- */

static bool read_list(struct call *c, struct json ids, struct lookup *l)
{
	struct json_iter it = json_each(ids);
	struct buf scratch;
	bool good = json_type(ids) == JSON_ARRAY;

	l->ids = arena_alloc(&c->arena, REPLAY_CHOSEN_MAX * sizeof(*l->ids));
	buf_init(&scratch, 4096);
	while (good && json_next(&it)) {
		good = json_type(it.value) == JSON_STRING && l->count < REPLAY_CHOSEN_MAX;
		if (!good)
			break;
		l->ids[l->count] =
			(struct wanted){ arena_slice(&c->arena, json_text_slice(it.value, &scratch)), l->count, false };
		l->count++;
	}
	buf_free(&scratch);
	if (!good || l->count == 0)
		answer_error(c, 400, "invalid_param", "event_ids", "must be a list of 1 to %d ids of events",
			     REPLAY_CHOSEN_MAX);
	return good && l->count > 0;
}

static bool all_found(struct call *c, const struct lookup *l)
{
	char param[32];

	for (size_t i = 0; i < l->count; i++) {
		if (l->ids[i].found)
			continue;
		snprintf(param, sizeof(param), "event_ids[%zu]", l->ids[i].place);
		answer_error(c, 404, "not_found", param,
			     "there is no event \"%.*s\", or it is older than events are kept",
			     SLICE_HEAD(l->ids[i].id, 100));
		return false;
	}
	return true;
}

static size_t ascending(struct lookup *l, int64_t seqs[REPLAY_CHOSEN_MAX])
{
	seqs_order(&l->seqs, REPLAY_CHOSEN_MAX);
	for (size_t i = 0; i < l->seqs.count; i++)
		seqs[i] = l->seqs.all[l->seqs.count - 1 - i];
	return l->seqs.count;
}

bool event_ids_read(struct call *c, struct json ids, struct owner owner, int64_t seqs[REPLAY_CHOSEN_MAX],
		    size_t *ret_count)
{
	struct lookup l = { .projects = &owner.id, .project_count = 1 };
	struct fault fault = NO_FAULT;
	bool good = false;
	int err;

	if (!read_list(c, ids, &l))
		return false;
	if (owner.organization) {
		l.project_count = 0;
		take_projects(c, &l, owner.id);
	}
	err = look(&l, c, &fault);
	if (err)
		answer_err(c, err, &fault);
	else
		good = all_found(c, &l);
	if (good)
		*ret_count = ascending(&l, seqs);
	seqs_free(&l.seqs);
	return good;
}
