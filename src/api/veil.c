/*
 * Rendering sends nothing, so a link that may only look may do it. But it renders events of the caller's, in a draft by
 * templates of the caller's, and with the endpoint's secret that would sign whatever he likes for a receiver to
 * believe; and a template can write {SECRET} through pipes until no mask knows it. So for such a link everything is as
 * it is but the secrets, which are fresh ones of the same form.
 */
#include "api/veil.h"

#include "api/endpoint_intake.h"
#include "base/mem.h"

#define SETTINGS_MAX ((size_t)16 << 20)

/* The settings with another secret, and no previous one. */
static void write_veiled(const struct endpoint *ep, struct json settings, struct buf *out)
{
	char made[SECRET_MADE_BYTES];
	struct json_writer w;
	struct json_doc doc;
	struct buf patch;

	secret_make(ep->secrets[0], made);
	buf_init(&patch, 4096);
	json_writer_init(&w, &patch);
	json_begin_object(&w);
	json_member_str(&w, "secret", made);
	json_member_str(&w, "previous_secret", NULL);
	json_end_object(&w);
	json_doc_init(&doc);
	json_parse(&doc, buf_slice(&patch), &json_limits_default, NULL);
	endpoint_merge(settings, json_root(&doc), out);
	json_doc_free(&doc);
	buf_free(&patch);
	mem_wipe(made, sizeof(made));
}

static int compile_veiled(const struct endpoint *ep, struct json settings, struct endpoint **ret, struct fault *fault)
{
	struct endpoint_identity who = { .number = ep->number,
					 .revision = ep->revision,
					 .of_organization = ep->of_organization,
					 .internal = ep->internal,
					 .owner = slice_str(ep->owner),
					 .id = slice_str(ep->id),
					 .organization_id = slice_str(ep->organization_id) };
	struct json_doc doc;
	struct buf text;
	int err;

	buf_init(&text, SETTINGS_MAX);
	json_doc_init(&doc);
	write_veiled(ep, settings, &text);
	err = json_parse(&doc, buf_slice(&text), &json_limits_default, fault);
	if (!err)
		err = endpoint_compile(json_root(&doc), &who, ret, fault);
	json_doc_free(&doc);
	buf_free(&text);
	return err;
}

int veil(const struct call *c, struct endpoint *ep, struct endpoint **ret, struct fault *fault)
{
	struct json_doc doc;
	int err;

	if (!c->by_link || c->portal.write || !ep->secrets[0]) {
		*ret = endpoint_ref(ep);
		return 0;
	}
	json_doc_init(&doc);
	err = json_parse(&doc, ep->source, &json_limits_default, fault);
	if (!err)
		err = compile_veiled(ep, json_root(&doc), ret, fault);
	json_doc_free(&doc);
	return err;
}
