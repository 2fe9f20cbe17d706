/*
 * Status maps. A map is a handful of kinds of message, each with some twenty words, asked once for every status event and endpoint: two
 * short linear scans that compare lengths first beat anything cleverer at this size, and keep the map in one piece of memory.
 *
 * The settings form has two shapes, flat and by kind. Mixing them is refused, so that a word laid over a preset's map by kind can never
 * silently become a kind of its own.
 */
#include "dialect/status.h"

#include "base/arena.h"
#include "base/mem.h"

#define KINDS_MAX  16
#define WORDS_MAX  64
#define WORD_MAX   64
#define OUTPUT_MAX 128

struct word {
	struct slice canonical, output; /* output.p NULL: no event is sent */
};

struct kind {
	struct slice name; /* of the message: "sms"; "*" for the others */
	struct word *words;
	size_t count;
	const struct word *otherwise, *simulated; /* NULL when the map says nothing */
};

struct status_map {
	struct arena arena;
	struct kind kinds[KINDS_MAX];
	size_t count;
};

static bool is_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static struct slice arena_text(struct arena *a, struct json v)
{
	struct buf text;
	struct slice copy;

	buf_init(&text, 4096);
	json_text(v, &text);
	copy = arena_slice(a, buf_slice(&text));
	buf_free(&text);
	return copy;
}

static bool name_ok(struct slice s)
{
	return s.n > 0 && s.n <= WORD_MAX && is_plain(s);
}

static int word_compile(struct arena *a, struct json key, struct json v, struct word *ret, struct fault *fault)
{
	ret->canonical = arena_text(a, key);
	if (!name_ok(ret->canonical))
		return fault_param(fault, "",
				   "holds a status word that is empty, longer than %d bytes or has control characters; "
				   "use a word of the event model, \"*\" or \"simulated\"",
				   WORD_MAX);
	ret->output = (struct slice){ NULL, 0 };
	if (json_is_nil(v))
		return 0;
	if (json_type(v) != JSON_STRING)
		return fault_param(fault, ret->canonical.p, "must be a string, or null for no event, not %s",
				   json_type_name(json_type(v)));
	ret->output = arena_text(a, v);
	if (ret->output.n > OUTPUT_MAX || !is_plain(ret->output))
		return fault_param(fault, ret->canonical.p,
				   "must be a word of at most %d bytes without control characters", OUTPUT_MAX);
	return 0;
}

static size_t members(struct json v)
{
	size_t count = 0;

	for (struct json_iter it = json_each(v); json_next(&it);)
		count++;
	return count;
}

static int kind_compile(struct arena *a, struct json v, struct kind *ret, struct fault *fault)
{
	size_t count = members(v);
	struct json_iter it = json_each(v);

	if (count > WORDS_MAX)
		return fault_param(fault, "", "holds %zu words; at most %d are allowed", count, WORDS_MAX);
	ret->words = arena_zalloc(a, count * sizeof(*ret->words) + 1);
	for (; json_next(&it); ret->count++) {
		struct word *word = &ret->words[ret->count];
		int err = word_compile(a, it.key, it.value, word, fault);

		if (err)
			return err;
		if (slice_is(word->canonical, "*"))
			ret->otherwise = word;
		else if (slice_is(word->canonical, "simulated"))
			ret->simulated = word;
	}
	return 0;
}

static int kinds_compile(struct status_map *m, struct json v, struct fault *fault)
{
	struct json_iter it = json_each(v);

	if (members(v) > KINDS_MAX)
		return fault_param(fault, "", "names more than %d kinds of message", KINDS_MAX);
	for (; json_next(&it); m->count++) {
		struct kind *kind = &m->kinds[m->count];
		int err;

		kind->name = arena_text(&m->arena, it.key);
		if (!name_ok(kind->name))
			return fault_param(
				fault, "",
				"holds a kind of message that is empty, too long or has control characters; use sms, "
				"mms, ussd, call, chat or \"*\"");
		err = kind_compile(&m->arena, it.value, kind, fault);
		if (err) {
			fault_within(fault, "%s", kind->name.p);
			return err;
		}
	}
	return 0;
}

/* The shape: by kind when every member is an object, flat when none is. */
static int shape_of(struct json v, bool *ret_by_kind, struct fault *fault)
{
	size_t objects = 0, count = members(v);

	for (struct json_iter it = json_each(v); json_next(&it);)
		objects += json_type(it.value) == JSON_OBJECT;
	if (objects != 0 && objects != count)
		return fault_param(fault, "",
				   "mixes words and kinds of message; put each word under its kind, as in {\"sms\": "
				   "{\"delivered\": \"OK\"}}");
	*ret_by_kind = objects > 0;
	return 0;
}

static int map_compile(struct status_map *m, struct json v, struct fault *fault)
{
	bool by_kind = false;
	int err = shape_of(v, &by_kind, fault);

	if (err)
		return err;
	if (by_kind)
		return kinds_compile(m, v, fault);
	m->count = 1;
	m->kinds[0].name = SLICE_LIT("*");
	return kind_compile(&m->arena, v, &m->kinds[0], fault);
}

int status_map_compile(struct json v, struct status_map **ret, struct fault *fault)
{
	struct status_map *m;
	int err;

	if (json_type(v) != JSON_OBJECT)
		return fault_param(fault, "", "must be an object from status words to the dialect's words, not %s",
				   json_type_name(json_type(v)));
	m = mem_zalloc(sizeof(*m));
	arena_init(&m->arena);
	err = map_compile(m, v, fault);
	if (err)
		status_map_free(&m);
	else
		*ret = m;
	return err;
}

void status_map_free(struct status_map **m)
{
	if (!*m)
		return;
	arena_free(&(*m)->arena);
	mem_free(*m);
	*m = NULL;
}

static const struct kind *kind_find(const struct status_map *m, struct slice name)
{
	for (size_t i = 0; i < m->count; i++)
		if (slice_eq(m->kinds[i].name, name))
			return &m->kinds[i];
	return NULL;
}

static const struct kind *kind_for(const struct status_map *m, struct slice message_type)
{
	const struct kind *kind = kind_find(m, message_type);

	if (!kind)
		kind = kind_find(m, SLICE_LIT("*"));
	return kind ? kind : kind_find(m, SLICE_LIT("sms"));
}

static const struct word *word_for(const struct kind *kind, struct slice status)
{
	for (size_t i = 0; i < kind->count; i++)
		if (slice_eq(kind->words[i].canonical, status))
			return &kind->words[i];
	return kind->otherwise;
}

bool status_map_word(const struct status_map *m, struct slice message_type, struct slice status, bool simulated,
		     struct buf *out)
{
	const struct kind *kind = m ? kind_for(m, message_type) : NULL;
	const struct word *word = NULL;

	if (kind)
		word = simulated && kind->simulated ? kind->simulated : word_for(kind, status);
	if (!word) {
		buf_add_slice(out, status);
		return true;
	}
	if (!word->output.p)
		return false;
	buf_add_slice(out, word->output);
	return true;
}
