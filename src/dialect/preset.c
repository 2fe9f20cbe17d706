/*
 * Presets are data: the files of presets/ as scripts/embed.py put them into the binary. To the
 * rest of the program a preset is the JSON text of some endpoint settings, laid under the
 * endpoint's own (endpoint_layer.c). Because nothing but a test and the start looks at a preset
 * before a customer names it, preset_check holds each to the same checks as a customer's settings.
 */
#include "dialect/preset.h"

#include <stdio.h>

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

/* --- where it is wrong --- */

/* How many bytes of path name this key; 0: none. A key may hold dots itself. */
static size_t named(struct slice path, struct json key)
{
	struct slice text = json_escaped_text(key);

	if (text.n == 0 || !slice_starts(path, text))
		return 0;
	return text.n == path.n || path.p[text.n] == '.' || path.p[text.n] == '[' ? text.n : 0;
}

/* The member or element of v that path begins with; *rest is what follows its name. */
static struct json step(struct json v, struct slice path, struct slice *rest, const char **place)
{
	struct json_iter it = json_each(v);
	struct json found = { 0 };
	size_t longest = 0;

	while (json_next(&it)) {
		char index[24];
		size_t n;

		snprintf(index, sizeof(index), "[%u]", it.index);
		n = it.object ? named(path, it.key) : slice_starts(path, slice_str(index)) ? strlen(index) : 0;
		if (n <= longest)
			continue;
		longest = n;
		found = it.value;
		*place = json_raw(it.object ? it.key : it.value).p;
	}
	*rest = slice_from(path, longest + (longest < path.n && path.p[longest] == '.'));
	return found;
}

/*
 * The byte of the file at which what a fault's param names
 * begins: the nearest that there is of it, else the file's first.
 */
static size_t place_of(struct json file, struct slice path)
{
	const char *start = json_raw(file).p, *place = start;

	while (path.n > 0 && json_type(file) != JSON_NONE)
		file = step(file, path, &path, &place);
	return (size_t)(place - start);
}

static size_t line_of(struct slice text, size_t place)
{
	size_t line = 1;

	for (size_t i = 0; i < place && i < text.n; i++)
		line += text.p[i] == '\n';
	return line;
}

/* Puts file and line before what the fault says; json NULL: the text is none, and position is in it. */
static void say_where(const char *name, struct slice text, const struct json *file, struct fault *fault)
{
	char where[sizeof(fault->param)], param[sizeof(fault->param)];
	size_t place = file ? (size_t)(json_raw(*file).p - text.p) + place_of(*file, slice_str(fault->param))
			    : (size_t)fault->position;

	slice_copy(param, sizeof(param), slice_str(fault->param));
	snprintf(where, sizeof(where), "presets/%.60s.json:%zu%s%.100s", name, line_of(text, place),
		 param[0] ? ": " : "", param);
	slice_copy(fault->param, sizeof(fault->param), slice_str(where));
	fault->position = -1;
}

/* --- checks --- */

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

int preset_check(const char *name, struct slice text, struct fault *fault)
{
	struct json_doc doc;
	struct json file;
	struct buf sample;
	int err;

	json_doc_init(&doc);
	buf_init(&sample, text.n + 1024);
	err = json_parse(&doc, text, &json_limits_default, fault);
	if (err) {
		say_where(name, text, NULL, fault);
		goto out;
	}
	file = json_root(&doc);
	err = about_check(file, fault);
	if (!err) {
		preset_sample(file, &sample);
		err = sample_compile(buf_slice(&sample), fault);
	}
	if (err)
		say_where(name, text, &file, fault);
out:
	buf_free(&sample);
	json_doc_free(&doc);
	return err;
}

int preset_check_all(struct fault *fault)
{
	int err = 0;

	for (const struct preset_file *file = preset_files; file->name && !err; file++)
		err = preset_check(file->name, slice_of(file->text, file->size), fault);
	return err;
}
