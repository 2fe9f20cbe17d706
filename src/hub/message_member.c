/*
 * What members of a message may be. Events are accepted with whatever their objects hold, and are told so; but what is
 * stored of them is sorted, counted and shown over REST, where a client relies on the types. A posted member of another
 * type than its own is left out of the stored message. Members that nobody knows may be anything.
 */
#include "hub/message_parts.h"

#define TIME_MAX 253402300799.0 /* the end of the year 9999 */

enum member_type {
	MEMBER_TEXT,
	MEMBER_WORD, /* an id or a code: a text or a number */
	MEMBER_NUMBER,
	MEMBER_TIME,
	MEMBER_BOOL,
	MEMBER_LIST,
	MEMBER_OBJECT
};

static const struct {
	const char *name;
	enum member_type type;
} members[] = {
	{ "status", MEMBER_TEXT },	    { "message_type", MEMBER_TEXT },   { "source", MEMBER_TEXT },
	{ "time_created", MEMBER_TIME },    { "time_sent", MEMBER_TIME },      { "time_updated", MEMBER_TIME },
	{ "time_clicked", MEMBER_TIME },    { "from_number", MEMBER_WORD },    { "to_number", MEMBER_WORD },
	{ "content", MEMBER_WORD },	    { "starred", MEMBER_BOOL },	       { "simulated", MEMBER_BOOL },
	{ "track_clicks", MEMBER_BOOL },    { "route_params", MEMBER_OBJECT }, { "priority", MEMBER_WORD },
	{ "send_attempts", MEMBER_NUMBER }, { "error_message", MEMBER_TEXT },  { "error_code", MEMBER_WORD },
	{ "external_id", MEMBER_WORD },	    { "num_parts", MEMBER_NUMBER },    { "price", MEMBER_NUMBER },
	{ "price_currency", MEMBER_TEXT },  { "duration", MEMBER_NUMBER },     { "ring_time", MEMBER_NUMBER },
	{ "audio_url", MEMBER_TEXT },	    { "tts_lang", MEMBER_TEXT },       { "tts_voice", MEMBER_TEXT },
	{ "short_urls", MEMBER_LIST },	    { "network_code", MEMBER_WORD },   { "media", MEMBER_LIST },
	{ "mms_parts", MEMBER_LIST },	    { "route_id", MEMBER_WORD },       { "broadcast_id", MEMBER_WORD },
	{ "scheduled_id", MEMBER_WORD },    { "user_id", MEMBER_WORD },
};

static bool is_of(enum json_type have, enum member_type want)
{
	switch (want) {
	case MEMBER_TEXT:
		return have == JSON_STRING;
	case MEMBER_WORD:
		return have == JSON_STRING || have == JSON_NUMBER;
	case MEMBER_NUMBER:
	case MEMBER_TIME:
		return have == JSON_NUMBER;
	case MEMBER_BOOL:
		return have == JSON_TRUE || have == JSON_FALSE;
	case MEMBER_LIST:
		return have == JSON_ARRAY;
	case MEMBER_OBJECT:
		return have == JSON_OBJECT;
	}
	return false;
}

/* Whole seconds, as REST shows them; a fraction goes. */
static void set_time(struct record *message, const char *name, struct json value)
{
	double seconds;

	if (json_double(value, &seconds) && seconds >= 0 && seconds <= TIME_MAX)
		record_set_i64(message, name, (int64_t)seconds);
}

void message_member_set(struct record *message, const char *name, struct json value)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (strcmp(members[i].name, name) != 0)
			continue;
		if (!is_of(json_type(value), members[i].type))
			return;
		if (members[i].type != MEMBER_TIME)
			break;
		set_time(message, name, value);
		return;
	}
	record_set(message, name, json_raw(value));
}
