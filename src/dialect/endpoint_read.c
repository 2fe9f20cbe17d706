/*
 * Readers of endpoint settings that are plain values: numbers, words, texts, lists. Each takes the value in force,
 * checks it against its row, and stores it; each refusal says what would have been right.
 */
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "dialect/endpoint_field.h"
#include "dialect/filter.h"
#include "dialect/nearest.h"

#define SHORT_VALUE 40

int field_wrong(struct json v, struct fault *fault, const char *wanted, ...)
{
	char want[300], found[SHORT_VALUE + 1];
	struct slice raw = json_raw(v);
	va_list ap;

	va_start(ap, wanted);
	vsnprintf(want, sizeof(want), wanted, ap);
	va_end(ap);
	/* Texts are not repeated: this one may be a secret. */
	if (json_type(v) == JSON_NUMBER && raw.n <= SHORT_VALUE)
		slice_copy(found, sizeof(found), raw);
	else
		slice_copy(found, sizeof(found), slice_str(json_type_name(json_type(v))));
	return fault_param(fault, "", "must be %s, not %s", want, found);
}

static void *target(const struct field *f, struct endpoint *ep)
{
	return (char *)ep + f->offset;
}

static void store_integer(const struct field *f, struct endpoint *ep, int64_t value)
{
	uint32_t narrow = (uint32_t)value;

	if (f->size == sizeof(value))
		memcpy(target(f, ep), &value, sizeof(value));
	else
		memcpy(target(f, ep), &narrow, sizeof(narrow));
}

int read_integer(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	int64_t value;

	if (!json_i64(v, &value) || value < (int64_t)f->least || value > (int64_t)f->most)
		return field_wrong(v, fault, "a whole number from %.0f to %.0f", f->least, f->most);
	store_integer(f, ep, value);
	return 0;
}

static bool number_within(const struct field *f, struct json v, double *ret)
{
	return json_double(v, ret) && *ret >= f->least && *ret <= f->most;
}

int read_real(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	double value;

	if (!number_within(f, v, &value))
		return field_wrong(v, fault, "a number from %.0f to %.0f", f->least, f->most);
	memcpy(target(f, ep), &value, sizeof(value));
	return 0;
}

int read_seconds(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	double value;

	if (!number_within(f, v, &value))
		return field_wrong(v, fault, "a number of seconds from %.0f to %.0f", f->least, f->most);
	store_integer(f, ep, llround(value * 1000));
	return 0;
}

int read_delays(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	struct json_iter it = json_each(v);

	if (json_type(v) != JSON_ARRAY)
		return field_wrong(v, fault, "a list of up to %d delays in seconds; an empty one means no retry",
				   ENDPOINT_DELAYS_MAX);
	while (json_next(&it)) {
		double value;

		if (it.index == ENDPOINT_DELAYS_MAX)
			return fault_param(fault, "",
					   "holds more than %d delays; the last one repeats, so fewer will do",
					   ENDPOINT_DELAYS_MAX);
		if (!number_within(f, it.value, &value)) {
			field_wrong(it.value, fault, "a number of seconds from %.0f to %.0f", f->least, f->most);
			fault_within(fault, "[%u]", it.index);
			return ERR_INVALID;
		}
		ep->retry.delays_ms[ep->retry.delay_count++] = (uint32_t)llround(value * 1000);
	}
	return 0;
}

int read_flag(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	bool value = json_type(v) == JSON_TRUE;

	if (!value && json_type(v) != JSON_FALSE)
		return field_wrong(v, fault, "true or false");
	memcpy(target(f, ep), &value, sizeof(value));
	return 0;
}

/* --- words --- */

static void list_words(const struct field_word *words, struct buf *out)
{
	for (const struct field_word *w = words; w->word; w++)
		if (!w->later)
			buf_addf(out, "%s%s", out->n ? ", " : "", w->word);
}

static int wrong_word(const struct field_word *words, struct json v, struct fault *fault)
{
	struct buf known, given;
	struct nearest nearest;

	buf_init(&known, 1024);
	buf_init(&given, 64 * 1024);
	list_words(words, &known);
	nearest_begin(&nearest, json_text_slice(v, &given));
	for (const struct field_word *w = words; w->word; w++)
		if (!w->later)
			nearest_offer(&nearest, slice_str(w->word));
	if (json_type(v) == JSON_STRING)
		fault_param(fault, "", "must be one of: %s; did you mean \"%.*s\"?", buf_str(&known),
			    SLICE_ARG(nearest.best));
	else
		field_wrong(v, fault, "one of the words: %s", buf_str(&known));
	buf_free(&known);
	buf_free(&given);
	return ERR_INVALID;
}

static int choose(const struct field_word *words, struct json v, int *ret, struct fault *fault)
{
	struct buf known;

	for (const struct field_word *w = words; w->word; w++) {
		if (!json_is(v, w->word))
			continue;
		if (!w->later) {
			*ret = w->value;
			return 0;
		}
		buf_init(&known, 1024);
		list_words(words, &known);
		fault_param(fault, "", "\"%s\" is not available in this version; there are: %s", w->word,
			    buf_str(&known));
		buf_free(&known);
		return ERR_INVALID;
	}
	return wrong_word(words, v, fault);
}

int read_choice(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	int value, err = choose(f->words, v, &value, fault);

	if (!err)
		store_integer(f, ep, value);
	return err;
}

int read_choices(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	struct json_iter it = json_each(v);
	uint32_t mask = 0;

	if (json_type(v) != JSON_ARRAY)
		return field_wrong(v, fault, "a list of words");
	while (json_next(&it)) {
		int value, err = choose(f->words, it.value, &value, fault);

		if (err) {
			fault_within(fault, "[%u]", it.index);
			return err;
		}
		mask |= 1u << value;
	}
	if (!mask)
		return fault_param(fault, "",
				   "is an empty list, so nothing would be sent; name at least one, or leave it out");
	store_integer(f, ep, mask);
	return 0;
}

/* --- texts --- */

static int check_text(const struct field *f, struct slice text, bool line, struct fault *fault)
{
	if (text.n > (size_t)f->most)
		return fault_param(fault, "", "is longer than %.0f bytes", f->most);
	if (memchr(text.p, 0, text.n))
		return fault_param(fault, "", "holds a NUL character; take it out");
	for (size_t i = 0; line && i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return fault_param(fault, "", "holds a control character at offset %zu; take it out", i);
	if ((f->flags & FIELD_SECRET) && slice_is(text, SECRET_MASK))
		return fault_param(fault, "", "is the mask that secrets are shown as; give the secret itself");
	return 0;
}

static int text_into(const struct field *f, struct json v, bool line, struct endpoint *ep, struct fault *fault)
{
	struct buf text;
	char *copy;
	int err;

	if (json_is_nil(v))
		return 0;
	if (json_type(v) != JSON_STRING)
		return field_wrong(v, fault, "a string");
	buf_init(&text, json_raw(v).n + 1);
	json_text(v, &text);
	err = check_text(f, buf_slice(&text), line, fault);
	if (!err) {
		copy = buf_take(&text);
		memcpy(target(f, ep), &copy, sizeof(copy));
	}
	buf_free(&text);
	return err;
}

int read_text(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	return text_into(f, v, false, ep, fault);
}

int read_line(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	return text_into(f, v, true, ep, fault);
}

static bool xml_name_ok(struct slice s)
{
	if (s.n == 0 || (s.n >= 3 && slice_eq_nocase(slice_of(s.p, 3), SLICE_LIT("xml"))))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		bool letter = (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') || s.p[i] == '_';
		bool later = (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-' || s.p[i] == '.';

		if (!letter && !(i > 0 && later))
			return false;
	}
	return true;
}

int read_xml_root(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	struct field row = *f;
	int err;

	row.offset = offsetof(struct endpoint, xml_root);
	err = read_line(&row, v, ep, fault);
	if (!err && !xml_name_ok(slice_str(ep->xml_root)))
		return fault_param(
			fault, "",
			"must be the name of an XML element: letters, digits, _ - . and a letter or _ first, not "
			"beginning with xml");
	return err;
}

/* --- what has a module of its own --- */

int read_message_types(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	(void)f;
	return filter_set_message_types(ep->filter, v, fault);
}

int read_statuses(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	(void)f;
	return filter_set_statuses(ep->filter, v, fault);
}

int read_final_statuses(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	(void)f;
	return filter_set_finals(ep->filter, v, fault);
}

/*
 * Both look at what goes before of the same message: without order
 * there is no before, and in strict order nothing is passed over.
 */
int check_order(const struct endpoint *ep, struct fault *fault)
{
	if (ep->newest_replaces && ep->order != ORDER_MESSAGE)
		return fault_param(fault, "newest_replaces",
				   "needs \"order\": \"message\"; change order, or leave newest_replaces out");
	if (filter_has_finals(ep->filter) && ep->order == ORDER_NONE)
		return fault_param(fault, "final_statuses",
				   "needs \"order\": \"message\" or \"strict\"; change order, or use null");
	return 0;
}

int read_filter(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	(void)f;
	return filter_set_conditions(ep->filter, v, fault);
}

int read_status_map(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	(void)f;
	return json_is_nil(v) ? 0 : status_map_compile(v, &ep->statuses, fault);
}

/* --- success.statuses, throttle.statuses --- */

static const char success_wanted[] =
	"a status like \"200\", a range like \"200-204\" or a class like \"2xx\", several with commas "
	"or as a list";

/* "2xx", "200", "200-204" */
static bool read_range(struct slice text, struct status_range *ret)
{
	size_t dash = slice_find(text, '-');
	long long from, to;

	if (text.n == 3 && slice_eq_nocase(slice_from(text, 1), SLICE_LIT("xx")) && text.p[0] >= '1' &&
	    text.p[0] <= '5') {
		*ret = (struct status_range){ (text.p[0] - '0') * 100, (text.p[0] - '0') * 100 + 99 };
		return true;
	}
	if (!slice_to_i64(slice_trim(slice_of(text.p, dash)), &from))
		return false;
	to = from;
	if (dash < text.n && !slice_to_i64(slice_trim(slice_from(text, dash + 1)), &to))
		return false;
	if (from < 100 || to > 599 || from > to)
		return false;
	*ret = (struct status_range){ (int)from, (int)to };
	return true;
}

/* What a range may not name, as a sentence; NULL when it is fine. */
typedef const char *range_judge(const struct status_range *range);

static const char *judge_success(const struct status_range *range)
{
	if (range->from >= 200 && (range->from >= 400 || range->to < 300))
		return NULL;
	return "takes an interim answer or a redirect (1xx, 3xx) for a success, which it never is; name 2xx, 4xx or "
	       "5xx "
	       "statuses";
}

static const char *judge_throttle(const struct status_range *range)
{
	return range->from >= 400 ? NULL
				  : "throttles by answers that ask for nothing of the kind; name 4xx or 5xx statuses";
}

static int add_range(struct status_set *set, struct slice text, range_judge *judge, struct fault *fault)
{
	struct status_range range;
	const char *why;

	if (!read_range(slice_trim(text), &range))
		return fault_param(fault, "", "must be %s, from 200 to 599", success_wanted);
	why = judge(&range);
	if (why)
		return fault_param(fault, "", "%s", why);
	if (set->count == ENDPOINT_STATUS_RANGES_MAX)
		return fault_param(fault, "", "names more than %d ranges", ENDPOINT_STATUS_RANGES_MAX);
	set->ranges[set->count++] = range;
	return 0;
}

static int add_ranges(struct status_set *set, struct json v, range_judge *judge, struct fault *fault)
{
	struct buf scratch;
	struct slice rest;
	int err = 0;

	if (json_type(v) != JSON_STRING && json_type(v) != JSON_NUMBER)
		return field_wrong(v, fault, "%s", success_wanted);
	buf_init(&scratch, 64 * 1024);
	rest = json_text_slice(v, &scratch);
	for (bool more = true; more && !err;) {
		size_t comma = slice_find(rest, ',');

		err = add_range(set, slice_of(rest.p, comma), judge, fault);
		more = comma < rest.n;
		rest = slice_from(rest, more ? comma + 1 : rest.n);
	}
	buf_free(&scratch);
	return err;
}

static int read_status_set(struct json v, struct status_set *set, range_judge *judge, struct fault *fault)
{
	struct json_iter it = json_each(v);

	if (json_type(v) != JSON_ARRAY)
		return add_ranges(set, v, judge, fault);
	while (json_next(&it)) {
		int err = add_ranges(set, it.value, judge, fault);

		if (err) {
			fault_within(fault, "[%u]", it.index);
			return err;
		}
	}
	return 0;
}

/* An empty list is what it says: none. */
int read_throttle(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	(void)f;
	return read_status_set(v, &ep->throttle, judge_throttle, fault);
}

int read_success(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	int err = read_status_set(v, &ep->success, judge_success, fault);

	(void)f;
	if (err)
		return err;
	if (ep->success.count == 0)
		return fault_param(fault, "", "is an empty list, so nothing would ever succeed; name %s",
				   success_wanted);
	return 0;
}

/* Blanks around the text do not count when it is compared, so they are not kept. */
int read_ack_body(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	int err = read_line(f, v, ep, fault);

	if (err)
		return err;
	if ((ep->ack == ACK_BODY_EQUALS) == (ep->ack_body != NULL))
		return 0;
	return fault_param(fault, "",
			   ep->ack_body ? "goes with success.ack body_equals only; take it away or set that"
					: "is missing; success.ack body_equals needs the text that acknowledges");
}

/* Byte by byte, blanks too: "0: " is not "0:". */
static int add_prefix(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	struct buf text;
	int err;

	if (json_type(v) != JSON_STRING)
		return field_wrong(v, fault, "a string that the answer's body may begin with");
	if (ep->ack_prefix_count == ENDPOINT_PREFIXES_MAX)
		return fault_param(fault, "", "is one text too many; at most %d are allowed", ENDPOINT_PREFIXES_MAX);
	buf_init(&text, json_raw(v).n + 1);
	json_text(v, &text);
	err = text.n == 0 ? fault_param(fault, "", "is empty, and every answer begins with nothing; take it out")
			  : check_text(f, buf_slice(&text), true, fault);
	if (!err)
		ep->ack_prefixes[ep->ack_prefix_count++] = buf_take(&text);
	buf_free(&text);
	return err;
}

int read_ack_prefixes(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	struct json_iter it = json_each(v);

	if (!json_is_nil(v) && json_type(v) != JSON_ARRAY)
		return field_wrong(v, fault, "a list of texts, one of which the answer's body begins with");
	while (json_next(&it)) {
		if (add_prefix(f, it.value, ep, fault) == 0)
			continue;
		fault_within(fault, "[%u]", it.index);
		return ERR_INVALID;
	}
	if ((ep->ack == ACK_BODY_PREFIX) == (ep->ack_prefix_count > 0))
		return 0;
	return fault_param(fault, "",
			   ep->ack_prefix_count
				   ? "goes with success.ack body_prefix only; take it away or set that"
				   : "is missing; success.ack body_prefix needs the texts, one of which acknowledges");
}
