/*
 * Parameters of the REST calls. They come as JSON from a body or as strings from a query, and the same reader serves
 * both: a number may be written "20", a truth "1". What is wrong is said in the words of the API's errors: the
 * parameter's name, the reason, then what to send instead.
 */
#include "hub/rest.h"

#include "base/text.h"
#include "hub/record_parts.h"

#define TEXT_MAX (16u << 20)

static struct json param_of(const struct rest *r, const char *name)
{
	return json_get(r->params, name);
}

bool rest_text(struct rest *r, const char *name, struct slice *ret, int *ret_err)
{
	struct json v = param_of(r, name);
	enum json_type type = json_type(v);

	*ret_err = 0;
	if (json_is_nil(v))
		return false;
	if (type == JSON_OBJECT || type == JSON_ARRAY) {
		*ret_err =
			fault_param(r->deed.fault, name, "this is %s; send a text or a number", json_type_name(type));
		return false;
	}
	*ret = record_decode(r->deed.arena, json_raw(v));
	return true;
}

int rest_need(struct rest *r, const char *name, struct slice *ret)
{
	struct slice text = SLICE_LIT("");
	int err;

	rest_text(r, name, &text, &err);
	if (err)
		return err;
	if (text.n == 0)
		return fault_param(r->deed.fault, name, "%s is missing; send it", name);
	*ret = text;
	return 0;
}

int rest_bool(struct rest *r, const char *name, bool *ret)
{
	struct slice text;
	int err;

	if (!rest_text(r, name, &text, &err))
		return err;
	if (slice_is(text, "true") || slice_is(text, "1"))
		*ret = true;
	else if (slice_is(text, "false") || slice_is(text, "0"))
		*ret = false;
	else
		return fault_param(r->deed.fault, name,
				   "\"%.*s\" is neither true nor false; send one of them, or 1 or 0",
				   SLICE_HEAD(text, 60));
	return 0;
}

int rest_i64(struct rest *r, const char *name, int64_t least, int64_t most, int64_t *ret)
{
	struct slice text;
	long long v;
	int err;

	if (!rest_text(r, name, &text, &err))
		return err;
	if (!slice_to_i64(text, &v) || v < least || v > most)
		return fault_param(r->deed.fault, name, "\"%.*s\" will not do; send a whole number from %lld to %lld",
				   SLICE_HEAD(text, 60), (long long)least, (long long)most);
	*ret = v;
	return 0;
}

int rest_reveal(struct rest *r, bool *ret)
{
	bool asked = false;
	int err = rest_bool(r, "reveal", &asked);

	if (!err && asked && !r->admin) {
		r->status = 403;
		return fault_set(r->deed.fault, "forbidden", "reveal", "only the admin key sees secrets");
	}
	*ret = asked;
	return err;
}

int rest_own_id(struct rest *r)
{
	if (id_valid(r->id, HUB_ID_BYTES - 1))
		return 0;
	return fault_param(r->deed.fault, "id",
			   "an id has 1 to %d characters of A-Z a-z 0-9 _ . - and is neither . nor ..",
			   HUB_ID_BYTES - 1);
}

static int refuse_unknown(struct rest *r, struct slice name, const char *const *names)
{
	struct slice shown = slice_of(name.p, name.n < 100 ? name.n : 100);
	struct buf known;
	int err;

	buf_init(&known, 400);
	for (size_t i = 0; names[i]; i++)
		buf_addf(&known, "%s%s", i > 0 ? ", " : "", names[i]);
	err = fault_param(r->deed.fault, arena_str(r->deed.arena, shown),
			  "there is no parameter of this name; known: %s",
			  buf_failed(&known) ? "see docs/rest.md"
			  : known.n > 0	     ? buf_str(&known)
					     : "none");
	buf_free(&known);
	return err;
}

int rest_only(struct rest *r, const char *const *names)
{
	struct json_iter it = json_each(r->params);
	struct buf scratch;
	int err = 0;

	buf_init(&scratch, TEXT_MAX);
	while (!err && json_next(&it)) {
		struct slice name = json_text_slice(it.key, &scratch);

		if (!slice_among(name, names))
			err = refuse_unknown(r, name, names);
	}
	buf_free(&scratch);
	return err;
}

int rest_none(struct rest *r, enum kind kind, struct slice id)
{
	fault_set(r->deed.fault, "not_found", "",
		  "there is no %s \"%.*s\" in this project; look at the list for its id", kind_table[kind].word,
		  SLICE_HEAD(id, 80));
	return ERR_NOT_FOUND;
}

int rest_load(struct rest *r, enum kind kind, struct slice id, struct record **ret)
{
	struct record *found = record_load(&r->deed, kind, id);

	if (!found)
		return rest_none(r, kind, id);
	*ret = found;
	return 0;
}

int rest_not_implemented(struct rest *r)
{
	r->status = 501;
	return fault_set(
		r->deed.fault, "not_implemented", "",
		"postrider does not do this: scheduled messages, data tables, tasks, airtime and Cloud Script are "
		"not part of it; docs/telerivet.md lists what is");
}
