/*
 * One revision of an endpoint: made from JSON, checked, compiled, then never changed. The daemon's threads share it by
 * reference; a new revision is a new struct. Compiling goes in four steps: names, layers (own settings over preset over
 * fallbacks, written out as one JSON text), rows (each setting read by itself), and what the settings must agree in.
 */
#include "dialect/endpoint.h"

#include <math.h>

#include "base/digest.h"
#include "base/map.h"
#include "base/mem.h"
#include "dialect/encode.h"
#include "dialect/endpoint_field.h"
#include "dialect/filter.h"

/*
 * Settings are customers' texts: templates, certificates. Far beyond anything sensible, so that only nonsense meets it.
 */
#define SETTINGS_MAX   (2 * 1024 * 1024)
#define GROUP_TEXT_MAX (256 * 1024)

/* --- life --- */

static struct endpoint *endpoint_new(const struct endpoint_identity *who)
{
	struct endpoint *ep = mem_zalloc(sizeof(*ep));

	atomic_init(&ep->refs, 1);
	ep->number = who->number;
	ep->revision = who->revision;
	ep->of_organization = who->of_organization;
	ep->internal = who->internal;
	ep->owner = slice_dup(who->owner);
	ep->id = slice_dup(who->id);
	ep->organization_id = slice_dup(who->organization_id);
	ep->filter = filter_new();
	ep->source = slice_of("", 0);
	return ep;
}

static void wipe_free(const char *secret)
{
	if (!secret)
		return;
	mem_wipe((char *)secret, strlen(secret));
	mem_free((char *)secret);
}

static void source_free(struct slice source)
{
	if (!source.n)
		return;
	mem_wipe((char *)source.p, source.n);
	mem_free((char *)source.p);
}

static void endpoint_free(struct endpoint *ep)
{
	mem_free(ep->owner);
	mem_free(ep->id);
	mem_free(ep->organization_id);
	mem_free(ep->name);
	mem_free(ep->preset);
	filter_free(&ep->filter);
	template_free(&ep->url);
	template_free(&ep->body);
	for (size_t i = 0; i < ep->field_count; i++) {
		mem_free(ep->fields[i].name);
		template_free(&ep->fields[i].value);
	}
	mem_free(ep->fields);
	maps_free(&ep->maps);
	zone_free(&ep->zone);
	mem_free(ep->batch.wrap);
	mem_free(ep->batch.head);
	mem_free(ep->batch.tail);
	mem_free((uint16_t *)ep->peer.ports);
	mem_free(ep->xml_root);
	mem_free(ep->content_type_header);
	mem_free(ep->ack_body);
	for (size_t i = 0; i < ep->ack_prefix_count; i++)
		mem_free(ep->ack_prefixes[i]);
	for (size_t i = 0; i < ep->header_count; i++) {
		mem_free(ep->headers[i].name);
		template_free(&ep->headers[i].value);
	}
	mem_free(ep->headers);
	status_map_free(&ep->statuses);
	wipe_free(ep->secrets[0]);
	wipe_free(ep->secrets[1]);
	mem_free((char *)ep->peer.ca_pem);
	mem_free((char *)ep->peer.client_cert_pem);
	wipe_free(ep->peer.client_key_pem);
	mem_free((char *)ep->peer.username);
	wipe_free(ep->peer.password);
	source_free(ep->source);
	mem_free(ep);
}

struct endpoint *endpoint_ref(struct endpoint *ep)
{
	atomic_fetch_add_explicit(&ep->refs, 1, memory_order_relaxed);
	return ep;
}

void endpoint_unref(struct endpoint **ep)
{
	struct endpoint *gone = *ep;

	*ep = NULL;
	if (gone && atomic_fetch_sub_explicit(&gone->refs, 1, memory_order_acq_rel) == 1)
		endpoint_free(gone);
}

/* --- compiling --- */

static int read_rows(struct endpoint *ep, struct json in_force, struct fault *fault)
{
	for (const struct field *f = endpoint_fields; f->path; f++) {
		int err = f->read(f, json_path(in_force, slice_str(f->path)), ep, fault);

		if (err) {
			fault_within(fault, "%s", f->path);
			return err;
		}
	}
	return 0;
}

static int check_agreement(const struct endpoint *ep, struct fault *fault)
{
	static int (*const checks[])(const struct endpoint *, struct fault *) = {
		check_content, check_batch,	check_order,	   check_body,	   check_auth,
		check_headers, check_signature, check_client_cert, check_internal,
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		int err = checks[i](ep, fault);

		if (err)
			return err;
	}
	return 0;
}

static bool has_header(const struct endpoint *ep, const char *name)
{
	for (size_t i = 0; i < ep->header_count; i++)
		if (slice_eq_nocase(slice_str(ep->headers[i].name), slice_str(name)))
			return true;
	return false;
}

/* What follows from the settings. */
static void derive(struct endpoint *ep)
{
	const struct encoder *encoder = encoder_of(ep->content);
	struct buf head, tail;

	if (ep->method == HTTP_POST && !has_header(ep, "content-type"))
		ep->content_type_header = mem_strdup(encoder->media_type);
	buf_init(&head, 1024);
	buf_init(&tail, 1024);
	encoder->frame(ep, &head, &tail);
	ep->batch.head = head.n ? buf_take(&head) : NULL;
	ep->batch.tail = tail.n ? buf_take(&tail) : NULL;
	if (ep->internal)
		ep->event_mask = 0; /* targeted events only */
	else
		ep->reports = ep->actions != ACTIONS_NONE;
	ep->peer.connections_max = ep->order == ORDER_STRICT ? 1 : (int)ep->concurrency;
}

static int compile_layers(struct endpoint *ep, struct json own, struct json preset, struct fault *fault)
{
	struct json_writer w;
	struct json_doc doc;
	struct buf text;
	int err;

	json_doc_init(&doc);
	buf_init(&text, 2 * SETTINGS_MAX);
	json_writer_init(&w, &text);
	json_begin_object(&w);
	layer_write(own, preset, SHOW_ALL, &w);
	json_end_object(&w);
	err = json_parse(&doc, buf_slice(&text), &json_limits_default, fault);
	if (!err)
		err = read_rows(ep, json_root(&doc), fault);
	if (!err)
		err = check_agreement(ep, fault);
	json_doc_free(&doc);
	if (text.n)
		mem_wipe(text.p, text.n);
	buf_free(&text);
	return err;
}

static int compile(struct endpoint *ep, struct json settings, struct fault *fault)
{
	struct json_doc preset;
	struct slice text;
	int err = layer_preset(settings, &text, fault);

	json_doc_init(&preset);
	if (!err && text.n)
		err = json_parse(&preset, text, &json_limits_default, fault);
	if (!err)
		err = compile_layers(ep, settings, json_root(&preset), fault);
	json_doc_free(&preset);
	return err;
}

static int check_shape(struct json settings, bool internal, struct fault *fault)
{
	if (json_type(settings) != JSON_OBJECT)
		return fault_param(fault, "", "an endpoint must be an object of settings, not %s",
				   json_type_name(json_type(settings)));
	if (json_raw(settings).n > SETTINGS_MAX)
		return fault_param(fault, "", "the settings of an endpoint must be at most %d bytes", SETTINGS_MAX);
	return field_check_names(settings, internal, fault);
}

int endpoint_compile(struct json settings, const struct endpoint_identity *who, struct endpoint **ret,
		     struct fault *fault)
{
	struct endpoint *ep;
	int err = check_shape(settings, who->internal, fault);

	if (err)
		return err;
	ep = endpoint_new(who);
	err = compile(ep, settings, fault);
	if (err) {
		endpoint_unref(&ep);
		return err;
	}
	derive(ep);
	ep->source = slice_of(mem_dup(json_raw(settings).p, json_raw(settings).n), json_raw(settings).n);
	*ret = ep;
	return 0;
}

/* --- questions --- */

/* contact_update and message_metadata that a program caused itself are not told back to programs (event.md). */
static bool origin_passes(const struct event *e)
{
	if (e->type != EVENT_CONTACT_UPDATE && e->type != EVENT_MESSAGE_METADATA)
		return true;
	return e->origin != ORIGIN_API && e->origin != ORIGIN_SCRIPT;
}

static bool status_passes(const struct endpoint *ep, const struct event *e)
{
	struct buf type_scratch, status_scratch, word;
	bool passes;

	if (e->type != EVENT_SEND_STATUS || !ep->statuses)
		return true;
	buf_init(&type_scratch, 4096);
	buf_init(&status_scratch, 4096);
	buf_init(&word, 8192);
	passes = status_map_word(ep->statuses, event_message_type(e, &type_scratch),
				 json_text_slice(event_path(e, SLICE_LIT("message.status")), &status_scratch),
				 json_type(event_path(e, SLICE_LIT("message.simulated"))) == JSON_TRUE, &word);
	buf_free(&type_scratch);
	buf_free(&status_scratch);
	buf_free(&word);
	return passes;
}

bool endpoint_wants(const struct endpoint *ep, const struct event *e)
{
	if (e->target)
		return e->target == ep->number;
	return (ep->event_mask & (1u << e->type)) && origin_passes(e) && filter_match(ep->filter, e) &&
	       status_passes(ep, e);
}

bool endpoint_has_finals(const struct endpoint *ep)
{
	return filter_has_finals(ep->filter);
}

bool endpoint_is_final(const struct endpoint *ep, const struct event *e)
{
	return filter_is_final(ep->filter, e);
}

static bool varies(const struct endpoint *ep)
{
	if (!template_is_constant(ep->url))
		return true;
	for (size_t i = 0; i < ep->header_count; i++)
		if (!template_is_constant(ep->headers[i].value))
			return true;
	return false;
}

/* Rendered URL and header values, each ended by a NUL, which neither can hold. */
static int render_outside(const struct endpoint *ep, const struct event *e, struct buf *out)
{
	/* Delivery id and attempt belong to the batch, not to the event: they are the same for all here. */
	struct scope scope = { .event = e,
			       .statuses = ep->statuses,
			       .organization_id = slice_str(ep->organization_id),
			       .delivery_id = slice_of("", 0),
			       .attempt = 1,
			       .zone = ep->zone,
			       .secret = slice_str(ep->secrets[0]) };
	int err = template_render(ep->url, &scope, out);

	for (size_t i = 0; !err && i < ep->header_count; i++) {
		buf_add_char(out, 0);
		err = template_render(ep->headers[i].value, &scope, out);
	}
	return err;
}

uint64_t endpoint_group(const struct endpoint *ep, const struct event *e)
{
	/* Not secret: who could choose colliding events would only mix their own batches. */
	static const struct hash_key key = { 0x706f737472696465, 0x72207739 };
	struct buf text;
	uint64_t hash;

	if (ep->batch.max_items == 1 || !varies(ep))
		return 0;
	buf_init(&text, GROUP_TEXT_MAX);
	/* What can't be rendered fails by itself, in a batch of its own. */
	if (render_outside(ep, e, &text) != 0)
		hash = hash_bytes(&key, e->id);
	else
		hash = hash_bytes(&key, buf_slice(&text));
	buf_free(&text);
	return hash ? hash : 1;
}

static bool has_status(const struct status_set *set, int status)
{
	for (size_t i = 0; i < set->count; i++)
		if (status >= set->ranges[i].from && status <= set->ranges[i].to)
			return true;
	return false;
}

bool endpoint_success(const struct endpoint *ep, int status)
{
	return has_status(&ep->success, status);
}

bool endpoint_throttles(const struct endpoint *ep, int status)
{
	return has_status(&ep->throttle, status);
}

int64_t endpoint_delay_ms(const struct endpoint *ep, uint32_t failures, double unit)
{
	size_t n = failures > 0 ? failures - 1 : 0;

	if (ep->retry.delay_count == 0 || (ep->retry.max_attempts > 0 && failures >= ep->retry.max_attempts))
		return -1;
	if (n >= ep->retry.delay_count)
		n = ep->retry.delay_count - 1;
	return llround((double)ep->retry.delays_ms[n] * (1 - ep->retry.jitter * unit));
}
