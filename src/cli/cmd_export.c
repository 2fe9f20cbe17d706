/*
 * Writes what a daemon has as the file that `apply` reads: on the same daemon it changes nothing, on another one it
 * makes the same. All settings in force are written, those of presets too, so that the file does not depend on the
 * presets of a version. Secrets are "***", which `apply` takes for "as it is", unless they are asked for.
 */
#include "cli/cmd_export.h"

#include <stdio.h>

#include "cli/api_client.h"
#include "cli/setup_file.h"
#include "listen/json_text.h"

struct export
{
	struct api api;
	bool reveal;
	const char *project; /* only this one */
	struct buf out;
	struct json_writer w;
	struct names organizations;
};

/* One list of an owner, being written. */
struct listing {
	struct export *ex;
	const struct setup_list *list;
};

static int element_add(void *ctx, struct json element, struct fault *fault)
{
	const struct listing *l = ctx;
	struct json_writer *w = &l->ex->w;

	(void)fault;
	json_begin_object(w);
	json_key(w, "id");
	json_put_raw(w, json_raw(json_get(element, "id")));
	setup_write_element(l->list, element, w);
	json_end_object(w);
	return 0;
}

/* owner: "/v1/projects/p1", as a path */
static int list_add(struct export *ex, const struct api_path *owner, const struct setup_list *list, struct fault *fault)
{
	struct listing l = { ex, list };
	struct api_path path;
	int rc;

	snprintf(path.text, sizeof(path.text), "%.2000s/%s%s", owner->text, list->name, ex->reveal ? "?reveal=1" : "");
	json_key(&ex->w, list->name);
	json_begin_array(&ex->w);
	rc = api_each(&ex->api, &path, element_add, &l, fault);
	json_end_array(&ex->w);
	return rc;
}

static int project_add(struct export *ex, const char *id, struct fault *fault)
{
	struct api_path path = api_path("/v1/projects/%s", id);
	int rc = api_get(&ex->api, &path, fault);
	struct json project, organization;
	struct buf name;

	if (rc != 0)
		return rc;
	project = json_root(&ex->api.doc);
	organization = json_get(project, "organization_id");
	buf_init(&name, 4096);
	json_text(organization, &name);
	if (name.n > 0)
		names_add(&ex->organizations, buf_slice(&name));
	buf_free(&name);
	json_begin_object(&ex->w);
	json_member_str(&ex->w, "id", id);
	setup_write_project(project, &ex->w);
	for (const struct setup_list *list = setup_lists; rc == 0 && list->name; list++)
		rc = list_add(ex, &path, list, fault);
	json_end_object(&ex->w);
	return rc;
}

static int projects_add(struct export *ex, struct fault *fault)
{
	struct api_path all = api_path("/v1/projects");
	struct names ids = { NULL, 0 };
	int rc = 0;

	if (ex->project)
		names_add(&ids, slice_str(ex->project));
	else
		rc = api_ids(&ex->api, &all, &ids, fault);
	json_key(&ex->w, "projects");
	json_begin_array(&ex->w);
	for (size_t i = 0; rc == 0 && i < ids.count; i++)
		rc = project_add(ex, ids.items[i], fault);
	json_end_array(&ex->w);
	names_free(&ids);
	return rc;
}

static int organization_add(struct export *ex, const char *id, struct fault *fault)
{
	struct api_path path = api_path("/v1/organizations/%s", id);
	int rc = 0;

	json_begin_object(&ex->w);
	json_member_str(&ex->w, "id", id);
	for (const struct setup_list *list = setup_lists; rc == 0 && list->name; list++)
		if (list->organizations)
			rc = list_add(ex, &path, list, fault);
	json_end_object(&ex->w);
	return rc;
}

/* The organizations are those that projects name: the daemon keeps no list of its own. */
static int organizations_add(struct export *ex, struct fault *fault)
{
	int rc = 0;

	json_key(&ex->w, "organizations");
	json_begin_array(&ex->w);
	for (size_t i = 0; rc == 0 && !ex->project && i < ex->organizations.count; i++) {
		rc = organization_add(ex, ex->organizations.items[i], fault);
	}
	json_end_array(&ex->w);
	/* A project's key does not see its organization; its project is all there. */
	return rc != 0 && (ex->api.status == 403 || ex->api.status == 404) ? 0 : rc;
}

static int export_make(struct export *ex, struct fault *fault)
{
	int rc;

	json_writer_init(&ex->w, &ex->out);
	json_begin_object(&ex->w);
	rc = projects_add(ex, fault);
	if (rc == 0)
		rc = organizations_add(ex, fault);
	if (rc != 0)
		return rc;
	json_end_object(&ex->w);
	if (buf_failed(&ex->out))
		return fault_set(fault, "too_large", "", "the set-up is larger than 64 MiB; export project by project");
	return 0;
}

/* Indented, because people read and compare it. */
static int export_print(const struct export *ex, struct fault *fault)
{
	struct json_doc doc;
	struct buf text;
	int rc;

	json_doc_init(&doc);
	buf_init(&text, 64 * SETUP_FILE_MAX);
	rc = json_parse(&doc, buf_slice(&ex->out), &json_limits_default, fault);
	if (rc == 0) {
		json_text_add(&text, json_root(&doc), 0);
		fwrite(text.p, 1, text.n, stdout);
		fputc('\n', stdout);
	}
	buf_free(&text);
	json_doc_free(&doc);
	return rc;
}

static void usage(const struct option_row *rows, size_t row_count)
{
	puts("usage: postrider export [OPTION]... >FILE\n\n"
	     "Writes all projects, endpoints, phones and services as the file that `postrider apply` reads.\n");
	options_explain(rows, row_count, stdout);
}

int cmd_export(int argc, char **argv)
{
	struct export ex = { .reveal = false };
	struct api_options o = { NULL, NULL };
	const struct option_row rows[] = {
		{ "--project", "ID", "only this project", OPTION_TEXT, &ex.project, 0, 0, NULL },
		{ "--secrets", NULL, "with the secrets themselves instead of ***; needs an admin key", OPTION_FLAG,
		  &ex.reveal, 0, 0, NULL },
		API_OPTION_ROWS(&o),
	};
	struct fault fault = NO_FAULT;
	int rc = options_read(rows, 4, argc, argv, NULL, 0, &fault);

	if (rc == OPTIONS_HELP) {
		usage(rows, 4);
		return 0;
	}
	if (rc != 0)
		return cli_usage_fault("export", &fault);
	buf_init(&ex.out, SETUP_FILE_MAX);
	rc = api_open(&ex.api, &o, &fault);
	if (rc == 0)
		rc = export_make(&ex, &fault);
	if (rc == 0)
		rc = export_print(&ex, &fault);
	api_close(&ex.api);
	names_free(&ex.organizations);
	buf_free(&ex.out);
	return rc == 0 ? 0 : cli_fault("export", &fault);
}
