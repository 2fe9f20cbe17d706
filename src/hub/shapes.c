/*
 * How objects look in REST: the properties that Telerivet's documentation gives a kind, in its order, all of them, so
 * that a client that asks for one gets null and no error. What an object has beyond them follows.
 */
#include "hub/record_parts.h"
#include "hub/rest.h"

static const char *const message_shape[] = {
	"id",
	"direction",
	"status",
	"message_type",
	"source",
	"time_created",
	"time_sent",
	"time_updated",
	"from_number",
	"to_number",
	"content",
	"starred",
	"simulated",
	"label_ids",
	"route_params",
	"vars",
	"priority",
	"send_attempts",
	"error_message",
	"error_code",
	"external_id",
	"num_parts",
	"price",
	"price_currency",
	"duration",
	"ring_time",
	"audio_url",
	"tts_lang",
	"tts_voice",
	"track_clicks",
	"short_urls",
	"network_code",
	"media",
	"mms_parts",
	"time_clicked",
	"service_id",
	"phone_id",
	"contact_id",
	"route_id",
	"broadcast_id",
	"scheduled_id",
	"user_id",
	NULL,
};
static const char *const contact_shape[] = {
	"id",
	"name",
	"phone_number",
	"time_created",
	"time_updated",
	"send_blocked",
	"conversation_status",
	"last_message_time",
	"last_incoming_message_time",
	"last_outgoing_message_time",
	"message_count",
	"incoming_message_count",
	"outgoing_message_count",
	"last_message_id",
	"default_route_id",
	"group_ids",
	"vars",
	NULL,
};
static const char *const group_shape[] = {
	"id", "name", "dynamic", "num_members", "time_created", "allow_sending", "add_time_variable", "vars", NULL,
};
static const char *const label_shape[] = { "id", "name", "time_created", "vars", NULL };
static const char *const phone_shape[] = {
	"id",	       "name",	       "phone_number",	   "phone_type", "country",
	"send_paused", "time_created", "last_active_time", "vars",	 NULL,
};
static const char *const state_shape[] = {
	"id", "contact_id", "service_id", "vars", "time_created", "time_updated", NULL,
};
static const char *const broadcast_shape[] = {
	"id",
	"recipients",
	"title",
	"time_created",
	"last_message_time",
	"last_send_time",
	"status_counts",
	"message_count",
	"estimated_count",
	"num_parts",
	"message_type",
	"content",
	"audio_url",
	"tts_lang",
	"tts_voice",
	"replace_variables",
	"status",
	"source",
	"simulated",
	"track_clicks",
	"clicked_count",
	"label_ids",
	"media",
	"vars",
	"route_params",
	"price",
	"price_currency",
	"reply_count",
	"last_reply_time",
	"route_id",
	"service_id",
	"user_id",
	NULL,
};
static const char *const service_shape[] = {
	"id",	     "name",	      "service_type",	       "active",     "priority", "config",
	"phone_ids", "message_types", "contact_number_filter", "apply_mode", "vars",	 NULL,
};
static const char *const no_shape[] = { NULL };

static const char *const *const shapes[KINDS] = {
	[KIND_MESSAGE] = message_shape, [KIND_CONTACT] = contact_shape,
	[KIND_GROUP] = group_shape,	[KIND_LABEL] = label_shape,
	[KIND_PHONE] = phone_shape,	[KIND_SERVICE] = service_shape,
	[KIND_STATE] = state_shape,	[KIND_BROADCAST] = broadcast_shape,
	[KIND_SERVICE_LOG] = no_shape,	[KIND_LINK] = no_shape,
	[KIND_MAIL] = no_shape,		[KIND_PROJECT] = no_shape,
};

/* What an absent property of this name is; null for all others. */
static const struct {
	const char *name;
	struct slice json;
} absent[] = {
	{ "vars", SLICE_LIT("{}") },
	{ "label_ids", SLICE_LIT("[]") },
	{ "group_ids", SLICE_LIT("[]") },
	{ "starred", SLICE_LIT("false") },
	{ "simulated", SLICE_LIT("false") },
	{ "track_clicks", SLICE_LIT("false") },
	{ "send_blocked", SLICE_LIT("false") },
	{ "send_paused", SLICE_LIT("false") },
};

static struct slice value_or_absent(struct record *rec, const char *name)
{
	struct slice raw = record_raw(rec, name);

	if (raw.n > 0)
		return raw;
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		if (strcmp(absent[i].name, name) == 0)
			return absent[i].json;
	return SLICE_LIT("null");
}

void rest_write(struct rest *r, struct record *rec)
{
	const char *const *shape = shapes[record_kind(rec)];
	struct slice name, raw;

	json_begin_object(r->w);
	for (size_t i = 0; shape[i]; i++) {
		json_key(r->w, shape[i]);
		json_put_raw(r->w, value_or_absent(rec, shape[i]));
	}
	for (size_t i = 0; record_member(rec, i, &name, &raw); i++) {
		if (raw.n == 0 || slice_starts(name, SLICE_LIT("_")) || slice_among(name, shape))
			continue;
		json_key_slice(r->w, name);
		json_put_raw(r->w, raw);
	}
	json_member_string(r->w, "project_id", r->deed.project);
	json_end_object(r->w);
}
