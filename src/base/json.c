/*
 * The strict JSON reader. One pass over the text fills the flat node array; the containers that are open at the moment
 * are linked through their own nodes (`next` holds the parent, `len` the number of keys so far), so depth costs no
 * stack and nothing recurses. When a container closes, both get their final meaning.
 *
 * Hot path: a string without escapes is one table lookup a byte, and a value is one node written, no allocation. An
 * event is read in about a microsecond; measure before adding anything here (bench/).
 *
 * Duplicate keys are looked for when an object closes, on the decoded keys: "a" and "\u0061" are the same key to every
 * receiver. Small objects compare keys in place, large ones go through a hash table (json_keys.c).
 */
#include "base/json.h"

#include <assert.h>

#include "base/json_parts.h"
#include "base/mem.h"
#include "base/text.h"

#define NO_PARENT   UINT32_MAX
#define NODES_FIRST 64

const struct json_limits json_limits_default = { .depth = JSON_DEPTH_MAX, .nodes = 1000000, .trailing_commas = false };

/* What may stand next. */
enum want { WANT_VALUE, WANT_VALUE_OR_END, WANT_KEY, WANT_KEY_OR_END, WANT_COMMA_OR_END, WANT_NOTHING };

struct reader {
	const char *start, *p, *end;
	struct json_doc *doc;
	const struct json_limits *limits;
	struct fault *fault;
	uint32_t open; /* the innermost open container, or NO_PARENT */
	uint32_t depth;
	enum want want;
};

void json_doc_init(struct json_doc *doc)
{
	*doc = (struct json_doc){ 0 };
}

void json_doc_free(struct json_doc *doc)
{
	if (doc->cap > 0)
		mem_free(doc->nodes);
	json_doc_init(doc);
}

/* Always false, so that the readers below can end with it. */
static bool fail(struct reader *r, const char *at, const char *message)
{
	fault_param(r->fault, "", "%s", message);
	if (r->fault)
		r->fault->position = at - r->start;
	return false;
}

static bool grow(struct reader *r)
{
	struct json_doc *doc = r->doc;
	uint64_t cap = doc->cap ? (uint64_t)doc->cap * 2 : NODES_FIRST;

	if (doc->count >= r->limits->nodes)
		return fail(r, r->p, "too many values in one JSON text; split it into smaller ones");
	if (cap > r->limits->nodes)
		cap = r->limits->nodes;
	if (cap > doc->cap) {
		doc->nodes = mem_realloc(doc->nodes, cap * sizeof(*doc->nodes));
		doc->cap = (uint32_t)cap;
	}
	return true;
}

/* A finished value of the text [from, to); containers are changed when they close. */
static inline bool add_node(struct reader *r, enum json_type type, const char *from, const char *to, bool escaped)
{
	struct json_doc *doc = r->doc;

	if ((doc->count >= doc->cap || doc->count >= r->limits->nodes) && !grow(r))
		return false;
	doc->nodes[doc->count] = (struct json_node){
		.start = (uint32_t)(from - r->start),
		.len = (uint32_t)(to - from),
		.next = doc->count + 1,
		.type = (uint8_t)type,
		.escaped = escaped,
	};
	doc->count++;
	return true;
}

/* 1: a byte that stands for itself inside a string and needs no further look. */
static const uint8_t plain[256] = {
	[' ' ... '!'] = 1,
	['#' ... '['] = 1,
	[']' ... 0x7f] = 1,
};

/*
 * Eight bytes at once, for what strings nearly always hold. It may say no to eight plain bytes (a borrow from the byte
 * below), never yes to others: whoever asks then looks byte by byte.
 */
static inline bool plain_eight(const char *p)
{
	const uint64_t ones = UINT64_MAX / 255, tops = ones << 7;
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return ((w | (w - ones * ' ') | ((w ^ ones * '"') - ones) | ((w ^ ones * '\\') - ones)) & tops) == 0;
}

static int hex4(const char *p)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(p[i]);

		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	return v;
}

/* p stands on a backslash; the length of the escape, 0 when it is none. */
static size_t escape_length(const char *p, const char *end)
{
	if (end - p < 2)
		return 0;
	if (p[1] == 'u')
		return end - p >= 6 && hex4(p + 2) >= 0 ? 6 : 0;
	return p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) ? 2 : 0;
}

/* Something else than a plain byte or the closing quote at *p: moves *p behind it. */
static bool scan_special(struct reader *r, const char **p, bool *escaped)
{
	size_t n;

	if (*p == r->end)
		return fail(r, r->p, "the string that begins here is not closed; add its closing quote");
	if ((uint8_t) * *p < 0x20)
		return fail(r, *p, "control character inside a string; write it as an escape such as \\n or \\u0000");
	if (**p == '\\') {
		n = escape_length(*p, r->end);
		if (n == 0)
			return fail(r, *p,
				    "unknown escape; allowed are \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u with four "
				    "hex digits");
		*escaped = true;
	} else {
		n = utf8_next(slice_of(*p, (size_t)(r->end - *p)), NULL);
		if (n == 0)
			return fail(r, *p, "invalid UTF-8; send the text encoded as UTF-8");
	}
	*p += n;
	return true;
}

/* r->p stands on the opening quote. */
static bool read_string(struct reader *r)
{
	const char *from = r->p + 1, *p = from;
	bool escaped = false;

	for (;;) {
		while (r->end - p >= 8 && plain_eight(p))
			p += 8;
		while (p < r->end && plain[(uint8_t)*p])
			p++;
		if (p < r->end && *p == '"')
			break;
		if (!scan_special(r, &p, &escaped))
			return false;
	}
	if (!add_node(r, JSON_STRING, from, p, escaped))
		return false;
	r->p = p + 1;
	return true;
}

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* The end of the number at p by RFC 8259's grammar; NULL when it is none. */
static const char *number_end(const char *p, const char *end)
{
	const char *from;

	if (p < end && *p == '-')
		p++;
	from = p;
	p = skip_digits(p, end);
	if (p == from || (*from == '0' && p - from > 1))
		return NULL;
	if (p < end && *p == '.') {
		from = ++p;
		p = skip_digits(p, end);
		if (p == from)
			return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		from = p;
		p = skip_digits(p, end);
		if (p == from)
			return NULL;
	}
	return p;
}

static bool read_number(struct reader *r)
{
	const char *to = number_end(r->p, r->end);

	if (!to)
		return fail(r, r->p,
			    "malformed number; write it as JSON does: no leading zeros or plus sign, digits on both "
			    "sides of "
			    "the point");
	if (!add_node(r, JSON_NUMBER, r->p, to, false))
		return false;
	r->p = to;
	return true;
}

static bool fail_unknown(struct reader *r)
{
	return fail(r, r->p, "no JSON value begins like this; write texts in double quotes, or true, false or null");
}

static bool read_word(struct reader *r, enum json_type type, struct slice word)
{
	if (!slice_starts(slice_of(r->p, (size_t)(r->end - r->p)), word))
		return fail_unknown(r);
	if (!add_node(r, type, r->p, r->p + word.n, false))
		return false;
	r->p += word.n;
	return true;
}

static bool open_container(struct reader *r, enum json_type type)
{
	if (r->depth >= r->limits->depth)
		return fail(r, r->p, "nested too deeply; flatten the data");
	if (!add_node(r, type, r->p, r->p, false))
		return false;
	r->doc->nodes[r->doc->count - 1].next = r->open;
	r->open = r->doc->count - 1;
	r->depth++;
	r->p++;
	r->want = type == JSON_OBJECT ? WANT_KEY_OR_END : WANT_VALUE_OR_END;
	return true;
}

static void value_done(struct reader *r)
{
	r->want = r->open == NO_PARENT ? WANT_NOTHING : WANT_COMMA_OR_END;
}

static bool read_value(struct reader *r)
{
	bool ok;

	switch (*r->p) {
	case '{':
		return open_container(r, JSON_OBJECT);
	case '[':
		return open_container(r, JSON_ARRAY);
	case '"':
		ok = read_string(r);
		break;
	case 't':
		ok = read_word(r, JSON_TRUE, SLICE_LIT("true"));
		break;
	case 'f':
		ok = read_word(r, JSON_FALSE, SLICE_LIT("false"));
		break;
	case 'n':
		ok = read_word(r, JSON_NULL, SLICE_LIT("null"));
		break;
	case ',':
	case ']':
	case '}':
	case ':':
		return fail(r, r->p, "a value is missing here; write one, or take the comma or colon before it away");
	default:
		ok = *r->p == '-' || (*r->p >= '0' && *r->p <= '9') ? read_number(r) : fail_unknown(r);
	}
	value_done(r);
	return ok;
}

static bool refuse_duplicate(struct reader *r, uint32_t key)
{
	const struct json_node *node = &r->doc->nodes[key];

	fault_param(r->fault, "", "the key \"%.*s\" occurs twice in one object; leave one of them",
		    node->len < 60 ? (int)node->len : 60, r->start + node->start);
	if (r->fault)
		r->fault->position = (long)node->start - 1;
	return false;
}

/* r->p stands on a bracket that fits the open container. */
static bool close_container(struct reader *r)
{
	struct json_node *node = &r->doc->nodes[r->open];
	uint32_t parent = node->next, keys = node->len, duplicate;

	r->p++;
	node->len = (uint32_t)(r->p - r->start) - node->start;
	node->next = r->doc->count;
	if (keys > 1) {
		duplicate = json_duplicate_key(r->doc, r->open, keys);
		if (duplicate > 0)
			return refuse_duplicate(r, duplicate);
	}
	r->open = parent;
	r->depth--;
	value_done(r);
	return true;
}

static bool at_object(const struct reader *r)
{
	return r->doc->nodes[r->open].type == JSON_OBJECT;
}

static void skip_blanks(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
		r->p++;
}

static bool read_key(struct reader *r)
{
	if (*r->p != '"')
		return fail(r, r->p, "a key in double quotes is missing here");
	r->doc->nodes[r->open].len++; /* the keys so far; before read_string, which may move the nodes */
	if (!read_string(r))
		return false;
	skip_blanks(r);
	if (r->p == r->end || *r->p != ':')
		return fail(r, r->p, "a colon is missing after the key");
	r->p++;
	r->want = WANT_VALUE;
	return true;
}

static bool read_comma(struct reader *r)
{
	bool tolerant = r->limits->trailing_commas;

	if (*r->p != ',')
		return fail(r, r->p, at_object(r) ? "a comma or } is missing here" : "a comma or ] is missing here");
	r->p++;
	if (at_object(r))
		r->want = tolerant ? WANT_KEY_OR_END : WANT_KEY;
	else
		r->want = tolerant ? WANT_VALUE_OR_END : WANT_VALUE;
	return true;
}

/* One token or one key with its colon; r->p is in front of a byte that is no blank. */
static bool read_next(struct reader *r)
{
	bool closing = r->open != NO_PARENT && *r->p == (at_object(r) ? '}' : ']');

	switch (r->want) {
	case WANT_VALUE_OR_END:
		return closing ? close_container(r) : read_value(r);
	case WANT_VALUE:
		return read_value(r);
	case WANT_KEY_OR_END:
		return closing ? close_container(r) : read_key(r);
	case WANT_KEY:
		return read_key(r);
	case WANT_COMMA_OR_END:
		return closing ? close_container(r) : read_comma(r);
	case WANT_NOTHING:
		break;
	}
	return fail(r, r->p, "something follows the JSON value; send one value and nothing after it");
}

static bool fail_at_end(struct reader *r)
{
	if (r->doc->count == 0)
		return fail(r, r->p, "the text is empty; a JSON value is wanted");
	return fail(r, r->p, "the text ends too early; it was cut, or a closing bracket or a value is missing");
}

static bool read_all(struct reader *r)
{
	for (skip_blanks(r); r->p < r->end; skip_blanks(r))
		if (!read_next(r))
			return false;
	return r->want == WANT_NOTHING || fail_at_end(r);
}

int json_parse(struct json_doc *doc, struct slice text, const struct json_limits *limits, struct fault *fault)
{
	const char *start = text.p ? text.p : "";
	struct reader r = {
		.start = start,
		.p = start,
		.end = start + text.n,
		.doc = doc,
		.limits = limits,
		.fault = fault,
		.open = NO_PARENT,
		.want = WANT_VALUE,
	};

	doc->text = start;
	doc->len = text.n;
	doc->count = 0;
	if (text.n >= UINT32_MAX) {
		fail(&r, start, "a JSON text of 4 GiB or more; split it");
		return ERR_INVALID;
	}
	if (!read_all(&r)) {
		doc->count = 0; /* half a document must not be looked at */
		return ERR_INVALID;
	}
	return 0;
}
