/*
 * Kannel, a gateway of the type `kannel` (docs/gateways.md). Orders go through
 * its sendsms call like those to any gateway (phone_type.c); what is here is its
 * way back: delivery reports, one call a state and in no order, and messages.
 *
 * Kannel calls the URL of a report without credentials. It was made here for one message and is signed: whoever has not
 * seen it can report nothing. Both calls find what is wrong before they write, so an error that Kannel logs has left
 * nothing half done.
 */
#include "hub/kannel.h"

#include "base/digest.h"
#include "base/text.h"
#include "hub/hub_impl.h"
#include "hub/message.h"
#include "hub/phone_type.h"
#include "hub/route.h"

#define SIGNATURE_BYTES 16 /* of the HMAC; as hex in the URL */
#define TEXT_MAX	((size_t)256 * 1024)
#define URL_MAX		2048

/* --- URLs of reports --- */

static void sign(struct hub *h, struct slice project, struct slice mid, struct buf *out)
{
	uint8_t mac[SHA256_BYTES];
	struct buf text;

	buf_init(&text, project.n + mid.n + 1);
	buf_add_slice(&text, project);
	buf_add_char(&text, '\n');
	buf_add_slice(&text, mid);
	hmac_sha256(slice_of(h->sign_key, sizeof(h->sign_key)), buf_slice(&text), mac);
	hex_add(out, mac, SIGNATURE_BYTES);
	buf_free(&text);
}

bool kannel_signed(struct hub *h, struct slice project, struct slice mid, struct slice sig)
{
	struct buf right;
	bool good;

	buf_init(&right, 2 * SIGNATURE_BYTES);
	sign(h, project, mid, &right);
	good = sig.n == right.n && mem_same(sig.p, right.p, sig.n);
	buf_free(&right);
	return good;
}

void kannel_order(struct deed *d, struct record *message, struct json_writer *w)
{
	const char *base = hub_public_url(d->hub);
	struct buf url;

	if (!*base)
		return;
	buf_init(&url, URL_MAX);
	buf_addf(&url, "%s/ingest/kannel/", base);
	percent_add(&url, d->project);
	buf_add_str(&url, "/dlr?mid=");
	percent_add(&url, record_id(message));
	buf_add_str(&url, "&sig=");
	sign(d->hub, d->project, record_id(message), &url);
	buf_add_str(&url, "&type=%d&id=%F&answer=%A"); /* Kannel's own, filled in when it calls */
	if (!buf_failed(&url))
		json_member_string(w, "dlr_url", buf_slice(&url));
	buf_free(&url);
}

/* --- reading params --- */

/* In the arena; empty when absent. */
static struct slice param(struct deed *d, struct json params, const char *name)
{
	struct slice text;
	struct buf scratch;

	buf_init(&scratch, TEXT_MAX);
	text = arena_slice(d->arena, json_text_slice(json_get(params, name), &scratch));
	buf_free(&scratch);
	return text;
}

/* --- delivery reports --- */

static const struct report_state {
	const char *type, *status, *error;
} report_states[] = {
	{ "1", "delivered", "" }, { "2", "not_delivered", "the message could not be delivered" },
	{ "4", "sent", "" }, /* the operator keeps it for now */
	{ "8", "sent", "" },	  { "16", "failed", "the operator rejected the message" },
};

static const struct report_state *report_state(struct slice type)
{
	for (size_t i = 0; i < sizeof(report_states) / sizeof(report_states[0]); i++)
		if (slice_is(type, report_states[i].type))
			return &report_states[i];
	return NULL;
}

/* What the operator said, if it said anything, is better than our sentence. */
static struct slice error_of(const struct report_state *state, struct slice answer)
{
	answer = slice_trim(answer);
	if (state->error[0] == '\0' || answer.n == 0)
		return slice_str(state->error);
	return answer;
}

int kannel_reported(struct deed *d, struct json params)
{
	struct slice mid = param(d, params, "mid"), id = param(d, params, "id");
	const struct report_state *state = report_state(param(d, params, "type"));
	struct record *message = record_load(d, KIND_MESSAGE, mid);
	bool changed = false;

	if (!state)
		return fault_param(d->fault, "type", "must be 1, 2, 4, 8 or 16, as Kannel writes %%d");
	if (!message || !slice_is(record_text(message, "direction"), "outgoing")) {
		fault_set(d->fault, "not_found", "mid", "there is no message \"%.*s\" that was sent", SLICE_ARG(mid));
		return ERR_NOT_FOUND;
	}
	if (id.n > 0 && record_text(message, "external_id").n == 0) {
		record_set_text(message, "external_id", id);
		changed = true;
	}
	if (!message_status(d, message, state->status, error_of(state, param(d, params, "answer")),
			    state->error[0] ? slice_str(state->type) : SLICE_LIT("")) &&
	    changed)
		record_save(d, message);
	return 0;
}

/* --- messages --- */

static uint32_t utf16_unit(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static bool is_high(uint32_t unit)
{
	return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(uint32_t unit)
{
	return unit >= 0xdc00 && unit < 0xe000;
}

/* Half a pair, which a cut-off message may end with, becomes U+FFFD. */
static void add_utf16(struct buf *out, struct slice bytes)
{
	const uint8_t *p = (const uint8_t *)bytes.p;

	for (size_t at = 0; at + 1 < bytes.n; at += 2) {
		uint32_t unit = utf16_unit(p + at), next = at + 3 < bytes.n ? utf16_unit(p + at + 2) : 0;

		if (is_high(unit) && is_low(next)) {
			utf8_add(out, 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00));
			at += 2;
		} else {
			utf8_add(out, is_high(unit) || is_low(unit) ? 0xfffd : unit);
		}
	}
}

/* The text in UTF-8, in the arena. It comes in hex when its charset is another (kannel.h). */
static int read_text(struct deed *d, struct json params, struct slice *ret)
{
	struct slice charset = param(d, params, "charset"), hex = param(d, params, "text_hex");
	uint8_t *bytes = arena_alloc(d->arena, hex.n / 2 + 1);
	struct buf text;

	*ret = param(d, params, "text");
	if (charset.n == 0 || slice_eq_nocase(charset, SLICE_LIT("UTF-8")))
		return 0;
	if (slice_eq_nocase(charset, SLICE_LIT("8-BIT")))
		return fault_param(d->fault, "charset", "is 8-BIT: the message is binary data, only texts are taken");
	if (!slice_eq_nocase(charset, SLICE_LIT("UTF-16BE")))
		return fault_param(d->fault, "charset",
				   "is \"%.*s\"; UTF-8 and UTF-16BE are understood: set mo-recode = true in the group "
				   "smsbox of Kannel",
				   SLICE_HEAD(charset, 40));
	if (hex.n % 4 != 0 || !hex_read(hex, bytes, hex.n / 2))
		return fault_param(d->fault, "text", "is no UTF-16BE: it has an odd number of bytes");
	buf_init(&text, TEXT_MAX);
	add_utf16(&text, slice_of(bytes, hex.n / 2));
	*ret = arena_take_buf(d->arena, &text);
	return 0;
}

static int unknown_phone(struct deed *d, struct slice to)
{
	fault_set(d->fault, "not_found", "to",
		  "no phone of this project has the number \"%.*s\"; give a phone of type kannel this phone_number",
		  SLICE_HEAD(to, 80));
	return ERR_NOT_FOUND;
}

int kannel_received(struct deed *d, struct json params)
{
	struct message_receive m = { .from_number = param(d, params, "from"),
				     .to_number = param(d, params, "to"),
				     .message_type = SLICE_LIT("sms"),
				     .external_id = param(d, params, "id") };
	struct slice ts = param(d, params, "ts");
	long long sent = 0;
	struct record *phone, *message;
	int err = read_text(d, params, &m.content);

	if (err)
		return err;
	if (m.from_number.n == 0 || m.to_number.n == 0)
		return fault_param(d->fault, m.from_number.n == 0 ? "from" : "to",
				   "is missing; the get-url needs from=%%p and to=%%P");
	err = message_sender_check(m.from_number, "from", d->fault);
	if (err)
		return err;
	if (ts.n > 0 && (!slice_to_i64(ts, &sent) || sent < 0))
		return fault_param(d->fault, "ts", "must be Unix seconds, as Kannel writes %%T");
	phone = route_with_number(d, m.to_number);
	if (!phone)
		return unknown_phone(d, m.to_number);
	m.time_sent = sent;
	m.phone_id = record_id(phone);
	phone_active(d, phone);
	return message_receive(d, &m, &message, d->fault);
}
