/*
 * GET /v1/openapi.json: the table of routes in the words of OpenAPI 3, made anew for each who asks. It names paths,
 * methods, parameters, keys and the shape of errors; what is in the bodies is told by docs/api.md, where there is room
 * for reasons.
 */
#include <string.h>

#include "api/answer.h"
#include "api/handlers.h"

/* --- pieces that are the same for all --- */

static const char components[] =
	"{\"securitySchemes\":{\"key\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
	"\"basic\":{\"type\":\"http\",\"scheme\":\"basic\",\"description\":\"the key as user name\"}},"
	"\"schemas\":{\"Error\":{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{\"error\":{\"type\":"
	"\"object\","
	"\"required\":[\"code\",\"message\"],\"properties\":{\"code\":{\"type\":\"string\"},\"message\":{\"type\":"
	"\"string\"},"
	"\"param\":{\"type\":\"string\",\"nullable\":true},\"position\":{\"type\":\"integer\"}}}}}},"
	"\"responses\":{\"Error\":{\"description\":\"what is wrong, where, and what to change\","
	"\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"}}}}}}";

static const char responses[] =
	"{\"2XX\":{\"description\":\"done\"},\"default\":{\"$ref\":\"#/components/responses/Error\"}}";

static const char json_body[] = "{\"content\":{\"application/json\":{\"schema\":{}}}}";
static const char events_body[] = "{\"required\":true,\"content\":{\"application/json\":{\"schema\":{}},"
				  "\"application/x-ndjson\":{\"schema\":{\"type\":\"string\"}}}}";

static void member_raw(struct json_writer *w, const char *name, const char *text)
{
	json_key(w, name);
	json_put_raw(w, slice_str(text));
}

/* --- one operation --- */

static const char *body_of(const struct api_route_info *r)
{
	if (strcmp(r->method, "GET") == 0 || strcmp(r->method, "DELETE") == 0)
		return NULL;
	return strcmp(r->path, "/v1/projects/{pid}/events") == 0 ? events_body : json_body;
}

static void write_operation(struct json_writer *w, const struct api_route_info *r)
{
	char method[16] = "";
	const char *body = body_of(r);

	for (size_t i = 0; r->method[i] && i < sizeof(method) - 1; i++)
		method[i] = (char)(r->method[i] - 'A' + 'a');
	json_key(w, method);
	json_begin_object(w);
	json_member_str(w, "summary", r->summary);
	if (strcmp(r->access, "none") == 0)
		member_raw(w, "security", "[]");
	else
		json_member_str(w, "x-access", r->access);
	if (body)
		member_raw(w, "requestBody", body);
	member_raw(w, "responses", responses);
	json_end_object(w);
}

/* --- paths: the rows of one path become one member, where the first of them stands --- */

static void write_parameters(struct json_writer *w, struct slice path)
{
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

static void write_path(struct json_writer *w, const char *path)
{
	struct api_route_info r;

	json_key(w, path);
	json_begin_object(w);
	write_parameters(w, slice_str(path));
	for (size_t i = 0; api_route_at(i, &r); i++)
		if (strcmp(r.path, path) == 0)
			write_operation(w, &r);
	json_end_object(w);
}

void openapi_show(struct call *c)
{
	struct json_writer *w = answer_begin(c);
	struct api_route_info r;

	json_begin_object(w);
	json_member_str(w, "openapi", "3.0.3");
	member_raw(w, "info",
		   "{\"title\":\"postrider\",\"version\":\"" POSTRIDER_VERSION
		   "\",\"description\":\"docs/api.md tells what "
		   "the bodies hold. x-access: who may call.\"}");
	member_raw(w, "security", "[{\"key\":[]},{\"basic\":[]}]");
	member_raw(w, "components", components);
	json_key(w, "paths");
	json_begin_object(w);
	for (size_t i = 0; api_route_at(i, &r); i++)
		if (is_first(&r, i))
			write_path(w, r.path);
	json_end_object(w);
	json_end_object(w);
	answer_json(c, 200);
}
