/*
 * Filters. The conditions stay what they are, JSON: their text is kept with its parsed
 * nodes, checked once when the endpoint is saved, and walked for each event. That is less
 * code than a form of their own, and most endpoints have no condition at all. Comparison is
 * by text, because events arrive from systems that do not agree on whether 17 is a number.
 */
#include "dialect/filter.h"

#include "base/mem.h"
#include "base/text.h"
#include "dialect/nearest.h"

#define LIST_MAX       64
#define CONDITIONS_MAX 64
#define PATH_MAX_BYTES 200
#define WORD_MAX       32

struct words {
	char **word;
	size_t count; /* 0: everything passes */
};

struct endpoint_filter {
	struct words message_types, statuses;
	struct words finals; /* narrows nothing by itself; an empty list names none */
	char *text;	     /* of the conditions; NULL when there are none */
	struct json_doc conditions;
};

/* The canonical words of the event model. */
static const char *const status_words[] = {
	"queued",	    "sent",	 "delivered",	    "read",	 "partly_delivered", "not_delivered",
	"expired",	    "failed",	 "failed_queued",   "cancelled", "next_attempt",     "not_reached",
	"incorrect_number", "opted_out", "not_whitelisted", "spam",	 "unknown",
};

struct endpoint_filter *filter_new(void)
{
	struct endpoint_filter *f = mem_zalloc(sizeof(*f));

	json_doc_init(&f->conditions);
	return f;
}

static void words_free(struct words *list)
{
	for (size_t i = 0; i < list->count; i++)
		mem_free(list->word[i]);
	mem_free(list->word);
	*list = (struct words){ NULL, 0 };
}

void filter_free(struct endpoint_filter **f)
{
	if (!*f)
		return;
	words_free(&(*f)->message_types);
	words_free(&(*f)->statuses);
	words_free(&(*f)->finals);
	json_doc_free(&(*f)->conditions);
	mem_free((*f)->text);
	mem_free(*f);
	*f = NULL;
}

/* --- the lists of words --- */

static int message_type_check(struct slice word, struct fault *fault)
{
	if (word.n == 0 || word.n > WORD_MAX)
		return fault_param(
			fault, "",
			"must be a kind of message of 1 to %d bytes: sms, mms, ussd, call, chat, or another that "
			"your events carry",
			WORD_MAX);
	return 0;
}

static int status_check(struct slice word, struct fault *fault)
{
	struct nearest nearest;

	nearest_begin(&nearest, word);
	for (size_t i = 0; i < sizeof(status_words) / sizeof(status_words[0]); i++)
		nearest_offer(&nearest, slice_str(status_words[i]));
	if (nearest.distance == 0)
		return 0;
	return fault_param(
		fault, "",
		"is no status of the event model; did you mean \"%.*s\"? (for a word of your own use filter: "
		"{\"message.status\": …})",
		SLICE_ARG(nearest.best));
}

static int word_add(struct words *list, struct json v, int (*check)(struct slice, struct fault *), struct fault *fault)
{
	struct buf text;
	int err;

	if (list->count == LIST_MAX)
		return fault_param(fault, "", "is one word too many; at most %d are allowed", LIST_MAX);
	buf_init(&text, 1024);
	if (json_type(v) == JSON_STRING)
		json_text(v, &text);
	err = check(buf_slice(&text), fault);
	if (!err) {
		list->word = mem_realloc(list->word, (list->count + 1) * sizeof(char *));
		list->word[list->count++] = slice_dup(buf_slice(&text));
	}
	buf_free(&text);
	return err;
}

/* without: what no list means */
static int words_set(struct words *list, struct json v, const char *without, int (*check)(struct slice, struct fault *),
		     struct fault *fault)
{
	struct json_iter it = json_each(v);

	if (json_is_nil(v))
		return 0;
	if (json_type(v) != JSON_ARRAY)
		return fault_param(fault, "", "must be a list of words, or null for %s, not %s", without,
				   json_type_name(json_type(v)));
	while (json_next(&it)) {
		int err = word_add(list, it.value, check, fault);

		if (err) {
			fault_within(fault, "[%u]", it.index);
			return err;
		}
	}
	if (list->count == 0)
		return fault_param(fault, "", "is an empty list; name a word, or use null for %s", without);
	return 0;
}

int filter_set_message_types(struct endpoint_filter *f, struct json v, struct fault *fault)
{
	return words_set(&f->message_types, v, "all", message_type_check, fault);
}

int filter_set_statuses(struct endpoint_filter *f, struct json v, struct fault *fault)
{
	return words_set(&f->statuses, v, "all", status_check, fault);
}

int filter_set_finals(struct endpoint_filter *f, struct json v, struct fault *fault)
{
	return words_set(&f->finals, v, "none", status_check, fault);
}

static bool words_pass(const struct words *list, struct slice word)
{
	for (size_t i = 0; i < list->count; i++)
		if (slice_is(word, list->word[i]))
			return true;
	return list->count == 0;
}

/* --- the conditions --- */

static bool is_scalar(struct json v)
{
	enum json_type type = json_type(v);

	return type != JSON_ARRAY && type != JSON_OBJECT && type != JSON_NONE;
}

/* A scalar, or a list of them. */
static int values_check(struct json v, struct fault *fault)
{
	struct json_iter it = json_each(v);

	if (is_scalar(v))
		return 0;
	if (json_type(v) != JSON_ARRAY)
		return fault_param(fault, "", "must be a text, a number, true, false, null, or a list of them");
	while (json_next(&it))
		if (!is_scalar(it.value))
			return fault_param(
				fault, "",
				"holds %s in its list; only texts, numbers, true, false and null can be compared",
				json_type_name(json_type(it.value)));
	return 0;
}

static int operator_check(struct json name, struct json v, struct fault *fault)
{
	if (json_is(name, "ne"))
		return values_check(v, fault);
	if (json_is(name, "prefix"))
		return json_type(v) == JSON_STRING ? 0 : fault_param(fault, "prefix", "must be a text");
	if (json_is(name, "exists"))
		return json_type(v) == JSON_TRUE || json_type(v) == JSON_FALSE
			       ? 0
			       : fault_param(fault, "exists", "must be true or false");
	return fault_param(fault, "", "has an unknown operator %.*s; there are ne, prefix and exists",
			   (int)json_raw(name).n, json_raw(name).p);
}

static bool path_ok(struct slice path)
{
	bool empty = true; /* the part after the last dot */

	if (path.n > PATH_MAX_BYTES)
		return false;
	for (size_t i = 0; i < path.n; i++) {
		unsigned char c = (unsigned char)path.p[i];

		if (c < 0x20 || c == 0x7f || (c == '.' && empty))
			return false;
		empty = c == '.';
	}
	return !empty;
}

static int condition_check(struct slice path, struct json v, struct fault *fault)
{
	struct json_iter it = json_each(v);

	if (!path_ok(path))
		return fault_param(fault, "",
				   "names something that is no dotted path of at most %d bytes; write one like "
				   "message.vars.region",
				   PATH_MAX_BYTES);
	if (json_type(v) != JSON_OBJECT)
		return values_check(v, fault);
	while (json_next(&it)) {
		int err = operator_check(it.key, it.value, fault);

		if (err)
			return err;
	}
	return 0;
}

static int conditions_check(struct json v, struct fault *fault)
{
	struct json_iter it = json_each(v);
	struct buf scratch;
	int err = 0;

	buf_init(&scratch, 1024 * 1024);
	while (!err && json_next(&it)) {
		struct slice path;

		buf_reset(&scratch);
		path = json_text_slice(it.key, &scratch);
		err = it.index < CONDITIONS_MAX
			      ? condition_check(path, it.value, fault)
			      : fault_param(fault, "", "holds more than %d conditions", CONDITIONS_MAX);
		if (err)
			fault_within(fault, "%.*s", SLICE_ARG(path));
	}
	buf_free(&scratch);
	return err;
}

int filter_set_conditions(struct endpoint_filter *f, struct json v, struct fault *fault)
{
	int err;

	if (json_is_nil(v))
		return 0;
	if (json_type(v) != JSON_OBJECT)
		return fault_param(fault, "",
				   "must be an object from dotted paths to values, as {\"message.vars.region\": "
				   "\"north\"}, not %s",
				   json_type_name(json_type(v)));
	err = conditions_check(v, fault);
	if (err)
		return err;
	f->text = slice_dup(json_raw(v));
	return json_parse(&f->conditions, slice_str(f->text), &json_limits_default, fault);
}

static bool same_scalar(struct json wanted, struct json found, struct buf *scratch)
{
	size_t split;
	double a, b;

	if (json_is_nil(wanted) || json_is_nil(found))
		return json_is_nil(wanted) && json_is_nil(found);
	if (!is_scalar(found))
		return false;
	if (json_type(wanted) == JSON_NUMBER && json_type(found) == JSON_NUMBER && json_double(wanted, &a) &&
	    json_double(found, &b))
		/* Beyond 2^53 two ids may share a double, so there the text alone counts. */
		if (a == b && a > -0x1p53 && a < 0x1p53)
			return true;
	buf_reset(scratch);
	json_text(wanted, scratch);
	split = scratch->n; /* one buffer for both: the second text follows the first */
	json_text(found, scratch);
	return !buf_failed(scratch) &&
	       slice_eq(slice_of(buf_str(scratch), split), slice_from(buf_slice(scratch), split));
}

/* wanted: a scalar or a list of them. */
static bool is_among(struct json wanted, struct json found, struct buf *scratch)
{
	struct json_iter it = json_each(wanted);

	if (json_type(wanted) != JSON_ARRAY)
		return same_scalar(wanted, found, scratch);
	while (json_next(&it))
		if (same_scalar(it.value, found, scratch))
			return true;
	return false;
}

static bool begins_with(struct json prefix, struct json found, struct buf *scratch)
{
	size_t split;

	if (!is_scalar(found) || json_is_nil(found))
		return false;
	buf_reset(scratch);
	json_text(prefix, scratch);
	split = scratch->n;
	json_text(found, scratch);
	return !buf_failed(scratch) &&
	       slice_starts(slice_from(buf_slice(scratch), split), slice_of(buf_str(scratch), split));
}

static bool operator_holds(struct json name, struct json wanted, struct json found, struct buf *scratch)
{
	if (json_is(name, "ne"))
		return !is_among(wanted, found, scratch);
	if (json_is(name, "prefix"))
		return begins_with(wanted, found, scratch);
	return (json_type(wanted) == JSON_TRUE) == !json_is_nil(found);
}

static bool condition_holds(struct json wanted, struct json found, struct buf *scratch)
{
	struct json_iter it = json_each(wanted);

	if (json_type(wanted) != JSON_OBJECT)
		return is_among(wanted, found, scratch);
	while (json_next(&it))
		if (!operator_holds(it.key, it.value, found, scratch))
			return false;
	return true;
}

static bool conditions_hold(const struct endpoint_filter *f, const struct event *e, struct buf *scratch)
{
	struct json_iter it = json_each(json_root(&f->conditions));
	struct buf path_scratch;
	bool hold = true;

	buf_init(&path_scratch, 6 * PATH_MAX_BYTES);
	while (hold && json_next(&it)) {
		buf_reset(&path_scratch);
		hold = condition_holds(it.value, event_path(e, json_text_slice(it.key, &path_scratch)), scratch);
	}
	buf_free(&path_scratch);
	return hold;
}

static bool words_match(const struct endpoint_filter *f, const struct event *e, struct buf *scratch)
{
	if (f->message_types.count && !json_is_nil(event_path(e, SLICE_LIT("message"))) &&
	    !words_pass(&f->message_types, event_message_type(e, scratch)))
		return false;
	buf_reset(scratch);
	return !f->statuses.count || e->type != EVENT_SEND_STATUS ||
	       words_pass(&f->statuses, json_text_slice(event_path(e, SLICE_LIT("message.status")), scratch));
}

bool filter_match(const struct endpoint_filter *f, const struct event *e)
{
	struct buf scratch;
	bool match;

	buf_init(&scratch, 4 * 1024 * 1024);
	match = words_match(f, e, &scratch);
	if (match && f->text)
		match = conditions_hold(f, e, &scratch);
	buf_free(&scratch);
	return match;
}

bool filter_has_finals(const struct endpoint_filter *f)
{
	return f->finals.count > 0;
}

bool filter_is_final(const struct endpoint_filter *f, const struct event *e)
{
	struct buf scratch;
	bool is_final;

	if (f->finals.count == 0 || e->type != EVENT_SEND_STATUS)
		return false;
	buf_init(&scratch, 4096);
	is_final = words_pass(&f->finals, json_text_slice(event_path(e, SLICE_LIT("message.status")), &scratch));
	buf_free(&scratch);
	return is_final;
}
