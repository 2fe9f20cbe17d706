/*
 * The table of endpoint settings, and the check of names against it. The order of
 * the rows is the order in which settings are read and shown: what a reader depends
 * on stands above it (method and content_type above body, schemes above url).
 *
 * Bounds are generous; they exist so that no customer can make the daemon hold or do something without end.
 */
#include "dialect/endpoint_field.h"

#include "dialect/nearest.h"

#define DAY_S 86400.0

static const struct field_word event_words[] = {
	{ "incoming_message", EVENT_INCOMING_MESSAGE, false },
	{ "send_status", EVENT_SEND_STATUS, false },
	{ "send_broadcast", EVENT_SEND_BROADCAST, false },
	{ "contact_update", EVENT_CONTACT_UPDATE, false },
	{ "message_metadata", EVENT_MESSAGE_METADATA, false },
	{ "endpoint_failing", EVENT_ENDPOINT_FAILING, false },
	{ "endpoint_recovered", EVENT_ENDPOINT_RECOVERED, false },
	{ "endpoint_disabled", EVENT_ENDPOINT_DISABLED, false },
	{ "dead_letter", EVENT_DEAD_LETTER, false },
	{ NULL, 0, false },
};
static const struct field_word method_words[] = { { "POST", HTTP_POST, false },
						  { "GET", HTTP_GET, false },
						  { NULL, 0, false } };
static const struct field_word scheme_words[] = { { "http", SCHEME_HTTP, false },
						  { "https", SCHEME_HTTPS, false },
						  { NULL, 0, false } };
static const struct field_word content_words[] = {
	{ "json", CONTENT_JSON, false },
	{ "xml", CONTENT_XML, false },
	{ "event_json", CONTENT_EVENT_JSON, false },
	{ "form", CONTENT_FORM, false },
	{ "query", CONTENT_QUERY, false },
	{ "webcom_xml", CONTENT_WEBCOM_XML, false },
	{ "webcom_json", CONTENT_WEBCOM_JSON, false },
	{ NULL, 0, false },
};
static const struct field_word signature_words[] = {
	{ "none", SIGNATURE_NONE, false },	   { "standard_webhooks", SIGNATURE_STANDARD_WEBHOOKS, false },
	{ "twilio", SIGNATURE_TWILIO, false },	   { "sinch", SIGNATURE_SINCH, false },
	{ "plivo_v2", SIGNATURE_PLIVO_V2, false }, { NULL, 0, false }
};
static const struct field_word tls_version_words[] = { { "1.2", 12, false }, { "1.3", 13, false }, { NULL, 0, false } };
static const struct field_word ack_words[] = {
	{ "none", ACK_NONE, false },
	{ "ids_xml", ACK_IDS_XML, false },
	{ "ids_json", ACK_IDS_JSON, false },
	{ "body_equals", ACK_BODY_EQUALS, false },
	{ "body_prefix", ACK_BODY_PREFIX, false },
	{ "body_not_empty", ACK_BODY_NOT_EMPTY, false },
	{ NULL, 0, false },
};
static const struct field_word actions_words[] = { { "none", ACTIONS_NONE, false },
						   { "telerivet", ACTIONS_TELERIVET, false },
						   { NULL, 0, false } };
static const struct field_word order_words[] = { { "none", ORDER_NONE, false },
						 { "message", ORDER_MESSAGE, false },
						 { "strict", ORDER_STRICT, false },
						 { NULL, 0, false } };

#define INTO(member)		.offset = offsetof(struct endpoint, member), .size = sizeof(((struct endpoint *)0)->member)
#define NUMBER(reader, lo, hi)	.read = (reader), .least = (lo), .most = (hi)
#define TEXT(reader, max_bytes) .read = (reader), .most = (max_bytes)
#define CHOICE(list)		.read = read_choice, .words = (list)
#define ALL_EVENTS		"[\"incoming_message\",\"send_status\",\"send_broadcast\",\"contact_update\",\"message_metadata\"]"
#define W12_DELAYS		"[60,120,300,600,1800,3600,7200,14400,28800,28800]"

/* clang-format off: a table is read by its columns */
const struct field endpoint_fields[] = {
	{ "name", "\"\"", TEXT(read_line, 200), INTO(name) },
	{ "preset", "null", TEXT(read_line, 64), INTO(preset) },
	{ "active", "true", .read = read_flag, INTO(active) },
	{ "events", ALL_EVENTS, .read = read_choices, .words = event_words, INTO(event_mask) },
	{ "message_types", "null", .read = read_message_types },
	{ "statuses", "null", .read = read_statuses },
	{ "filter", "null", .read = read_filter },
	{ "schemes", "[\"http\",\"https\"]", .read = read_choices, .words = scheme_words, INTO(scheme_mask) },
	{ "ports", "null", NUMBER(read_ports, 1, 65535) },
	{ "maps", "null", .read = read_maps, .flags = FIELD_LAYERED_NULLS },
	{ "time_zone", "\"UTC\"", TEXT(read_time_zone, 64) },
	{ "url", "null", TEXT(read_url, 8192) },
	{ "method", "\"POST\"", CHOICE(method_words), INTO(method) },
	{ "content_type", "\"event_json\"", CHOICE(content_words), INTO(content), .flags = FIELD_PRESET_POST },
	{ "body", "null", TEXT(read_body, 64 * 1024), .flags = FIELD_PRESET_POST | FIELD_PRESET_BODY },
	{ "fields", "null", TEXT(read_fields, 8192), .flags = FIELD_PRESET_BODY | FIELD_LAYERED },
	{ "xml_root", "\"batch\"", TEXT(read_xml_root, 64), INTO(xml_root) },
	{ "headers", "{}", TEXT(read_headers, 8192), .flags = FIELD_LAYERED },
	{ "headers_extra", "true", .read = read_flag, INTO(headers_extra) },
	{ "auth.username", "null", TEXT(read_line, 256), INTO(peer.username) },
	{ "auth.password", "null", TEXT(read_line, 1024), INTO(peer.password), .flags = FIELD_SECRET },
	{ "secret", "null", TEXT(read_line, 256), INTO(secrets[0]), .flags = FIELD_SECRET },
	{ "previous_secret", "null", TEXT(read_line, 256), INTO(secrets[1]), .flags = FIELD_SECRET | FIELD_HIDDEN },
	{ "signature", "\"none\"", CHOICE(signature_words), INTO(signature) },
	{ "tls.verify", "\"strict\"", TEXT(read_verify, 68) },
	{ "tls.min_version", "\"1.2\"", CHOICE(tls_version_words), INTO(peer.tls_min) },
	{ "tls.ca", "null", TEXT(read_ca, 256 * 1024), INTO(peer.ca_pem) },
	{ "tls.client_cert", "null", TEXT(read_client_cert, 64 * 1024), INTO(peer.client_cert_pem) },
	{ "tls.client_key", "null", TEXT(read_client_key, 64 * 1024), INTO(peer.client_key_pem),
	  .flags = FIELD_SECRET },
	{ "batch.max_items", "1", NUMBER(read_integer, 1, 1000), INTO(batch.max_items), .flags = FIELD_PRESET_POST },
	{ "batch.max_wait_ms", "15000", NUMBER(read_integer, 0, 3600000), INTO(batch.max_wait_ms) },
	{ "batch.max_bytes", "1048576", NUMBER(read_integer, 1024, 4194304), INTO(batch.max_bytes) },
	{ "batch.wrap", "\"batch\"", TEXT(read_wrap, 64), INTO(batch.wrap) },
	{ "success.statuses", "\"2xx\"", .read = read_success },
	{ "success.ack", "\"none\"", CHOICE(ack_words), INTO(ack) },
	{ "success.body", "null", TEXT(read_ack_body, 256), INTO(ack_body) },
	{ "success.body_prefix", "null", TEXT(read_ack_prefixes, 64) },
	{ "success.any_status", "false", .read = read_flag, INTO(ack_any_status) },
	{ "actions", "\"none\"", CHOICE(actions_words), INTO(actions) },
	{ "throttle.statuses", "[]", .read = read_throttle },
	{ "timeout_ms", "10000", NUMBER(read_integer, 100, 120000), INTO(peer.timeout_ms) },
	{ "concurrency", "4", NUMBER(read_integer, 1, 256), INTO(concurrency) },
	{ "rate_per_s", "0", NUMBER(read_real, 0, 100000), INTO(rate_per_s) },
	{ "order", "\"message\"", CHOICE(order_words), INTO(order) },
	{ "newest_replaces", "false", .read = read_flag, INTO(newest_replaces) },
	{ "final_statuses", "null", .read = read_final_statuses },
	{ "retry.delays_s", W12_DELAYS, NUMBER(read_delays, 0, 7 * DAY_S) },
	{ "retry.jitter", "0.1", NUMBER(read_real, 0, 1), INTO(retry.jitter) },
	{ "retry.max_attempts", "0", NUMBER(read_integer, 0, 1000), INTO(retry.max_attempts) },
	{ "retry.max_age_s", "86400", NUMBER(read_seconds, 1, 31 * DAY_S), INTO(retry.max_age_ms) },
	{ "disable_after_s", "432000", NUMBER(read_seconds, 0, 366 * DAY_S), INTO(disable_after_ms) },
	{ "status_map", "null", .read = read_status_map, .flags = FIELD_LAYERED_NULLS },
	{ "reports", "false", .read = read_flag, INTO(reports), .flags = FIELD_INTERNAL },
	{ "url_from_event", "false", .read = read_flag, INTO(url_from_event), .flags = FIELD_INTERNAL },
	{ .path = NULL },
};
/* clang-format on */

struct slice field_group(const struct field *f)
{
	size_t dot = slice_find(slice_str(f->path), '.');

	return slice_of(f->path, f->path[dot] ? dot : 0);
}

struct slice field_name(const struct field *f)
{
	struct slice group = field_group(f);

	return slice_str(group.n ? f->path + group.n + 1 : f->path);
}

const struct field *field_find(struct slice group, struct slice name)
{
	for (const struct field *f = endpoint_fields; f->path; f++)
		if (slice_eq(field_group(f), group) && slice_eq(field_name(f), name))
			return f;
	return NULL;
}

bool field_is_group(struct slice name)
{
	for (const struct field *f = endpoint_fields; f->path; f++)
		if (name.n && slice_eq(field_group(f), name))
			return true;
	return false;
}

static int unknown_name(struct slice group, struct slice name, struct fault *fault)
{
	char param[80];
	struct nearest nearest;

	nearest_begin(&nearest, name);
	for (const struct field *f = endpoint_fields; f->path; f++) {
		if (!slice_eq(field_group(f), group) && group.n)
			continue;
		if (!(f->flags & (FIELD_HIDDEN | FIELD_INTERNAL)))
			nearest_offer(&nearest, group.n || !field_group(f).n ? field_name(f) : field_group(f));
	}
	slice_copy(param, sizeof(param), name);
	return fault_param(fault, param, "is no setting of an endpoint; did you mean \"%.*s\"?",
			   SLICE_ARG(nearest.best));
}

static int check_names(struct json object, struct slice group, bool internal, struct fault *fault);

static int check_group(struct slice name, struct json v, bool internal, struct fault *fault)
{
	int err;

	if (json_is_nil(v))
		return 0;
	if (json_type(v) != JSON_OBJECT)
		err = fault_param(fault, "", "must be an object, not %s", json_type_name(json_type(v)));
	else
		err = check_names(v, name, internal, fault);
	if (err)
		fault_within(fault, "%.*s", SLICE_ARG(name));
	return err;
}

static bool is_known(struct slice group, struct slice name, bool internal)
{
	const struct field *f = field_find(group, name);

	return f && (internal || !(f->flags & FIELD_INTERNAL));
}

/* Two levels at most: a group holds no groups. */
static int check_names(struct json object, struct slice group, bool internal, struct fault *fault)
{
	struct json_iter it = json_each(object);
	struct buf scratch;
	int err = 0;

	buf_init(&scratch, 64 * 1024);
	while (!err && json_next(&it)) {
		struct slice name;

		buf_reset(&scratch);
		name = json_text_slice(it.key, &scratch);
		if (!group.n && field_is_group(name))
			err = check_group(name, it.value, internal, fault);
		else if (!is_known(group, name, internal))
			err = unknown_name(group, name, fault);
	}
	buf_free(&scratch);
	return err;
}

int field_check_names(struct json settings, bool internal, struct fault *fault)
{
	return check_names(settings, slice_of("", 0), internal, fault);
}
