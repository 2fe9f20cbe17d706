/*
 * Status maps. A map is a handful of kinds of message, each with some twenty words, asked
 * once for every status event and endpoint: two short linear scans that compare lengths
 * first beat anything cleverer at this size, and keep the map in one piece of memory.
 *
 * The settings form has two shapes, flat and by kind. Mixing them is refused, so that a word laid over a preset's map
 * by kind can never silently become a kind of its own.
 */
#include "dialect/status.h"

#include "base/mem.h"

#define KINDS_MAX  16
#define WORDS_MAX  64 /* of one kind */
#define WORD_MAX   64
#define OUTPUT_MAX 128
#define NOWHERE	   UINT32_MAX

/* A word of the map's text. Offsets instead of pointers: a map is in memory once for every endpoint. */
struct span {
	uint32_t at; /* NOWHERE: none */
	uint32_t n;
};

struct word {
	struct span canonical, output; /* output nowhere: no event is sent */
};

struct kind {
	struct span name;	       /* of the message: "sms"; "*" for the others */
	uint16_t first, count;	       /* its words */
	uint16_t otherwise, simulated; /* indexes of "*" and "simulated" plus one; 0 when the map says nothing */
};

struct status_map {
	struct kind *kinds;
	struct word *words;
	char *text;
	uint16_t kind_count;
};

/* A map that grows; pack() makes it one block of the right size. */
struct builder {
	struct kind kinds[KINDS_MAX];
	struct word words[KINDS_MAX * WORDS_MAX];
	struct buf text;
	uint16_t kind_count, word_count;
};

static bool is_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static struct span add_text(struct builder *b, struct json v)
{
	uint32_t at = (uint32_t)b->text.n;

	json_text(v, &b->text);
	return (struct span){ at, (uint32_t)b->text.n - at };
}

static struct slice span_text(const char *text, struct span span)
{
	return slice_of(text + span.at, span.n);
}

static bool name_ok(struct slice s)
{
	return s.n > 0 && s.n <= WORD_MAX && is_plain(s);
}

static int refuse_word(struct slice canonical, struct fault *fault, const char *sentence)
{
	fault_param(fault, "", "%s", sentence);
	fault_within(fault, "%.*s", SLICE_ARG(canonical));
	return ERR_INVALID;
}

static int word_compile(struct builder *b, struct json key, struct json v, struct word *ret, struct fault *fault)
{
	struct slice canonical, output;

	ret->canonical = add_text(b, key);
	ret->output = (struct span){ NOWHERE, 0 };
	canonical = span_text(buf_str(&b->text), ret->canonical);
	if (!name_ok(canonical))
		return fault_param(fault, "",
				   "holds a status word that is empty, longer than %d bytes or has control characters; "
				   "use a word of the event model, \"*\" or \"simulated\"",
				   WORD_MAX);
	if (json_is_nil(v))
		return 0;
	if (json_type(v) != JSON_STRING)
		return refuse_word(canonical, fault, "must be a string, or null for no event");
	ret->output = add_text(b, v);
	canonical = span_text(buf_str(&b->text), ret->canonical); /* the text may have moved */
	output = span_text(buf_str(&b->text), ret->output);
	if (output.n > OUTPUT_MAX || !is_plain(output))
		return refuse_word(canonical, fault, "must be a word of at most 128 bytes without control characters");
	return 0;
}

static size_t members(struct json v)
{
	size_t count = 0;

	for (struct json_iter it = json_each(v); json_next(&it);)
		count++;
	return count;
}

static int kind_compile(struct builder *b, struct json v, struct kind *ret, struct fault *fault)
{
	struct json_iter it = json_each(v);

	ret->first = b->word_count;
	for (; json_next(&it); ret->count++) {
		int err;

		if (ret->count == WORDS_MAX)
			return fault_param(fault, "", "holds more than %d words", WORDS_MAX);
		err = word_compile(b, it.key, it.value, &b->words[b->word_count++], fault);
		if (err)
			return err;
		if (json_is(it.key, "*"))
			ret->otherwise = b->word_count;
		else if (json_is(it.key, "simulated"))
			ret->simulated = b->word_count;
	}
	return 0;
}

static int kinds_compile(struct builder *b, struct json v, struct fault *fault)
{
	struct json_iter it = json_each(v);

	while (json_next(&it)) {
		struct kind *kind = &b->kinds[b->kind_count];
		int err;

		if (b->kind_count++ == KINDS_MAX)
			return fault_param(fault, "", "names more than %d kinds of message", KINDS_MAX);
		kind->name = add_text(b, it.key);
		if (!name_ok(span_text(buf_str(&b->text), kind->name)))
			return fault_param(fault, "",
					   "holds a kind of message that is empty, too long or has control characters; "
					   "use sms, mms, ussd, call, chat or \"*\"");
		err = kind_compile(b, it.value, kind, fault);
		if (err) {
			fault_within(fault, "%.*s", SLICE_ARG(span_text(buf_str(&b->text), kind->name)));
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

static int map_compile(struct builder *b, struct json v, struct fault *fault)
{
	bool by_kind = false;
	int err = shape_of(v, &by_kind, fault);

	if (err)
		return err;
	if (by_kind)
		return kinds_compile(b, v, fault);
	b->kind_count = 1;
	b->kinds[0].name = (struct span){ 0, 1 };
	buf_add_char(&b->text, '*');
	return kind_compile(b, v, &b->kinds[0], fault);
}

static struct status_map *pack(const struct builder *b)
{
	size_t kinds = b->kind_count * sizeof(struct kind), words = b->word_count * sizeof(struct word);
	struct status_map *m = mem_alloc(sizeof(*m) + kinds + words + b->text.n);

	m->kind_count = b->kind_count;
	m->kinds = (struct kind *)(m + 1);
	m->words = (struct word *)(m->kinds + b->kind_count);
	m->text = (char *)(m->words + b->word_count);
	memcpy(m->kinds, b->kinds, kinds);
	memcpy(m->words, b->words, words);
	memcpy(m->text, buf_str(&b->text), b->text.n);
	return m;
}

int status_map_compile(struct json v, struct status_map **ret, struct fault *fault)
{
	struct builder *b;
	int err;

	if (json_type(v) != JSON_OBJECT)
		return fault_param(fault, "", "must be an object from status words to the dialect's words, not %s",
				   json_type_name(json_type(v)));
	b = mem_zalloc(sizeof(*b));
	buf_init(&b->text, json_raw(v).n + 1);
	err = map_compile(b, v, fault);
	if (!err)
		*ret = pack(b);
	buf_free(&b->text);
	mem_free(b);
	return err;
}

void status_map_free(struct status_map **m)
{
	mem_free(*m);
	*m = NULL;
}

static const struct kind *kind_find(const struct status_map *m, struct slice name)
{
	for (size_t i = 0; i < m->kind_count; i++)
		if (slice_eq(span_text(m->text, m->kinds[i].name), name))
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

static const struct word *word_for(const struct status_map *m, const struct kind *kind, struct slice status,
				   bool simulated)
{
	const struct word *words = m->words + kind->first;

	if (simulated && kind->simulated)
		return &m->words[kind->simulated - 1];
	for (size_t i = 0; i < kind->count; i++)
		if (slice_eq(span_text(m->text, words[i].canonical), status))
			return &words[i];
	return kind->otherwise ? &m->words[kind->otherwise - 1] : NULL;
}

bool status_map_find(const struct status_map *m, struct slice message_type, struct slice status, bool simulated,
		     struct slice *ret)
{
	const struct kind *kind = m ? kind_for(m, message_type) : NULL;
	const struct word *word = kind ? word_for(m, kind, status, simulated) : NULL;

	if (word && word->output.at == NOWHERE)
		return false;
	*ret = word ? span_text(m->text, word->output) : status;
	return true;
}

bool status_map_word(const struct status_map *m, struct slice message_type, struct slice status, bool simulated,
		     struct buf *out)
{
	struct slice word;

	if (!status_map_find(m, message_type, status, simulated, &word))
		return false;
	buf_add_slice(out, word);
	return true;
}
