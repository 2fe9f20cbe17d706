/*
 * Puts a set-up file into a daemon: for every project and whatever stands in it, a look at what is there, a PUT of what
 * the file says, and one line about the difference. Applying the same file twice changes nothing. What the file does
 * not name is left alone: deleting is never done by omission.
 */
#include "cli/cmd_apply.h"

#include <stdio.h>

#include "base/mem.h"
#include "cli/api_client.h"
#include "cli/setup_file.h"

struct apply {
	struct api api;
	bool reveal; /* secrets are compared too; only an admin key may */
};

/* One thing to put. */
struct item {
	struct api_path path;
	struct json element; /* of the file */
	const struct setup_list
		*list;	  /* what it is one of; these have secrets, which an admin may see. NULL: a project */
	const char *what; /* "project p1", "endpoint p1/crm" */
};

/* What the daemon has, as JSON text; empty when there is nothing yet. */
static int item_look(struct apply *ap, const struct item *item, struct buf *ret, struct fault *fault)
{
	struct api_path path = api_path("%s", "");
	int rc;

	snprintf(path.text, sizeof(path.text), "%.2000s%s", item->path.text,
		 item->list && ap->reveal ? "?reveal=1" : "");
	rc = api_get(&ap->api, &path, fault);
	if (rc == ERR_INVALID && ap->api.status == 403 && item->list && ap->reveal) {
		ap->reveal = false;
		return item_look(ap, item, ret, fault);
	}
	if (rc == 0)
		buf_add_slice(ret, buf_slice(&ap->api.answer));
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static bool is_same(const struct item *item, struct json before, struct json after)
{
	return item->list ? setup_same_element(item->list, before, after) : setup_same_project(before, after);
}

static const char *difference(const struct item *item, struct slice before, struct slice after)
{
	struct json_doc a, b;
	bool same;

	if (before.n == 0)
		return "created";
	json_doc_init(&a);
	json_doc_init(&b);
	same = json_parse(&a, before, &json_limits_default, NULL) == 0 &&
	       json_parse(&b, after, &json_limits_default, NULL) == 0 && is_same(item, json_root(&a), json_root(&b));
	json_doc_free(&a);
	json_doc_free(&b);
	return same ? "unchanged" : "changed";
}

static int item_put(struct apply *ap, const struct item *item, struct fault *fault)
{
	struct json_writer w;
	struct buf body;
	int rc;

	buf_init(&body, SETUP_FILE_MAX);
	json_writer_init(&w, &body);
	setup_write_body(item->element, &w);
	rc = api_call(&ap->api, "PUT", &item->path, buf_slice(&body), NULL, fault);
	buf_free(&body);
	return rc;
}

static int item_apply(struct apply *ap, const struct item *item, struct fault *fault)
{
	struct buf before, after;
	int rc;

	buf_init(&before, SETUP_FILE_MAX);
	buf_init(&after, SETUP_FILE_MAX);
	rc = item_look(ap, item, &before, fault);
	if (rc == 0)
		rc = item_put(ap, item, fault);
	if (rc == 0)
		rc = item_look(ap, item, &after, fault);
	if (rc == 0) {
		printf("%s: %s\n", item->what, difference(item, buf_slice(&before), buf_slice(&after)));
		fflush(stdout);
	}
	buf_free(&before);
	buf_free(&after);
	return rc;
}

static char *id_of(struct json element)
{
	struct buf text;

	buf_init(&text, 4096);
	json_text(json_get(element, "id"), &text);
	return buf_take(&text);
}

/* What an owner's ids stand in. */
struct owner {
	const char *id;
	bool project;
};

static int element_apply(struct apply *ap, const struct owner *owner, const struct setup_list *list,
			 struct json element, struct fault *fault)
{
	char *id = id_of(element), what[400];
	struct item item = {
		.path = owner->project ? api_path("/v1/projects/%s/", owner->id)
				       : api_path("/v1/organizations/%s/", owner->id),
		.element = element,
		.list = list,
		.what = what,
	};
	struct api_path rest = api_path("/%s", id);
	size_t n = strlen(item.path.text);
	int rc;

	snprintf(item.path.text + n, sizeof(item.path.text) - n, "%s%.1000s", list->name, rest.text);
	snprintf(what, sizeof(what), "%s %.150s/%.150s", list->one, owner->id, id);
	rc = item_apply(ap, &item, fault);
	mem_free(id);
	return rc;
}

static int list_apply(struct apply *ap, const struct owner *owner, const struct setup_list *list, struct json element,
		      struct fault *fault)
{
	int rc = 0;

	for (struct json_iter it = json_each(json_get(element, list->name)); rc == 0 && json_next(&it);) {
		rc = element_apply(ap, owner, list, it.value, fault);
		if (rc != 0)
			fault_within(fault, "%s[%u]", list->name, it.index);
	}
	return rc;
}

static int project_apply(struct apply *ap, const char *id, struct json element, struct fault *fault)
{
	char what[200];
	struct item item = { .path = api_path("/v1/projects/%s", id), .element = element, .what = what };

	snprintf(what, sizeof(what), "project %.150s", id);
	return item_apply(ap, &item, fault);
}

static int owner_apply(struct apply *ap, const struct owner *owner, struct json element, struct fault *fault)
{
	int rc = owner->project ? project_apply(ap, owner->id, element, fault) : 0;

	for (const struct setup_list *list = setup_lists; rc == 0 && list->name; list++)
		rc = list_apply(ap, owner, list, element, fault);
	return rc;
}

static int owners_apply(struct apply *ap, struct json root, const char *name, bool project, struct fault *fault)
{
	int rc = 0;

	for (struct json_iter it = json_each(json_get(root, name)); rc == 0 && json_next(&it);) {
		char *id = id_of(it.value);
		struct owner owner = { id, project };

		rc = owner_apply(ap, &owner, it.value, fault);
		if (rc != 0)
			fault_within(fault, "%s[%u]", name, it.index);
		mem_free(id);
	}
	return rc;
}

static int file_apply(const struct api_options *o, struct json root, struct fault *fault)
{
	struct apply ap = { .reveal = true };
	int rc = api_open(&ap.api, o, fault);

	if (rc == 0)
		rc = owners_apply(&ap, root, "projects", true, fault);
	if (rc == 0)
		rc = owners_apply(&ap, root, "organizations", false, fault);
	api_close(&ap.api);
	return rc;
}

/* Reads and checks; *ret_text must outlive the document. */
static int file_load(const char *path, struct buf *ret_text, struct json_doc *ret_doc, struct fault *fault)
{
	int rc = cli_read_file(path, SETUP_FILE_MAX, ret_text, fault);

	if (rc == 0)
		rc = json_parse(ret_doc, buf_slice(ret_text), &json_limits_default, fault);
	return rc != 0 ? rc : setup_check(json_root(ret_doc), fault);
}

static void usage(const struct option_row *rows, size_t row_count)
{
	puts("usage: postrider apply [OPTION]... FILE\n\n"
	     "Makes the projects, endpoints, phones and services that FILE names (- is standard input), changes those\n"
	     "that differ, leaves all others alone. Prints created, changed or unchanged for each, and stops at the\n"
	     "first error.\n"
	     "FILE is what `postrider export` writes; docs/cli.md describes it.\n");
	options_explain(rows, row_count, stdout);
}

int cmd_apply(int argc, char **argv)
{
	struct api_options o = { NULL, NULL };
	const struct option_row rows[] = { API_OPTION_ROWS(&o) };
	struct fault fault = NO_FAULT;
	struct json_doc doc;
	struct buf text;
	const char *path;
	int rc = options_read(rows, 2, argc, argv, &path, 1, &fault);

	if (rc == OPTIONS_HELP) {
		usage(rows, 2);
		return 0;
	}
	if (rc == 0 && !path)
		rc = fault_set(&fault, "invalid_param", "", "which file? postrider apply FILE");
	if (rc != 0)
		return cli_usage_fault("apply", &fault);
	json_doc_init(&doc);
	rc = file_load(path, &text, &doc, &fault);
	if (rc != 0)
		rc = 1 + cli_fault("apply", &fault);
	else if (file_apply(&o, json_root(&doc), &fault) != 0)
		rc = cli_fault("apply", &fault);
	json_doc_free(&doc);
	buf_free(&text);
	return rc;
}
