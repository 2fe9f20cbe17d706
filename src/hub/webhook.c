/*
 * Webhooks of services and of rules: Telerivet's preset with a URL and a secret, at an internal endpoint whose outcomes
 * are reported. A service has one endpoint, whose settings follow its config. Actions have none of their own: those of
 * a service with the same settings share one, named by a digest of them, so changing one action touches no other; it
 * is made when it is first used.
 */
#include "base/digest.h"
#include "base/text.h"
#include "hub/notice.h"
#include "hub/service_parts.h"

#define SETTINGS_MAX ((size_t)1 << 18)
#define HASH_BYTES   10

/* Beside url and secret, what has to do with the receiver: settings of endpoints, as docs/api.md has them. */
static const char *const passed_on[] = { "url", "secret", "ports", "retry", "timeout_ms", "tls" };

void webhook_settings(struct json config, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w);
	json_member_str(&w, "preset", "telerivet");
	json_member_bool(&w, "reports", true);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++) {
		struct json v = json_get(config, passed_on[i]);

		/* null is a value of `ports`: the daemon's own list */
		if (json_type(v) == JSON_NONE || (json_type(v) == JSON_NULL && strcmp(passed_on[i], "ports") != 0))
			continue;
		json_key(&w, passed_on[i]);
		json_put_raw(&w, json_raw(v));
	}
	json_end_object(&w);
}

static int compile(struct slice settings, struct fault *fault)
{
	static const struct endpoint_identity who = {
		.number = 1, .revision = 1, .internal = true, .owner = SLICE_LIT("p"), .id = SLICE_LIT("_service.")
	};
	struct endpoint *ep = NULL;
	struct json_doc doc;
	int err;

	json_doc_init(&doc);
	err = json_parse(&doc, settings, &json_limits_default, fault);
	if (!err)
		err = endpoint_compile(json_root(&doc), &who, &ep, fault);
	endpoint_unref(&ep);
	json_doc_free(&doc);
	return err;
}

int webhook_check(struct json config, struct fault *fault)
{
	struct buf settings;
	int err = check_text(config, "url", true, fault);

	if (!err)
		err = check_text(config, "secret", false, fault);
	if (!err && json_is(json_get(config, "secret"), SECRET_SHOWN))
		err = fault_param(fault, "secret",
				  "*** stands for a secret that is not known here; send the secret itself");
	if (err)
		return err;
	buf_init(&settings, SETTINGS_MAX);
	webhook_settings(config, &settings);
	err = buf_failed(&settings) ? fault_param(fault, "", "the settings are too long")
				    : compile(buf_slice(&settings), fault);
	buf_free(&settings);
	return err;
}

void webhook_service_id(struct slice service_id, struct buf *out)
{
	buf_add_str(out, "_service.");
	buf_add_slice(out, service_id);
}

void webhook_action_id(struct slice service_id, struct json action, struct buf *out)
{
	uint8_t digest[SHA256_BYTES];
	struct buf settings;

	buf_init(&settings, SETTINGS_MAX);
	webhook_settings(action, &settings);
	sha256(buf_slice(&settings), digest);
	buf_add_str(out, "_action.");
	buf_add_slice(out, service_id);
	buf_add_char(out, '.');
	hex_add(out, digest, HASH_BYTES);
	buf_free(&settings);
}

/* Its number; 0 with *fault when it cannot be. It is made when it is not there. */
static uint64_t endpoint_number(struct run *r, struct slice id, struct json config, struct fault *fault)
{
	struct endpoint *ep = book_endpoint_get(r->deed.book, r->deed.project, id);
	struct buf settings;
	uint64_t number;

	if (ep) {
		number = ep->number;
		endpoint_unref(&ep);
		return number;
	}
	buf_init(&settings, SETTINGS_MAX);
	webhook_settings(config, &settings);
	number = book_endpoint(r->deed.book, r->deed.project, id, buf_slice(&settings), fault);
	buf_free(&settings);
	return number;
}

enum run_step webhook_call(struct run *r, struct slice endpoint_id, struct json config)
{
	struct reply_scope *s = &r->scope;
	struct notice_call call = { .service_id = record_id(s->service), .state = s->state };
	struct fault fault = NO_FAULT;

	if (!s->message) {
		run_log(r, "error", SLICE_LIT("a webhook needs a message, and this service was invoked for a contact"),
			true);
		return RUN_ENDS;
	}
	call.endpoint = endpoint_number(r, endpoint_id, config, &fault);
	if (!call.endpoint) {
		run_logf(r, "error", true, "the webhook cannot be called: %s %s", fault.param, fault.message);
		return RUN_ENDS;
	}
	r->wait = notice_incoming(&r->deed, s->message, s->contact, s->phone, &call);
	return RUN_WAITS;
}
