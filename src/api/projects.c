/*
 * Projects. A project's key may look at its project and change it, but only the admin's moves it to another
 * organization, makes or deletes one: which organization a project belongs to decides whose endpoints get its events.
 */
#include "api/answer.h"
#include "api/handlers.h"

static void answer_project(struct call *c, struct slice id, int status)
{
	if (node_project_write(c->node, id, answer_begin(c)))
		answer_error(c, 404, "not_found", NULL, "there is no project \"%.*s\"", SLICE_ARG(id));
	else
		answer_json(c, status);
}

void project_get(struct call *c)
{
	answer_project(c, c->params[0], 200);
}

/* --- lists --- */

static int64_t count_projects(struct call *c, struct slice organization)
{
	int64_t n = 0;
	struct json_iter it;
	struct json_writer w;
	struct json_doc doc;
	struct buf text;
	bool more;

	buf_init(&text, CALL_ANSWER_MAX);
	json_doc_init(&doc);
	json_writer_init(&w, &text);
	json_begin_array(&w);
	node_project_list(c->node, organization, slice_str(""), SIZE_MAX, &w, &more);
	json_end_array(&w);
	if (json_parse(&doc, buf_slice(&text), &json_limits_default, NULL) == 0)
		for (it = json_each(json_root(&doc)); json_next(&it);)
			n++;
	json_doc_free(&doc);
	buf_free(&text);
	return n;
}

static void list(struct call *c, struct slice organization)
{
	struct page page;
	bool more;

	if (!page_read(c, "id", "asc", &page))
		return;
	if (page.count) {
		page_count(c, count_projects(c, organization));
		return;
	}
	page_begin(c);
	node_project_list(c->node, organization, page.marker, page.size, &c->w, &more);
	page_end(c, more, more ? page_last_id(c) : slice_str(""));
}

void projects_list(struct call *c)
{
	struct slice organization = slice_str("");

	if (c->role == KEY_PROJECT) {
		page_begin(c);
		node_project_write(c->node, slice_str(c->key_project), &c->w);
		page_end(c, false, slice_str(""));
		return;
	}
	call_argument(c, "organization_id", &organization);
	list(c, organization);
}

void projects_of_organization(struct call *c)
{
	list(c, c->params[0]);
}

/* --- changes --- */

static bool same_organization(struct call *c, struct json wanted)
{
	struct buf scratch;
	bool same;

	buf_init(&scratch, 4096);
	same = slice_eq(json_text_slice(wanted, &scratch), call_organization(c, c->params[0]));
	buf_free(&scratch);
	return same;
}

static bool may_change(struct call *c, struct json settings, bool merge)
{
	struct json wanted = json_get(settings, "organization_id");

	if (call_is_admin(c) || (merge && json_type(wanted) == JSON_NONE) || same_organization(c, wanted))
		return true;
	answer_error(c, 403, "forbidden", "organization_id",
		     "only the admin key moves a project to another organization");
	return false;
}

/* What GET shows beside the settings may come back; it is not looked at. */
static bool settings_only(struct call *c, struct json body, struct json_doc *doc, struct buf *text)
{
	struct json_iter it = json_each(body);
	struct json id = json_get(body, "id");
	struct json_writer w;
	struct buf scratch;

	buf_init(&scratch, 4096);
	if (!json_is_nil(id) && !slice_eq(json_text_slice(id, &scratch), c->params[0])) {
		buf_free(&scratch);
		answer_error(c, 400, "invalid_param", "id", "is not the id in the path; leave it out");
		return false;
	}
	json_writer_init(&w, text);
	json_begin_object(&w);
	while (json_next(&it)) {
		struct slice name = json_text_slice(it.key, &scratch);

		if (slice_is(name, "id") || slice_is(name, "time_created") || slice_is(name, "time_updated"))
			continue;
		json_key_slice(&w, name);
		json_put_raw(&w, json_raw(it.value));
	}
	json_end_object(&w);
	buf_free(&scratch);
	json_parse(doc, buf_slice(text), &json_limits_default, NULL);
	return true;
}

static void put(struct call *c, bool merge)
{
	struct fault fault = NO_FAULT;
	struct json_doc doc;
	struct buf text;
	struct json body;
	bool created = false;
	int err;

	if (!call_body(c, &body))
		return;
	json_doc_init(&doc);
	buf_init(&text, CALL_ANSWER_MAX);
	if (settings_only(c, body, &doc, &text) && may_change(c, json_root(&doc), merge)) {
		err = node_project_put(c->node, c->params[0], json_root(&doc), merge, &created, &fault);
		if (err)
			answer_err(c, err, &fault);
		else
			answer_project(c, c->params[0], created ? 201 : 200);
	}
	buf_free(&text);
	json_doc_free(&doc);
}

void project_put(struct call *c)
{
	put(c, false);
}

void project_change(struct call *c)
{
	put(c, true);
}

void project_delete(struct call *c)
{
	struct fault fault = NO_FAULT;
	int err;

	if (!call_is_admin(c)) {
		answer_error(c, 403, "forbidden", NULL, "only the admin key deletes a project");
		return;
	}
	err = node_project_delete(c->node, c->params[0], &fault);
	if (err)
		answer_err(c, err, &fault);
	else
		answer_empty(c);
}
