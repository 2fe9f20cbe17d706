/*
 * GET /v1/openapi.json: the table of routes in the words of OpenAPI 3.1, made anew for each who asks. What a call takes
 * and gives stands in its row as the names of schemas; the schemas themselves are data (schemas.json). docs/api.md says
 * the rest, where there is room for reasons.
 *
 * Lists are no schemas of their own: every one is {"data":[…],"truncated","next_marker"}, or with count=1 a count.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "api/answer.h"
#include "api/handlers.h"

static const char info[] = "{\"title\":\"postrider\",\"version\":\"" POSTRIDER_VERSION
			   "\",\"summary\":\"Events of a messaging platform, delivered to its customers over HTTP\","
			   "\"description\":\"docs/api.md and docs/rest.md say what the bodies mean. x-access: who may "
			   "call; x-portal: which "
			   "portal links.\",\"license\":{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}}";

static const char security_schemes[] =
	"{\"key\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"the admin key, a project's key, or the "
	"token of a "
	"portal link\"},\"basic\":{\"type\":\"http\",\"scheme\":\"basic\",\"description\":\"the key as user name\"}}";

static const char error_response[] =
	"{\"Error\":{\"description\":\"what is wrong, where, and what to change\","
	"\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"}}}}}";

static void member_raw(struct json_writer *w, const char *name, const char *text)
{
	json_key(w, name);
	json_put_raw(w, slice_str(text));
}

static void put_ref(struct json_writer *w, enum schema s)
{
	char ref[128];

	snprintf(ref, sizeof(ref), "#/components/schemas/%s", schema_names[s]);
	json_begin_object(w);
	json_member_str(w, "$ref", ref);
	json_end_object(w);
}

/* Cuts the first of words with blanks between them off the front. */
static struct slice next_word(struct slice *rest)
{
	size_t n = slice_find(*rest, ' ');
	struct slice word = slice_of(rest->p, n);

	*rest = slice_from(*rest, n < rest->n ? n + 1 : n);
	return word;
}

/* --- what a call takes --- */

static void write_query(struct json_writer *w, struct json known, const struct route_words *words)
{
	char all[256];
	struct slice rest;

	snprintf(all, sizeof(all), "%s%s", words->answer == ANSWER_LIST ? "page_size marker " : "", words->query);
	rest = slice_trim(slice_str(all));
	if (rest.n == 0)
		return;
	json_key(w, "parameters");
	json_begin_array(w);
	while (rest.n > 0)
		json_put_raw(w, json_raw(json_get_slice(known, next_word(&rest))));
	json_end_array(w);
}

static void write_body(struct json_writer *w, const struct route_words *words)
{
	if (words->takes == SCHEMA_Nothing)
		return;
	json_key(w, "requestBody");
	json_begin_object(w);
	json_key(w, "content");
	json_begin_object(w);
	json_key(w, "application/json");
	json_begin_object(w);
	json_key(w, "schema");
	put_ref(w, words->takes);
	json_end_object(w);
	if (words->takes == SCHEMA_EventsInput)
		member_raw(w, "application/x-ndjson", "{\"schema\":{\"type\":\"string\"}}");
	json_end_object(w);
	json_end_object(w);
}

/* --- what it gives --- */

static void write_list(struct json_writer *w, enum schema of)
{
	json_begin_object(w);
	json_member_str(w, "type", "object");
	json_key(w, "properties");
	json_begin_object(w);
	json_key(w, "data");
	json_begin_object(w);
	json_member_str(w, "type", "array");
	json_key(w, "items");
	put_ref(w, of);
	json_end_object(w);
	member_raw(w, "truncated", "{\"type\":\"boolean\"}");
	member_raw(w, "next_marker", "{\"type\":[\"string\",\"null\"]}");
	member_raw(w, "count", "{\"type\":\"integer\",\"description\":\"with count=1, instead of data\"}");
	json_end_object(w);
	json_end_object(w);
}

static void write_content(struct json_writer *w, const struct route_words *words)
{
	json_key(w, "content");
	json_begin_object(w);
	json_key(w, words->answer == ANSWER_TEXT ? words->media_type : "application/json");
	json_begin_object(w);
	json_key(w, "schema");
	if (words->answer == ANSWER_TEXT)
		json_put_raw(w, SLICE_LIT("{\"type\":\"string\"}"));
	else if (words->answer == ANSWER_LIST)
		write_list(w, words->gives);
	else
		put_ref(w, words->gives);
	json_end_object(w);
	json_end_object(w);
}

static void write_responses(struct json_writer *w, const struct route_words *words)
{
	struct slice rest = slice_str(words->statuses);

	json_key(w, "responses");
	json_begin_object(w);
	while (rest.n > 0) {
		json_key_slice(w, next_word(&rest));
		json_begin_object(w);
		json_member_str(w, "description", "done");
		write_content(w, words);
		json_end_object(w);
	}
	member_raw(w, "default", "{\"$ref\":\"#/components/responses/Error\"}");
	json_end_object(w);
}

/* --- one operation --- */

static char small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* "get_projects_pid_events": unlike for every row, and the same in every version. */
static void write_operation_id(struct json_writer *w, const struct api_route_info *r)
{
	char id[160];
	size_t n = 0;
	const char *path = strncmp(r->path, "/v1/", 4) == 0 ? r->path + 3 : r->path;

	for (const char *p = r->method; *p; p++)
		id[n++] = small(*p);
	for (const char *p = path; *p && n + 1 < sizeof(id); p++)
		if (*p == '/' || *p == '.')
			id[n++] = '_';
		else if (*p != '{' && *p != '}')
			id[n++] = *p;
	json_member_string(w, "operationId", slice_of(id, n));
}

static void write_operation(struct json_writer *w, struct json known, const struct api_route_info *r)
{
	char method[16] = "";

	for (size_t i = 0; r->method[i] && i < sizeof(method) - 1; i++)
		method[i] = small(r->method[i]);
	json_key(w, method);
	json_begin_object(w);
	json_member_str(w, "summary", r->summary);
	write_operation_id(w, r);
	if (strcmp(r->access, "none") == 0)
		member_raw(w, "security", "[]");
	json_member_str(w, "x-access", r->access);
	if (strcmp(r->access, "project") == 0)
		json_member_str(w, "x-portal", r->portal);
	write_query(w, known, r->words);
	write_body(w, r->words);
	write_responses(w, r->words);
	json_end_object(w);
}

/* --- paths: the rows of one path become one member, where the first of them stands --- */

static void write_parameters(struct json_writer *w, struct slice path)
{
	if (slice_find(path, '{') == path.n)
		return;
	json_key(w, "parameters");
	json_begin_array(w);
	while (path.n > 0) {
		size_t open = slice_find(path, '{'), end = slice_find(path, '}');

		if (end < path.n) {
			json_begin_object(w);
			json_member_string(w, "name", slice_of(path.p + open + 1, end - open - 1));
			json_member_str(w, "in", "path");
			json_member_bool(w, "required", true);
			member_raw(w, "schema", "{\"type\":\"string\"}");
			json_end_object(w);
		}
		path = slice_from(path, end < path.n ? end + 1 : end);
	}
	json_end_array(w);
}

static bool is_first(const struct api_route_info *r, size_t index)
{
	struct api_route_info other;

	for (size_t i = 0; i < index && api_route_at(i, &other); i++)
		if (strcmp(other.path, r->path) == 0)
			return false;
	return true;
}

static void write_path(struct json_writer *w, struct json known, const char *path)
{
	struct api_route_info r;

	json_key(w, path);
	json_begin_object(w);
	write_parameters(w, slice_str(path));
	for (size_t i = 0; api_route_at(i, &r); i++)
		if (strcmp(r.path, path) == 0)
			write_operation(w, known, &r);
	json_end_object(w);
}

static void write_paths(struct json_writer *w, struct json known)
{
	struct api_route_info r;

	json_key(w, "paths");
	json_begin_object(w);
	for (size_t i = 0; api_route_at(i, &r); i++)
		if (is_first(&r, i))
			write_path(w, known, r.path);
	json_end_object(w);
}

static void write_components(struct json_writer *w)
{
	json_key(w, "components");
	json_begin_object(w);
	member_raw(w, "securitySchemes", security_schemes);
	member_raw(w, "responses", error_response);
	member_raw(w, "schemas", schemas_text);
	json_end_object(w);
}

void openapi_show(struct call *c)
{
	struct json_writer *w = answer_begin(c);
	struct json_doc known;
	int err;

	json_doc_init(&known);
	err = json_parse(&known, slice_str(parameters_text), &json_limits_default, NULL);
	assert(!err); /* scripts/schemas.py has written it */
	json_begin_object(w);
	json_member_str(w, "openapi", "3.1.0");
	member_raw(w, "info", info);
	member_raw(w, "security", "[{\"key\":[]},{\"basic\":[]}]");
	write_components(w);
	write_paths(w, json_root(&known));
	json_end_object(w);
	json_doc_free(&known);
	answer_json(c, 200);
}
