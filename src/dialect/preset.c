/*
 * Presets are data: the files of presets/ as scripts/embed.py put them into the binary. To the rest of the program a preset is the JSON
 * text of some endpoint settings, laid under the endpoint's own (endpoint_layer.c). Because nothing but a test and the start
 * looks at a preset before a customer names it, preset_check holds each to the same checks as a customer's settings.
 */
#include "dialect/preset.h"

#include "dialect/endpoint.h"
#include "dialect/preset_file.h"

bool preset_find(struct slice name, struct slice *ret)
{
	for (const struct preset_file *file = preset_files; file->name; file++) {
		if (!slice_is(name, file->name))
			continue;
		*ret = slice_of(file->text, file->size);
		return true;
	}
	return false;
}

const char *preset_name(size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!preset_files[i].name)
			return NULL;
	return preset_files[n].name;
}

static int about_check(struct json preset, struct fault *fault)
{
	struct json_iter it = json_each(preset);

	if (!json_next(&it) || !it.object || !json_is(it.key, "about"))
		return fault_param(fault, "about",
				   "must be the first member: it says where the facts come from and what is doubtful");
	if (json_type(it.value) != JSON_STRING || json_escaped_text(it.value).n == 0)
		return fault_param(fault, "about", "must be a text");
	return 0;
}

/* The preset as an endpoint's own settings: without `about`, with what a preset leaves to the endpoint. */
static void preset_sample(struct json preset, struct buf *out)
{
	struct json_iter it = json_each(preset);
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w);
	if (json_is_nil(json_get(preset, "url")))
		json_member_str(&w, "url", "https://receiver.invalid/");
	if (json_is_nil(json_get(preset, "secret")))
		json_member_str(&w, "secret", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	json_next(&it);
	while (json_next(&it)) {
		json_key_slice(&w, json_escaped_text(it.key));
		json_put_raw(&w, json_raw(it.value));
	}
	json_end_object(&w);
}

static int sample_compile(struct slice text, struct fault *fault)
{
	struct endpoint_identity who = { .owner = SLICE_LIT("preset"),
					 .id = SLICE_LIT("preset"),
					 .organization_id = SLICE_LIT("") };
	struct endpoint *ep = NULL;
	struct json_doc doc;
	int err;

	json_doc_init(&doc);
	err = json_parse(&doc, text, &json_limits_default, fault);
	if (!err)
		err = endpoint_compile(json_root(&doc), &who, &ep, fault);
	if (ep)
		endpoint_unref(&ep);
	json_doc_free(&doc);
	return err;
}

int preset_check(struct slice text, struct fault *fault)
{
	struct json_doc doc;
	struct buf sample;
	int err;

	json_doc_init(&doc);
	buf_init(&sample, text.n + 1024);
	err = json_parse(&doc, text, &json_limits_default, fault);
	if (!err)
		err = about_check(json_root(&doc), fault);
	if (!err) {
		preset_sample(json_root(&doc), &sample);
		err = sample_compile(buf_slice(&sample), fault);
	}
	buf_free(&sample);
	json_doc_free(&doc);
	return err;
}

int preset_check_all(struct fault *fault)
{
	for (const struct preset_file *file = preset_files; file->name; file++) {
		int err = preset_check(slice_of(file->text, file->size), fault);

		if (err) {
			fault_within(fault, "%s", file->name);
			return err;
		}
	}
	return 0;
}
