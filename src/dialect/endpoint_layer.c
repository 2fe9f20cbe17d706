/*
 * The layers of an endpoint's settings: the customer's own JSON over the preset's over the fallbacks of the table. All
 * of it is done on JSON text, before anything is compiled: what counts is then read once, shown as it is, and numbers
 * keep the text they came in. Nothing of it is kept in memory; an endpoint keeps its own settings only, and whoever
 * wants to see the rest has it worked out again.
 *
 * Two meanings of null: in settings (PUT, a stored revision) a null overrides the preset with the fallback; in a patch
 * it removes the member from the settings, so that the preset counts again.
 */
#include "dialect/endpoint_field.h"
#include "dialect/nearest.h"
#include "dialect/preset.h"

#define KEY_MAX (64 * 1024)

static const struct json absent; /* of type JSON_NONE */

/*
 * A value without the blanks and line breaks of the text it comes
 * from. As deep as the reader allows, so at most JSON_DEPTH_MAX.
 */
static void put_value(struct json_writer *w, struct json v)
{
	struct json_iter it = json_each(v);
	bool object = json_type(v) == JSON_OBJECT;

	if (!object && json_type(v) != JSON_ARRAY) {
		json_put_raw(w, json_raw(v));
		return;
	}
	if (object)
		json_begin_object(w);
	else
		json_begin_array(w);
	while (json_next(&it)) {
		if (object)
			json_key_same(w, it.key);
		put_value(w, it.value);
	}
	if (object)
		json_end_object(w);
	else
		json_end_array(w);
}

/* --- what is in force --- */

/* The value of a row in one layer. A group that is null says null for all its members. */
static struct json row_value(struct json layer, const struct field *f)
{
	struct slice group = field_group(f);
	struct json holder = group.n ? json_get_slice(layer, group) : layer;

	if (group.n && json_type(holder) == JSON_NULL)
		return holder;
	return json_get_slice(holder, field_name(f));
}

static bool same_text(struct json a, struct json b)
{
	return slice_eq(json_escaped_text(a), json_escaped_text(b));
}

/* Parameters go with any method: in the body with POST, in the URL with GET. */
static bool fits_a_url(const struct field *f, struct json v)
{
	return slice_is(slice_str(f->path), "content_type") && (json_is(v, "form") || json_is(v, "query"));
}

/* Does the preset have a say in this row? */
static bool preset_counts(const struct field *f, struct json own, struct json preset)
{
	struct json own_method = json_get(own, "method"), own_content = json_get(own, "content_type");
	struct json method = json_type(own_method) == JSON_NONE ? json_get(preset, "method") : own_method;

	if ((f->flags & FIELD_PRESET_POST) && json_is(method, "GET") && !fits_a_url(f, row_value(preset, f)))
		return false;
	if (f->flags & FIELD_PRESET_BODY)
		return json_type(own_content) == JSON_NONE || same_text(own_content, json_get(preset, "content_type"));
	return true;
}

static void lay_over(struct json under, struct json over, int depth, bool nulls_stay, struct json_writer *w);

static void lay_member(struct json key, struct json under, struct json over, int depth, bool nulls_stay,
		       struct json_writer *w)
{
	if (json_type(over) == JSON_NULL && !nulls_stay)
		return;
	json_key_same(w, key);
	if (depth > 1 && json_type(over) == JSON_OBJECT)
		lay_over(under, over, depth - 1, nulls_stay, w);
	else
		put_value(w, json_type(over) == JSON_NONE ? under : over);
}

/*
 * over laid over under, both objects or absent. depth: how many levels of objects are laid over each other; below, the
 * upper one counts alone. null removes, unless nulls_stay.
 */
static void lay_over(struct json under, struct json over, int depth, bool nulls_stay, struct json_writer *w)
{
	struct json_iter it = json_each(under);

	json_begin_object(w);
	while (json_next(&it)) /* what is changed keeps its place: the order of `fields` is the order on the wire */
		lay_member(it.key, it.value, json_get_same(over, it.key), depth, nulls_stay, w);
	for (it = json_each(over); json_next(&it);)
		if (json_type(json_get_same(under, it.key)) == JSON_NONE)
			lay_member(it.key, absent, it.value, depth, nulls_stay, w);
	json_end_object(w);
}

static struct json object_or_absent(struct json v)
{
	return json_type(v) == JSON_OBJECT ? v : absent;
}

static void write_row(const struct field *f, struct json own, struct json preset, enum layer_show show,
		      struct json_writer *w)
{
	struct json under = preset_counts(f, own, preset) ? row_value(preset, f) : absent;
	struct json over = row_value(own, f);
	struct json v = json_type(over) == JSON_NONE ? under : over;

	json_key_slice(w, field_name(f));
	if (json_is_nil(v))
		json_put_raw(w, slice_str(f->fallback));
	else if ((f->flags & FIELD_SECRET) && show == SHOW_MASKED)
		json_put_str(w, SECRET_MASK);
	else if ((f->flags & FIELD_LAYERED) && json_type(v) == JSON_OBJECT)
		lay_over(object_or_absent(under), object_or_absent(over), 1, false, w);
	else if ((f->flags & FIELD_LAYERED_NULLS) && json_type(v) == JSON_OBJECT)
		lay_over(object_or_absent(under), object_or_absent(over), 2, true, w);
	else
		put_value(w, v);
}

void layer_write(struct json own, struct json preset, enum layer_show show, struct json_writer *w)
{
	struct slice group = slice_of("", 0);

	for (const struct field *f = endpoint_fields; f->path; f++) {
		if (((f->flags & FIELD_HIDDEN) && show == SHOW_MASKED) ||
		    ((f->flags & FIELD_INTERNAL) && show != SHOW_ALL))
			continue;
		if (!slice_eq(group, field_group(f))) {
			if (group.n)
				json_end_object(w);
			group = field_group(f);
			if (group.n) {
				json_key_slice(w, group);
				json_begin_object(w);
			}
		}
		write_row(f, own, preset, show, w);
	}
	if (group.n)
		json_end_object(w);
}

/* A name that is far from all of them was not misspelt: then the author wants to know what there is. */
static int unknown_preset(struct slice name, struct fault *fault)
{
	struct nearest nearest;
	struct buf all;
	int err;

	buf_init(&all, KEY_MAX);
	nearest_begin(&nearest, name);
	for (size_t i = 0; preset_name(i); i++) {
		nearest_offer(&nearest, slice_str(preset_name(i)));
		buf_addf(&all, "%s%s", i ? ", " : "", preset_name(i));
	}
	name.n = name.n < 64 ? name.n : 64;
	if (nearest.distance <= name.n / 2)
		err = fault_param(fault, "preset", "there is no preset \"%.*s\"; did you mean \"%.*s\"?",
				  SLICE_ARG(name), SLICE_ARG(nearest.best));
	else
		err = fault_param(fault, "preset", "there is no preset \"%.*s\"; there are %s", SLICE_ARG(name),
				  buf_str(&all));
	buf_free(&all);
	return err;
}

int layer_preset(struct json settings, struct slice *ret, struct fault *fault)
{
	struct json name = json_get(settings, "preset");
	struct buf scratch;
	int err = 0;

	*ret = slice_of("", 0);
	if (json_is_nil(name))
		return 0;
	if (json_type(name) != JSON_STRING)
		return fault_param(fault, "preset", "must be the name of a preset, or null, not %s",
				   json_type_name(json_type(name)));
	buf_init(&scratch, KEY_MAX);
	if (!preset_find(json_text_slice(name, &scratch), ret))
		err = unknown_preset(json_text_slice(name, &scratch), fault);
	buf_free(&scratch);
	return err;
}

void endpoint_write(const struct endpoint *ep, struct json_writer *w, bool reveal)
{
	struct json_doc own, preset;
	struct slice preset_text = slice_of("", 0);

	json_doc_init(&own);
	json_doc_init(&preset);
	/* Both were parsed when the endpoint was compiled. */
	if (json_parse(&own, ep->source, &json_limits_default, NULL) == 0 &&
	    layer_preset(json_root(&own), &preset_text, NULL) == 0 &&
	    (preset_text.n == 0 || json_parse(&preset, preset_text, &json_limits_default, NULL) == 0))
		layer_write(json_root(&own), json_root(&preset), reveal ? SHOW_REVEALED : SHOW_MASKED, w);
	json_doc_free(&preset);
	json_doc_free(&own);
}

/* --- what is stored next --- */

struct merging {
	struct json_writer w;
	bool patch; /* old members stay, null removes; otherwise only masked secrets are taken from the old settings */
};

static bool is_masked_secret(struct slice group, struct json key, struct json v)
{
	struct buf scratch;
	const struct field *f;

	if (!json_is(v, SECRET_MASK))
		return false;
	buf_init(&scratch, KEY_MAX);
	f = field_find(group, json_text_slice(key, &scratch));
	buf_free(&scratch);
	return f && (f->flags & FIELD_SECRET);
}

/* How deep a patch goes into this member: 0 replaces it. */
static int merge_depth(struct json key)
{
	struct buf scratch;
	struct slice name;
	const struct field *f;
	int depth = 0;

	buf_init(&scratch, KEY_MAX);
	name = json_text_slice(key, &scratch);
	f = field_find(slice_of("", 0), name);
	if (f && (f->flags & FIELD_LAYERED))
		depth = 1;
	else if (f && (f->flags & FIELD_LAYERED_NULLS))
		depth = 2;
	buf_free(&scratch);
	return depth;
}

static void merge_members(struct merging *m, struct slice group, struct json old, struct json new);

static void merge_value(struct merging *m, struct slice group, struct json key, struct json old, struct json new)
{
	struct buf scratch;
	struct slice name;
	int depth = group.n || !m->patch ? 0 : merge_depth(key);

	buf_init(&scratch, KEY_MAX);
	name = json_text_slice(key, &scratch);
	json_key_slice(&m->w, name);
	if (json_type(new) != JSON_OBJECT)
		put_value(&m->w, new);
	else if (!group.n && field_is_group(name))
		merge_members(m, name, object_or_absent(old), new);
	else if (depth > 0)
		lay_over(object_or_absent(old), new, depth, depth > 1, &m->w);
	else
		put_value(&m->w, new);
	buf_free(&scratch);
}

static void merge_members(struct merging *m, struct slice group, struct json old, struct json new)
{
	struct json_iter it = json_each(m->patch ? old : absent);

	json_begin_object(&m->w);
	while (json_next(&it)) {
		if (json_type(json_get_same(new, it.key)) != JSON_NONE)
			continue;
		json_key_same(&m->w, it.key);
		put_value(&m->w, it.value);
	}
	for (it = json_each(new); json_next(&it);) {
		struct json before = json_get_same(old, it.key), v = it.value;

		/*
		 * A patch passes over a mask with nothing behind it; as the
		 * whole of the settings it is no secret, and refused later.
		 */
		if (is_masked_secret(group, it.key, v) && (m->patch || !json_is_nil(before)))
			v = before;
		if (json_type(v) == JSON_NONE || (json_type(v) == JSON_NULL && m->patch))
			continue;
		merge_value(m, group, it.key, before, v);
	}
	if (!m->patch && !group.n && json_is(json_get(new, "secret"), SECRET_MASK) &&
	    json_type(json_get(new, "previous_secret")) == JSON_NONE &&
	    !json_is_nil(json_get(old, "previous_secret"))) {
		json_key(&m->w, "previous_secret");
		put_value(&m->w, json_get(old, "previous_secret"));
	}
	json_end_object(&m->w);
}

static void merge(struct json old, struct json new, bool patch, struct buf *out)
{
	struct merging m = { .patch = patch };

	if (json_type(new) != JSON_OBJECT) {
		buf_add_slice(out, json_raw(new)); /* refused when it is compiled */
		return;
	}
	json_writer_init(&m.w, out);
	merge_members(&m, slice_of("", 0), object_or_absent(old), new);
}

void endpoint_merge(struct json old, struct json patch, struct buf *out)
{
	merge(old, patch, true, out);
}

void endpoint_keep_secrets(struct json old, struct json settings, struct buf *out)
{
	merge(old, settings, false, out);
}
