/*
 * One line an endpoint, trouble first: what is disabled, then paused, throttled, probing, then whatever has waited
 * longest. An operator who looks at the first lines has seen everything that wants something of him.
 */
#include "cli/cmd_status.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/api_client.h"
#include "cli/duration.h"
#include "cli/table.h"

#define PRINT_MAX ((size_t)1024 * 1024 * 1024)

struct line {
	char *owner, *id, *state;
	int64_t pending, oldest_s;
};

struct status {
	struct api api;
	const char *owner; /* whose endpoints are being read */
	struct line *lines;
	size_t count;
	struct names organizations;
};

/* Worst first; a word that a newer daemon has is trouble until we know better. */
static int state_rank(const char *state)
{
	static const char *const order[] = { "disabled", "paused", "throttled", "probe" };

	for (int i = 0; i < (int)(sizeof(order) / sizeof(order[0])); i++)
		if (strcmp(state, order[i]) == 0)
			return i;
	return strcmp(state, "ready") == 0 ? 5 : 4;
}

static int line_compare(const void *pa, const void *pb)
{
	const struct line *a = pa, *b = pb;
	int by = state_rank(a->state) - state_rank(b->state);

	if (by == 0)
		by = (a->oldest_s < b->oldest_s) - (a->oldest_s > b->oldest_s);
	if (by == 0)
		by = (a->pending < b->pending) - (a->pending > b->pending);
	if (by == 0)
		by = strcmp(a->owner, b->owner);
	return by != 0 ? by : strcmp(a->id, b->id);
}

static char *text_of(struct json v)
{
	struct buf text;

	buf_init(&text, 4096);
	json_text(v, &text);
	return buf_take(&text);
}

/* Whole seconds of a number that may have a fraction. */
static int64_t number_of(struct json v)
{
	double d = 0;

	return json_double(v, &d) && d > 0 && d < 1e15 ? (int64_t)d : 0;
}

static int endpoint_read(void *ctx, struct json element, struct fault *fault)
{
	struct status *st = ctx;

	(void)fault;
	st->lines = mem_realloc(st->lines, (st->count + 1) * sizeof(*st->lines));
	st->lines[st->count++] = (struct line){
		.owner = mem_strdup(st->owner),
		.id = text_of(json_get(element, "id")),
		.state = text_of(json_get(element, "state")),
		.pending = number_of(json_get(element, "pending")),
		.oldest_s = number_of(json_get(element, "oldest_pending_s")),
	};
	return 0;
}

static int project_read(void *ctx, struct json element, struct fault *fault)
{
	struct status *st = ctx;
	char *organization = text_of(json_get(element, "organization_id"));

	(void)fault;
	if (organization[0])
		names_add(&st->organizations, slice_str(organization));
	mem_free(organization);
	return 0;
}

static int owners_read(struct status *st, const struct names *owners, const char *pattern_head, struct fault *fault)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < owners->count; i++) {
		struct api_path path = api_path("%s", owners->items[i]), whole;

		snprintf(whole.text, sizeof(whole.text), "%s%.1900s/endpoints", pattern_head, path.text);
		st->owner = owners->items[i];
		rc = api_each(&st->api, &whole, endpoint_read, st, fault);
	}
	return rc;
}

/* A project's key does not see its organization; its own lines are all there then. */
static int organizations_read(struct status *st, struct fault *fault)
{
	int rc = owners_read(st, &st->organizations, "/v1/organizations/", fault);

	return rc != 0 && (st->api.status == 403 || st->api.status == 404) ? 0 : rc;
}

static int all_read(struct status *st, const char *project, struct fault *fault)
{
	struct api_path projects = api_path("/v1/projects");
	struct names ids = { NULL, 0 };
	int rc = 0;

	if (project) {
		names_add(&ids, slice_str(project));
	} else {
		rc = api_ids(&st->api, &projects, &ids, fault);
		if (rc == 0)
			rc = api_each(&st->api, &projects, project_read, st, fault);
	}
	if (rc == 0)
		rc = owners_read(st, &ids, "/v1/projects/", fault);
	if (rc == 0)
		rc = organizations_read(st, fault);
	names_free(&ids);
	if (rc == 0 && st->count > 0)
		qsort(st->lines, st->count, sizeof(*st->lines), line_compare);
	return rc;
}

static void print_table(const struct status *st)
{
	static const char *const head[] = { "OWNER", "ENDPOINT", "STATE", "PENDING", "OLDEST" };
	struct table table;
	struct buf out;
	char number[24];

	table_init(&table, "lllrr");
	for (size_t i = 0; i < 5; i++)
		table_add_str(&table, head[i]);
	for (size_t i = 0; i < st->count; i++) {
		const struct line *l = &st->lines[i];

		table_add_str(&table, l->owner);
		table_add_str(&table, l->id);
		table_add_str(&table, l->state);
		snprintf(number, sizeof(number), "%lld", (long long)l->pending);
		table_add_str(&table, number);
		buf_init(&out, 64);
		duration_add(&out, l->oldest_s);
		table_add(&table, buf_slice(&out));
		buf_free(&out);
	}
	buf_init(&out, PRINT_MAX);
	table_write(&table, &out);
	fwrite(buf_str(&out), 1, out.n, stdout);
	buf_free(&out);
	table_free(&table);
}

static void print_json(const struct status *st)
{
	struct json_writer w;
	struct buf out;

	buf_init(&out, PRINT_MAX);
	json_writer_init(&w, &out);
	json_begin_array(&w);
	for (size_t i = 0; i < st->count; i++) {
		const struct line *l = &st->lines[i];

		json_begin_object(&w);
		json_member_str(&w, "owner", l->owner);
		json_member_str(&w, "id", l->id);
		json_member_str(&w, "state", l->state);
		json_member_i64(&w, "pending", l->pending);
		json_member_i64(&w, "oldest_pending_s", l->oldest_s);
		json_end_object(&w);
	}
	json_end_array(&w);
	puts(buf_str(&out));
	buf_free(&out);
}

static void status_free(struct status *st)
{
	api_close(&st->api);
	names_free(&st->organizations);
	for (size_t i = 0; i < st->count; i++) {
		mem_free(st->lines[i].owner);
		mem_free(st->lines[i].id);
		mem_free(st->lines[i].state);
	}
	mem_free(st->lines);
}

static void usage(const struct option_row *rows, size_t row_count)
{
	puts("usage: postrider status [OPTION]...\n\n"
	     "Shows state and backlog of every endpoint, trouble first.\n");
	options_explain(rows, row_count, stdout);
}

int cmd_status(int argc, char **argv)
{
	struct api_options o = { NULL, NULL };
	const char *project = NULL;
	bool json = false;
	const struct option_row rows[] = {
		{ "--project", "ID", "only this project", OPTION_TEXT, &project, 0, 0, "POSTRIDER_PROJECT" },
		{ "--json", NULL, "for scripts: an array of objects", OPTION_FLAG, &json, 0, 0, NULL },
		API_OPTION_ROWS(&o),
	};
	struct status st = { .count = 0 };
	struct fault fault = NO_FAULT;
	int rc = options_read(rows, 4, argc, argv, NULL, 0, &fault);

	if (rc == OPTIONS_HELP) {
		usage(rows, 4);
		return 0;
	}
	if (rc != 0)
		return cli_usage_fault("status", &fault);
	rc = api_open(&st.api, &o, &fault);
	if (rc == 0)
		rc = all_read(&st, project, &fault);
	if (rc == 0)
		(json ? print_json : print_table)(&st);
	status_free(&st);
	return rc == 0 ? 0 : cli_fault("status", &fault);
}
