/*
 * A caller may send back what he was shown, so members that are only shown are left out here;
 * all others go on to where settings are judged. And who wants signed requests need not think
 * of a secret: one is made, put in with the settings, and shown in the answer, once.
 */
#include "api/endpoint_intake.h"

#include "api/endpoint_show.h"
#include "base/digest.h"
#include "dialect/endpoint_field.h"
#include "dialect/preset.h"

#define INTAKE_MAX ((size_t)8 << 20)

void secret_make(const char *like, char ret[SECRET_MADE_BYTES])
{
	struct buf text;

	buf_init(&text, SECRET_MADE_BYTES - 1);
	sign_secret_make(like, &text);
	slice_copy(ret, SECRET_MADE_BYTES, buf_slice(&text));
	mem_wipe(text.p, text.n);
	buf_free(&text);
}

/* --- is it signed? --- */

static bool preset_signs(struct slice name)
{
	struct json_doc doc;
	struct slice text;
	bool signs;

	if (!preset_find(name, &text))
		return false;
	json_doc_init(&doc);
	signs = json_parse(&doc, text, &json_limits_default, NULL) == 0 &&
		json_is(json_get(json_root(&doc), "signature"), "standard_webhooks");
	json_doc_free(&doc);
	return signs;
}

static bool asks_for_signature(struct json body)
{
	struct json signature = json_get(body, "signature");
	struct buf name;
	bool signs;

	if (!json_is_nil(signature))
		return json_is(signature, "standard_webhooks");
	buf_init(&name, 4096);
	signs = preset_signs(json_text_slice(json_get(body, "preset"), &name));
	buf_free(&name);
	return signs;
}

static void add_secret(struct json body, const struct endpoint *current, bool replace, struct json_writer *w,
		       char made[SECRET_MADE_BYTES])
{
	bool has_one = current && current->secrets[0];

	made[0] = '\0';
	if (!json_is_nil(json_get(body, "secret")) || !asks_for_signature(body) || (has_one && !replace))
		return;
	if (!has_one)
		secret_make(NULL, made);
	json_member_str(w, "secret", has_one ? SECRET_MASK : made);
}

/* --- the members --- */

static struct json field_value(struct json body, const struct field *f)
{
	struct slice group = field_group(f);

	return json_get_slice(group.n ? json_get_slice(body, group) : body, field_name(f));
}

/* A mask keeps what is there. Where nothing is, it would become a password of three stars. */
static int check_masks(struct json body, const struct endpoint *current, struct fault *fault)
{
	for (const struct field *f = endpoint_fields; f->path; f++)
		if (!current && (f->flags & FIELD_SECRET) && json_is(field_value(body, f), SECRET_MASK))
			return fault_param(fault, f->path,
					   "is a mask, and there is no secret behind it yet; give the secret itself");
	return 0;
}

static int check_id(struct json body, struct slice id, struct fault *fault)
{
	struct json given = json_get(body, "id");
	struct buf scratch;
	bool same;

	if (json_is_nil(given))
		return 0;
	buf_init(&scratch, 4096);
	same = slice_eq(json_text_slice(given, &scratch), id);
	buf_free(&scratch);
	return same ? 0 : fault_param(fault, "id", "is not the id in the path; leave it out");
}

static void copy_members(struct json body, bool without_secret, struct json_writer *w)
{
	struct json_iter it = json_each(body);
	struct buf scratch;

	buf_init(&scratch, 64 * 1024);
	while (json_next(&it)) {
		struct slice name = json_text_slice(it.key, &scratch);

		if (endpoint_shown_only(name) || (without_secret && slice_is(name, "secret")))
			continue;
		json_key_slice(w, name);
		json_put_raw(w, json_raw(it.value));
	}
	buf_free(&scratch);
}

int intake_make(struct json body, struct slice id, const struct endpoint *current, bool replace, struct intake *ret,
		struct fault *fault)
{
	struct json_writer w;
	size_t before;

	buf_init(&ret->text, INTAKE_MAX);
	json_doc_init(&ret->doc);
	ret->made_secret[0] = '\0';
	if (check_id(body, id, fault) || check_masks(body, current, fault))
		return ERR_INVALID;
	json_writer_init(&w, &ret->text);
	json_begin_object(&w);
	before = ret->text.n;
	add_secret(body, current, replace, &w, ret->made_secret);
	copy_members(body, ret->text.n > before, &w);
	json_end_object(&w);
	if (buf_failed(&ret->text))
		return fault_param(fault, "", "the settings are too large: at most %zu bytes", INTAKE_MAX);
	return json_parse(&ret->doc, buf_slice(&ret->text), &json_limits_default, fault);
}

struct json intake_root(const struct intake *s)
{
	return json_root(&s->doc);
}

void intake_free(struct intake *s)
{
	if (s->text.p)
		mem_wipe(s->text.p, s->text.n);
	mem_wipe(s->made_secret, sizeof(s->made_secret));
	json_doc_free(&s->doc);
	buf_free(&s->text);
}
