/*
 * What is told. An event is written in one go: the objects as the REST API shows them, straight from the records, into
 * one buffer that the event is then made of. Who gets it is decided by the node (all that want it), or here, by a
 * target: a service's webhook, a gateway, or the receiver of a message's status_url.
 *
 * The receivers of status_urls are endpoints too, one for each project and origin (scheme, host, port), so that many
 * messages to one host share its limits and its throttling, and the engine retries them like everything else. URL and
 * secret of the single message travel inside the event.
 */
#include "hub/notice.h"

#include <assert.h>

#include "base/digest.h"
#include "base/text.h"
#include "base/url.h"
#include "hub/e164.h"
#include "hub/message.h"
#include "hub/state.h"

#define NOTICE_MAX	  ((size_t)64 << 20)
#define SHOWN_MAX	  4
#define ORIGIN_HASH_BYTES 12 /* of SHA-256, as hex in the endpoint's id */
#define RECIPIENTS_MAX	  100

struct notice {
	struct deed *d;
	struct buf text;
	struct json_writer w;
};

static void begin(struct notice *n, struct deed *d, const char *type, enum event_origin origin)
{
	static const char *const origins[] = {
		[ORIGIN_PLATFORM] = "platform", [ORIGIN_WEB] = "web", [ORIGIN_API] = "api", [ORIGIN_SCRIPT] = "script"
	};

	n->d = d;
	buf_init(&n->text, NOTICE_MAX);
	json_writer_init(&n->w, &n->text);
	json_begin_object(&n->w);
	json_member_str(&n->w, "type", type);
	json_member_i64(&n->w, "time", d->now_ms / 1000);
	json_member_str(&n->w, "origin", origins[origin]);
}

/* Gives it away. Returns its id, in the deed's arena. */
static struct slice tell(struct notice *n)
{
	struct event *ev;
	struct slice id;

	json_end_object(&n->w);
	assert(!buf_failed(&n->text)); /* objects are bounded far below */
	ev = event_make(buf_slice(&n->text), n->d->project, n->d->now_ms);
	buf_free(&n->text);
	book_event(n->d->book, ev);
	id = arena_slice(n->d->arena, ev->id);
	event_unref(&ev);
	return id;
}

static void put_object(struct notice *n, const char *name, struct record *r)
{
	if (!r)
		return;
	json_key(&n->w, name);
	record_write(n->d, r, &n->w);
}

/* A member that an event shows otherwise than the record holds it; json empty: not at all. */
struct shown {
	const char *name;
	struct slice json;
};

/*
 * Lent to the record while it is written, and taken back: records write themselves, and a second way of writing them
 * would have to know what is hidden.
 */
static void put_object_with(struct notice *n, const char *name, struct record *r, const struct shown *shown,
			    size_t count)
{
	struct slice before[SHOWN_MAX];

	assert(count <= SHOWN_MAX);
	for (size_t i = 0; i < count; i++) {
		before[i] = record_raw(r, shown[i].name);
		record_set(r, shown[i].name, shown[i].json);
	}
	put_object(n, name, r);
	for (size_t i = count; i-- > 0;)
		record_set(r, shown[i].name, before[i]);
}

/* A JSON string, in the arena. */
static struct slice quoted(struct deed *d, struct slice s)
{
	struct buf out;

	buf_init(&out, 6 * s.n + 2);
	json_add_string(&out, s);
	return arena_take_buf(d->arena, &out);
}

/* --- incoming messages --- */

/* As it was posted, when it was. */
struct slice notice_e164(struct deed *d, struct record *message, struct record *phone)
{
	struct slice country = phone ? record_text(phone, "country") : SLICE_LIT("");
	struct slice json = record_raw(message, "from_number_e164");
	struct buf out;

	if (json.n > 0)
		return json;
	buf_init(&out, 64);
	if (e164_of(record_text(message, "from_number"), country, &out))
		json = quoted(d, buf_slice(&out));
	buf_free(&out);
	return json;
}

static void put_call(struct notice *n, struct record *message, const struct notice_call *call)
{
	json_key(&n->w, "state");
	state_write(n->d, call->state, call->service_id, record_text(message, "contact_id"), &n->w);
	json_key(&n->w, "postrider");
	json_begin_object(&n->w);
	json_member_i64(&n->w, "to", (int64_t)call->endpoint);
	json_member_string(&n->w, "service_id", call->service_id);
	if (call->run.n > 0) {
		json_key(&n->w, "run");
		json_put_raw(&n->w, call->run);
	}
	json_end_object(&n->w);
}

/* The encoder makes `service_id` of the service that calls, and `message_service_id` of the one that handled it. */
struct slice notice_incoming(struct deed *d, struct record *message, struct record *contact, struct record *phone,
			     const struct notice_call *call)
{
	struct shown shown = { "from_number_e164", notice_e164(d, message, phone) };
	struct notice n;

	begin(&n, d, "incoming_message", ORIGIN_PLATFORM);
	put_object_with(&n, "message", message, &shown, 1);
	put_object(&n, "contact", contact);
	put_object(&n, "phone", phone);
	if (call)
		put_call(&n, message, call);
	return tell(&n);
}

/* --- statuses --- */

/* Scheme, host and port: what stands before the path. */
static int origin_of(struct slice status_url, struct slice *ret, struct fault *fault)
{
	struct url url;
	int err = url_parse(status_url, &url, fault);

	if (!err)
		*ret = slice_of(status_url.p, url.authority_end);
	return err;
}

static uint64_t status_endpoint(struct deed *d, struct slice origin, struct fault *fault)
{
	uint8_t digest[SHA256_BYTES];
	struct buf id, settings;
	uint64_t number;

	buf_init(&id, 64);
	buf_init(&settings, 4096);
	sha256(origin, digest);
	buf_add_str(&id, "_status.");
	hex_add(&id, digest, ORIGIN_HASH_BYTES);
	buf_add_str(&settings, "{\"preset\":\"telerivet\",\"url_from_event\":true,\"reports\":true,\"url\":");
	json_add_string(&settings, origin);
	buf_add_char(&settings, '}');
	number = book_endpoint(d->book, d->project, buf_slice(&id), buf_slice(&settings), fault);
	buf_free(&id);
	buf_free(&settings);
	return number;
}

int notice_url_check(struct deed *d, struct slice status_url, struct fault *fault)
{
	struct slice origin;
	int err = status_url.n <= NOTICE_URL_MAX
			  ? 0
			  : fault_param(fault, "", "has %zu bytes; use at most %d", status_url.n, NOTICE_URL_MAX);

	if (!err)
		err = origin_of(status_url, &origin, fault);
	if (!err && status_endpoint(d, origin, fault) == 0)
		err = ERR_INVALID;
	if (err)
		fault_set(fault, "invalid_param", "status_url", "%s", arena_str(d->arena, slice_str(fault->message)));
	return err;
}

uint64_t notice_url_write(struct deed *d, struct record *message, struct slice trace, struct json_writer *w)
{
	struct slice url = record_text(message, "_status_url"), secret = record_text(message, "_status_secret"), origin;
	struct fault ignored =
		NO_FAULT; /* it was checked when the message was made; the rules may have changed since */
	uint64_t number;

	if (url.n == 0 || origin_of(url, &origin, &ignored) != 0)
		return 0;
	number = status_endpoint(d, origin, &ignored);
	if (number == 0)
		return 0;
	json_key(w, "postrider");
	json_begin_object(w);
	json_member_i64(w, "to", (int64_t)number);
	json_member_string(w, "url", url);
	if (secret.n > 0)
		json_member_string(w, "secret", secret);
	if (trace.n > 0)
		json_member_string(w, "traceparent", trace);
	json_end_object(w);
	return number;
}

void notice_status(struct deed *d, struct record *message, struct record *contact)
{
	struct notice n;

	begin(&n, d, "send_status", ORIGIN_PLATFORM);
	put_object(&n, "message", message);
	put_object(&n, "contact", contact);
	notice_url_write(d, message, SLICE_LIT(""), &n.w);
	tell(&n);
}

/* --- broadcasts --- */

/* The first ones, as JSON: what stands before the comma that the next one follows. */
static struct slice first_recipients(struct deed *d, struct record *broadcast)
{
	struct slice first = record_raw(broadcast, "recipients");
	struct json_doc doc;

	json_doc_init(&doc);
	if (json_parse(&doc, first, &json_limits_default, NULL) == 0)
		for (struct json_iter it = json_each(json_root(&doc)); json_next(&it);)
			if (it.index == RECIPIENTS_MAX) {
				size_t end = (size_t)(json_raw(it.value).p - first.p) - 1;
				char *copy = arena_alloc(d->arena, end + 1);

				memcpy(copy, first.p, end);
				copy[end] = ']';
				first = slice_of(copy, end + 1);
				break;
			}
	json_doc_free(&doc);
	return first;
}

void notice_broadcast(struct deed *d, struct record *broadcast, struct slice recipients_str, struct slice user_name,
		      struct slice user_email)
{
	struct shown shown[] = {
		{ "recipients", first_recipients(d, broadcast) },
		{ "recipients_str", quoted(d, recipients_str) },
		{ "user_name", user_name.n > 0 ? quoted(d, user_name) : user_name },
		{ "user_email", user_email.n > 0 ? quoted(d, user_email) : user_email },
	};
	struct notice n;

	begin(&n, d, "send_broadcast", d->origin);
	put_object_with(&n, "broadcast", broadcast, shown, sizeof(shown) / sizeof(shown[0]));
	tell(&n);
}

/* --- what is changed by hand --- */

/* Programs know what they did themselves, so what they change is not even made into an event. */
static bool is_told(const struct deed *d)
{
	return d->origin != ORIGIN_API && d->origin != ORIGIN_SCRIPT;
}

void notice_contact(struct deed *d, struct record *contact, const char *update_type)
{
	struct notice n;

	if (!is_told(d))
		return;
	begin(&n, d, "contact_update", d->origin);
	json_member_str(&n.w, "update_type", update_type);
	put_object(&n, "contact", contact);
	tell(&n);
}

void notice_metadata(struct deed *d, struct record *message, struct record *contact, const char *update_type)
{
	struct notice n;

	if (!is_told(d))
		return;
	begin(&n, d, "message_metadata", d->origin);
	json_member_str(&n.w, "update_type", update_type);
	put_object(&n, "message", message);
	put_object(&n, "contact", contact ? contact : message_contact(d, message));
	tell(&n);
}

/* --- orders --- */

/* Members that stand between the braces of an object, beside those the record has. */
static void put_order(struct notice *n, struct record *message, struct slice extra)
{
	put_object(n, "message", message);
	if (extra.n == 0)
		return;
	/* record_write has closed the object: it is opened again for what the route adds. */
	buf_truncate(&n->text, n->text.n - 1);
	buf_add_char(&n->text, ',');
	buf_add_slice(&n->text, extra);
	buf_add_char(&n->text, '}');
}

void notice_order(struct deed *d, struct record *message, uint64_t endpoint, struct slice extra)
{
	struct notice n;

	begin(&n, d, "send_message", ORIGIN_PLATFORM);
	put_order(&n, message, extra);
	json_key(&n.w, "postrider");
	json_begin_object(&n.w);
	json_member_i64(&n.w, "to", (int64_t)endpoint);
	json_end_object(&n.w);
	tell(&n);
}
