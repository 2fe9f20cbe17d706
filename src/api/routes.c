/*
 * Every route is one row: who may call it, where it runs, what it does. The documentation
 * of the API is made from the same rows. They are searched from the top, which is cheap
 * beside everything else a request costs; the one that is called most stands first.
 */
#include "api/routes.h"

#include <stdio.h>

#include "api/handlers.h"

#define PROJECT	     "/v1/projects/{pid}"
#define ORGANIZATION "/v1/organizations/{oid}"
#define ENDPOINT     "/endpoints/{eid}"

/*
 * What a call takes and gives, for /v1/openapi.json: the query's arguments, and schemas of schemas.json. A row without
 * these words, or with a schema that is not there, does not compile.
 */
#define IO(QUERY, TAKES, GIVES, STATUS)                                                                                \
	{                                                                                                              \
		QUERY, SCHEMA_##TAKES, SCHEMA_##GIVES, ANSWER_ONE, STATUS, NULL                                        \
	}
#define GIVES(WHAT) IO("", Nothing, WHAT, "200")
#define ENDS	    GIVES(Empty)
#define LIST(QUERY, WHAT)                                                                                              \
	{                                                                                                              \
		QUERY, SCHEMA_Nothing, SCHEMA_##WHAT, ANSWER_LIST, "200", NULL                                         \
	}
#define TEXT(TYPE)                                                                                                     \
	{                                                                                                              \
		"", SCHEMA_Nothing, SCHEMA_Nothing, ANSWER_TEXT, "200", TYPE                                           \
	}
#define STREAM(QUERY)                                                                                                  \
	{                                                                                                              \
		QUERY, SCHEMA_Nothing, SCHEMA_Nothing, ANSWER_TEXT, "200", "text/event-stream"                         \
	}

/* A table is read by its columns. */
/* clang-format off */
#define DESK(METHOD, PATH, ACCESS, RUN, WORDS, SUMMARY) { METHOD, PATH, ACCESS, PLACE_DESK, RUN, WORDS, SUMMARY, NULL, REST_READS, PORTAL_BY_METHOD }
#define HERE(METHOD, PATH, ACCESS, RUN, WORDS, SUMMARY) { METHOD, PATH, ACCESS, PLACE_HERE, RUN, WORDS, SUMMARY, NULL, REST_READS, PORTAL_BY_METHOD }
/* As DESK, but not for portal links; and, although it is no GET, for those as well that may only look. */
#define KEYED(METHOD, PATH, ACCESS, RUN, WORDS, SUMMARY) { METHOD, PATH, ACCESS, PLACE_DESK, RUN, WORDS, SUMMARY, NULL, REST_READS, PORTAL_NEVER }
#define LOOKS(METHOD, PATH, ACCESS, RUN, WORDS, SUMMARY) { METHOD, PATH, ACCESS, PLACE_DESK, RUN, WORDS, SUMMARY, NULL, REST_READS, PORTAL_LOOKS }
static const struct route routes[] = {
	HERE("POST", PROJECT "/events", ACCESS_PROJECT, events_post, IO("quiet", EventsInput, EventsAccepted, "202"),
	     "Takes one event, an array of events or NDJSON; answers 202 when they are on disk"),
	DESK("GET", PROJECT "/events", ACCESS_PROJECT, events_list, LIST("count type message_id number state q since until", Event),
	     "Events, newest first, with their state at each endpoint"),
	DESK("GET", PROJECT "/events/{id}", ACCESS_PROJECT, event_get, GIVES(Event), "One event with its state at each endpoint"),
	DESK("GET", PROJECT "/attempts", ACCESS_PROJECT, attempts_list, LIST("count endpoint_id event_id message_id outcome since until", Attempt),
	     "Delivery attempts, newest first, with request and response"),
	DESK("GET", PROJECT "/attempts/{id}", ACCESS_PROJECT, attempt_get, GIVES(Attempt), "One delivery attempt"),

	DESK("GET", PROJECT "/dead", ACCESS_PROJECT, dead_list, LIST("endpoint_id", DeadLetter), "What failed for good, newest first"),
	LOOKS("POST", PROJECT "/draft/render", ACCESS_PROJECT, draft_render, IO("", DraftWish, Draft, "200"),
	      "Shows the requests that settings would make of events, without saving or sending anything"),
	DESK("POST", PROJECT "/draft/send", ACCESS_PROJECT, draft_send, IO("", DraftWish, Tried, "200"),
	     "Really sends the first of those requests once, and shows the answer"),

	DESK("GET", "/v1/whoami", ACCESS_KEY, whoami_show, GIVES(Whoami), "What this key or link opens"),
	DESK("GET", "/v1/presets", ACCESS_KEY, presets_list, LIST("", Preset), "The presets with their settings"),
	DESK("GET", "/v1/presets/{name}", ACCESS_KEY, preset_get, GIVES(Preset), "One preset"),
	DESK("GET", "/v1/settings", ACCESS_ADMIN, settings_show, GIVES(Settings), "The daemon's settings as they are in force, and from where"),

	DESK("GET", "/v1/overview", ACCESS_ADMIN, overview_show, IO("series", Nothing, Overview, "200"),
	     "How all of it does now and over the last hour and day, and which endpoints are in trouble"),
	DESK("GET", PROJECT "/overview", ACCESS_PROJECT, overview_of_project, IO("series", Nothing, Overview, "200"), "The same of one project"),
	DESK("GET", "/v1/endpoint_numbers", ACCESS_ADMIN, endpoint_numbers_list, LIST("sort sort_dir q state", EndpointNumbers),
	     "All endpoints with their numbers, sorted by one of them"),
	DESK("GET", PROJECT "/endpoint_numbers", ACCESS_PROJECT, endpoint_numbers_of_project, LIST("sort sort_dir q state", EndpointNumbers),
	     "The project's endpoints with their numbers, sorted by one of them"),

	DESK("GET", PROJECT "/stream", ACCESS_PROJECT, stream_project, STREAM("kinds endpoint_id outcome rate"),
	     "What happens in the project, as it happens: server-sent events"),
	DESK("GET", "/v1/stream", ACCESS_ADMIN, stream_all, STREAM("kinds endpoint_id outcome rate"), "What happens in all projects, as it happens"),

	DESK("GET", "/v1/projects", ACCESS_KEY, projects_list, LIST("count", Project), "All projects; with a project's key only its own"),
	DESK("GET", ORGANIZATION "/projects", ACCESS_ADMIN, projects_of_organization, LIST("count", Project),
	     "The projects of one organization"),
	DESK("GET", PROJECT, ACCESS_PROJECT, project_get, GIVES(Project), "One project"),
	KEYED("PUT", PROJECT, ACCESS_PROJECT, project_put, IO("", ProjectSettings, Project, "200 201"), "Creates or replaces a project"),
	KEYED("PATCH", PROJECT, ACCESS_PROJECT, project_change, IO("", ProjectSettings, Project, "200"), "Changes the given fields of a project"),
	KEYED("POST", PROJECT, ACCESS_PROJECT, project_change, IO("", ProjectSettings, Project, "200"), "Changes the given fields of a project"),
	KEYED("DELETE", PROJECT, ACCESS_PROJECT, project_delete, ENDS, "Deletes a project with all it has"),

	KEYED("GET", PROJECT "/keys", ACCESS_PROJECT, keys_list, LIST("count", Key), "The project's keys, without the keys themselves"),
	KEYED("POST", PROJECT "/keys", ACCESS_PROJECT, key_create, IO("", KeyName, KeyMade, "201"), "Makes a key and shows it once"),
	KEYED("DELETE", PROJECT "/keys/{kid}", ACCESS_PROJECT, key_delete, ENDS, "Deletes a key"),
	KEYED("POST", PROJECT "/portal_links", ACCESS_PROJECT, portal_link_create, IO("", PortalLinkWish, PortalLink, "201"),
	      "Makes a link that opens the project for a while, without a key"),
	KEYED("DELETE", PROJECT "/portal_links", ACCESS_PROJECT, portal_links_end, ENDS, "Ends all of the project's links"),

#define ENDPOINT_ROWS(OWNER, ACCESS)                                                                                   \
	DESK("GET", OWNER "/endpoints", ACCESS, endpoints_list, LIST("count", Endpoint), "Endpoints, ordered by id"),  \
	DESK("POST", OWNER "/endpoints", ACCESS, endpoint_create, IO("", EndpointSettings, Endpoint, "201"),           \
	     "Creates an endpoint, with the given id or one that is made"),                                            \
	DESK("GET", OWNER ENDPOINT, ACCESS, endpoint_get, IO("reveal", Nothing, Endpoint, "200"), "One endpoint: settings in force, state, numbers"), \
	DESK("PUT", OWNER ENDPOINT, ACCESS, endpoint_put, IO("", EndpointSettings, Endpoint, "200 201"), "Creates or replaces an endpoint"), \
	DESK("PATCH", OWNER ENDPOINT, ACCESS, endpoint_change, IO("", EndpointSettings, Endpoint, "200"), "Changes the given settings of an endpoint"), \
	DESK("POST", OWNER ENDPOINT, ACCESS, endpoint_change, IO("", EndpointSettings, Endpoint, "200"), "Changes the given settings of an endpoint"), \
	DESK("DELETE", OWNER ENDPOINT, ACCESS, endpoint_delete, ENDS,                                                  \
	     "Deletes an endpoint; its waiting deliveries end as failed"),                                             \
	DESK("POST", OWNER ENDPOINT "/enable", ACCESS, endpoint_enable, GIVES(Endpoint), "Sends to the endpoint again"), \
	DESK("POST", OWNER ENDPOINT "/disable", ACCESS, endpoint_disable, GIVES(Endpoint),                             \
	     "Sends nothing more; what waits is kept until its age ends it"),                                          \
	DESK("POST", OWNER ENDPOINT "/rotate_secret", ACCESS, endpoint_rotate_secret, GIVES(SecretMade),               \
	     "Makes a new signing secret and shows it once; the old one signs beside it"),                             \
	DESK("POST", OWNER ENDPOINT "/test", ACCESS, endpoint_test, IO("", TryWish, Tried, "200"),                     \
	     "Really sends a sample event and shows the answer"),                                                      \
	LOOKS("POST", OWNER ENDPOINT "/render", ACCESS, endpoint_render, IO("", TryWish, Rendered, "200"),             \
	     "Shows the request for a sample event without sending it"),                                               \
	DESK("POST", OWNER ENDPOINT "/replay", ACCESS, replay_start, IO("", ReplayWish, Replay, "200 202"),            \
	     "Counts or sends again what failed, or everything"),                                                      \
	DESK("GET", OWNER ENDPOINT "/numbers", ACCESS, endpoint_numbers_get, GIVES(EndpointHistory),                   \
	     "The endpoint's numbers over the last hour and day, by code, and how long exchanges took"),               \
	DESK("GET", OWNER ENDPOINT "/retries", ACCESS, endpoint_retries, GIVES(Retries),                               \
	     "What waits to be sent again, by the attempts made so far"),                                              \
	DESK("GET", OWNER ENDPOINT "/replays/{id}", ACCESS, replay_get, GIVES(Replay), "How far a replay is"),         \
	DESK("DELETE", OWNER ENDPOINT "/replays/{id}", ACCESS, replay_cancel, ENDS,                                    \
	     "Cancels a replay; what was not sent yet is not sent")
	ENDPOINT_ROWS(PROJECT, ACCESS_PROJECT),
	ENDPOINT_ROWS(ORGANIZATION, ACCESS_ADMIN),

/* The messaging side: what its operations may do decides where they run. Words and summary go on as they came. */
#define READS(PATH, OP, ...)                                                                                           \
	{ "GET", PROJECT PATH, ACCESS_PROJECT, PLACE_DESK, messaging_call, __VA_ARGS__, OP, REST_READS, PORTAL_BY_METHOD }
#define WRITES(METHOD, PATH, OP, ...)                                                                                  \
	{ METHOD, PROJECT PATH, ACCESS_PROJECT, PLACE_HERE, messaging_call, __VA_ARGS__, OP, REST_WRITES, PORTAL_BY_METHOD }
#define BLOCKS(METHOD, PATH, OP, ...)                                                                                  \
	{ METHOD, PROJECT PATH, ACCESS_PROJECT, PLACE_DESK, messaging_call, __VA_ARGS__, OP, REST_BLOCKS, PORTAL_BY_METHOD }
#define CHANGES(WAY, PATH, OP, ...) WAY("POST", PATH, OP, __VA_ARGS__), WAY("PATCH", PATH, OP, __VA_ARGS__)

	WRITES("POST", "/messages/send", rest_message_send, IO("", MessageWish, Message, "200"), "Sends one message"),
	WRITES("POST", "/messages/send_batch", rest_message_batch, IO("", BroadcastWish, Broadcast, "200"), "Sends messages of different contents"),
	WRITES("POST", "/send_multi", rest_message_multi, IO("", MultiWish, MultiMade, "200"), "Sends messages of different contents, all or none"),
	WRITES("POST", "/messages/receive", rest_message_receive, IO("", MessageReceived, Message, "200"), "Takes a message as if a phone had received it"),
	READS("/messages", rest_messages, LIST("count sort sort_dir direction status service_id phone_id contact_id", Message), "Messages"),
	READS("/messages/{id}", rest_message, GIVES(Message), "One message"),
	CHANGES(WRITES, "/messages/{id}", rest_message_change, IO("", MessageChange, Message, "200"), "Changes variables, labels or the star of a message"),
	WRITES("DELETE", "/messages/{id}", rest_message_delete, ENDS, "Deletes a message"),
	WRITES("POST", "/messages/{id}/resend", rest_message_resend, IO("", ResendWish, Message, "200"), "Sends a message again: one that failed itself, one that was sent as a new one"),
	WRITES("POST", "/messages/{id}/cancel", rest_message_cancel, GIVES(Message), "Cancels a message that waits and is with no gateway"),

	WRITES("POST", "/send_broadcast", rest_broadcast_send, IO("", BroadcastWish, Broadcast, "200"), "Sends one content to many"),
	READS("/broadcasts", rest_broadcasts, LIST("count sort_dir", Broadcast), "Broadcasts"),
	READS("/broadcasts/{id}", rest_broadcast, GIVES(Broadcast), "One broadcast"),
	WRITES("POST", "/broadcasts/{id}/cancel", rest_broadcast_cancel, GIVES(Broadcast), "Ends a broadcast; what was sent or is with a gateway stays so"),

	READS("/contacts", rest_contacts, LIST("count sort sort_dir name phone_number", Contact), "Contacts"),
	WRITES("POST", "/contacts", rest_contact_put, IO("", ContactWish, Contact, "200"), "Finds a contact by its number, or makes it, and changes it"),
	WRITES("POST", "/import_contacts", rest_contacts_import, IO("", ContactsWish, ContactsMade, "200"), "Makes or changes many contacts"),
	READS("/contacts/{id}", rest_contact, GIVES(Contact), "One contact"),
	CHANGES(WRITES, "/contacts/{id}", rest_contact_change, IO("", ContactChange, Contact, "200"), "Changes a contact"),
	WRITES("DELETE", "/contacts/{id}", rest_contact_delete, ENDS, "Deletes a contact"),
	READS("/contacts/{id}/groups", rest_contact_groups, LIST("count sort sort_dir name", Group), "The groups of a contact"),
	READS("/contacts/{id}/messages", rest_contact_messages, LIST("count sort sort_dir direction status service_id phone_id contact_id", Message), "The messages of a contact"),
	READS("/contacts/{id}/states", rest_contact_states, LIST("", State), "Where a contact stands in services"),

	READS("/groups", rest_groups, LIST("count sort sort_dir name", Group), "Groups"),
	WRITES("POST", "/groups", rest_group_put, IO("", GroupWish, Group, "200"), "Finds a group by its name, or makes it"),
	READS("/groups/{id}", rest_group, GIVES(Group), "One group"),
	CHANGES(WRITES, "/groups/{id}", rest_group_change, IO("", GroupChange, Group, "200"), "Changes a group"),
	BLOCKS("DELETE", "/groups/{id}", rest_group_delete, ENDS, "Deletes a group; its contacts stay"),
	READS("/groups/{id}/contacts", rest_group_contacts, LIST("count sort sort_dir name phone_number", Contact), "The contacts of a group"),
	WRITES("PUT", "/groups/{id}/contacts/{other}", rest_group_add, GIVES(Contact), "Puts a contact into a group"),
	WRITES("DELETE", "/groups/{id}/contacts/{other}", rest_group_remove, GIVES(Contact), "Takes a contact out of a group"),

	READS("/labels", rest_labels, LIST("count sort sort_dir name", Label), "Labels"),
	WRITES("POST", "/labels", rest_label_put, IO("", LabelWish, Label, "200"), "Finds a label by its name, or makes it"),
	READS("/labels/{id}", rest_label, GIVES(Label), "One label"),
	CHANGES(WRITES, "/labels/{id}", rest_label_change, IO("", LabelChange, Label, "200"), "Changes a label"),
	BLOCKS("DELETE", "/labels/{id}", rest_label_delete, ENDS, "Deletes a label; its messages stay"),
	READS("/labels/{id}/messages", rest_label_messages, LIST("count sort sort_dir direction status service_id phone_id contact_id", Message), "The messages with a label"),
	WRITES("PUT", "/labels/{id}/messages/{other}", rest_label_add, GIVES(Message), "Puts a label on a message"),
	WRITES("DELETE", "/labels/{id}/messages/{other}", rest_label_remove, GIVES(Message), "Takes a label off a message"),

	READS("/phones", rest_phones, LIST("count sort sort_dir name", Phone), "Phones: the numbers messages come to, and the gateways they leave by"),
	BLOCKS("POST", "/phones", rest_phone_create, IO("", PhoneSettings, Phone, "200 201"), "Makes a phone with its gateway"),
	READS("/phones/{id}", rest_phone, IO("reveal", Nothing, Phone, "200"), "One phone"),
	BLOCKS("PUT", "/phones/{id}", rest_phone_put, IO("", PhoneSettings, Phone, "200 201"), "Makes or replaces a phone under an id of the caller's"),
	CHANGES(BLOCKS, "/phones/{id}", rest_phone_change, IO("", PhoneSettings, Phone, "200"), "Changes a phone"),
	BLOCKS("DELETE", "/phones/{id}", rest_phone_delete, ENDS, "Deletes a phone; its messages stay, and those that wait fail"),
	READS("/phones/{id}/messages", rest_phone_messages, LIST("count sort sort_dir direction status service_id phone_id contact_id", Message), "The messages of a phone"),
	READS("/routes", rest_routes, LIST("", Phone), "Routes beside the phones; there are none"),
	READS("/routes/{id}", rest_route, GIVES(Phone), "None: messages go by phones"),

	READS("/services", rest_services, LIST("count sort sort_dir name", Service), "Services: what happens with an incoming message"),
	BLOCKS("POST", "/services", rest_service_create, IO("", ServiceSettings, Service, "200 201"), "Makes a service"),
	READS("/services/{id}", rest_service, IO("reveal", Nothing, Service, "200"), "One service"),
	BLOCKS("PUT", "/services/{id}", rest_service_put, IO("", ServiceSettings, Service, "200 201"), "Makes or replaces a service under an id of the caller's"),
	CHANGES(BLOCKS, "/services/{id}", rest_service_change, IO("", ServiceSettings, Service, "200"), "Changes a service"),
	BLOCKS("DELETE", "/services/{id}", rest_service_delete, ENDS, "Deletes a service"),
	READS("/services/{id}/config", rest_service_config, IO("reveal", Nothing, ServiceConfig, "200"), "The settings of a service"),
	CHANGES(BLOCKS, "/services/{id}/config", rest_service_config_change, IO("", ServiceConfig, ServiceConfig, "200"), "Changes the settings of a service"),
	WRITES("POST", "/services/{id}/invoke", rest_service_invoke, IO("", InvokeWish, Invoked, "200"), "Runs a service by hand"),
	READS("/services/{id}/states", rest_service_states, LIST("", State), "Where contacts stand in a service"),
	READS("/services/{id}/states/{other}", rest_service_state, GIVES(State), "Where one contact stands in a service"),
	WRITES("POST", "/services/{id}/states/{other}", rest_service_state_set, IO("", StateChange, State, "200"), "Changes where a contact stands"),
	WRITES("DELETE", "/services/{id}/states/{other}", rest_service_state_reset, GIVES(State), "Forgets where a contact stands"),
	READS("/service_logs", rest_service_logs, LIST("sort_dir service_id contact_id message_id", ServiceLog), "What services did and what went wrong, oldest first"),

	/* Telerivet's, and not here: a clear word instead of "no such path". */
#define NOT_HERE(PATH) READS(PATH, rest_not_implemented, GIVES(Empty), "Not here"), BLOCKS("POST", PATH, rest_not_implemented, GIVES(Empty), "Not here")
	NOT_HERE("/scheduled"), NOT_HERE("/relative_scheduled"), NOT_HERE("/tables"), NOT_HERE("/tasks"),
	NOT_HERE("/airtime_transactions"), NOT_HERE("/contact_fields"), NOT_HERE("/message_fields"),
	NOT_HERE("/message_stats"), NOT_HERE("/users"),

/* Its GET takes a message too, and gateways have keys. */
#define MO(METHOD) { METHOD, "/ingest/kannel/{pid}/mo", ACCESS_PROJECT, PLACE_HERE, kannel_message, TEXT("text/plain"), "A message from Kannel", NULL, REST_READS, PORTAL_NEVER }
	MO("GET"),
	MO("POST"),
	HERE("GET", "/ingest/kannel/{pid}/dlr", ACCESS_NONE, kannel_report, TEXT("text/plain"), "A delivery report from Kannel"),
	HERE("POST", "/ingest/kannel/{pid}/dlr", ACCESS_NONE, kannel_report, TEXT("text/plain"), "A delivery report from Kannel"),
	HERE("GET", "/s/{code}", ACCESS_NONE, link_follow, TEXT("text/html"), "Where a short link leads"),

	HERE("GET", "/healthz", ACCESS_NONE, health_live, GIVES(Health), "200 as long as the process answers"),
	HERE("GET", "/readyz", ACCESS_NONE, health_ready, GIVES(Health), "200 while events are taken, 503 otherwise"),
	DESK("GET", "/metrics", ACCESS_METRICS, metrics_show, TEXT("text/plain"), "Numbers as Prometheus reads them"),
	HERE("GET", "/v1/openapi.json", ACCESS_NONE, openapi_show, GIVES(OpenApi), "These calls, as OpenAPI 3"),
	HERE("GET", "/", ACCESS_NONE, console_index, TEXT("text/html"), "The console, for a browser"),
	HERE("GET", "/console/{file}", ACCESS_NONE, console_show, TEXT("*/*"), "The console's files"),
};
/* clang-format on */
#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

/* Cuts the part up to the next slash off the front. */
static struct slice segment(struct slice *rest)
{
	size_t n = slice_find(*rest, '/');
	struct slice s = slice_of(rest->p, n);

	*rest = slice_from(*rest, n < rest->n ? n + 1 : n);
	return s;
}

static bool matches(const char *pattern, struct slice path, struct slice params[CALL_PARAMS_MAX])
{
	struct slice left = slice_str(pattern);
	size_t count = 0;

	if (path.n > 1 && path.p[path.n - 1] == '/')
		return false;
	while (left.n > 0 && path.n > 0) {
		struct slice wanted = segment(&left), given = segment(&path);

		if (wanted.n > 0 && wanted.p[0] == '{' && given.n > 0)
			params[count++] = given;
		else if (!slice_eq(wanted, given))
			return false;
	}
	return left.n == 0 && path.n == 0;
}

static bool takes(const struct route *r, struct slice method)
{
	return slice_is(method, r->method) || (slice_is(method, "HEAD") && strcmp(r->method, "GET") == 0);
}

const struct route *route_find(struct slice method, struct slice path, struct slice params[CALL_PARAMS_MAX],
			       char allowed[64])
{
	size_t n = 0;

	allowed[0] = '\0';
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		if (!matches(routes[i].path, path, params))
			continue;
		if (takes(&routes[i], method))
			return &routes[i];
		n += (size_t)snprintf(allowed + n, 64 - n, "%s%s", n ? ", " : "", routes[i].method);
	}
	return NULL;
}

int route_param(const struct route *r, const char *name)
{
	struct slice path = slice_str(r->path), wanted = slice_str(name);
	int count = 0;

	while (path.n > 0) {
		struct slice s = segment(&path);

		if (s.n == 0 || s.p[0] != '{')
			continue;
		if (slice_eq(slice_of(s.p + 1, s.n - 2), wanted))
			return count;
		count++;
	}
	return -1;
}

bool api_route_at(size_t index, struct api_route_info *ret)
{
	static const char *const words[] = { "none", "key", "project", "admin", "metrics" };
	const struct route *r = &routes[index];
	bool looks;

	if (index >= ROUTE_COUNT)
		return false;
	looks = r->portal == PORTAL_LOOKS || (r->portal == PORTAL_BY_METHOD && strcmp(r->method, "GET") == 0);
	*ret = (struct api_route_info){
		r->method, r->path,	     r->summary,
		&r->words, words[r->access], r->portal == PORTAL_NEVER ? "none" : looks ? "all" : "write"
	};
	return true;
}
