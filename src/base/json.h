/*
 * JSON (RFC 8259), strict: UTF-8 only, no duplicate keys, bounded depth and size, nothing recursive. The reader makes a
 * flat array of nodes that point into the text, so numbers keep their text and nothing is copied. Own code because the
 * template compiler needs the same tokenizer and numbers must come out as they went in; see ARCHITECTURE.md.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"

enum json_type {
	JSON_NONE, /* absent: what looking up a missing member gives */
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

/*
 * 16 bytes a value. An object's members follow it as key node,
 * value node, key node, …; an array's elements as value nodes.
 */
struct json_node {
	uint32_t start; /* offset of its text; for a string, of the byte after the quote */
	uint32_t len;	/* bytes of its text; for a string, without the quotes */
	uint32_t next;	/* index of the node after this value and all inside it */
	uint8_t type;
	uint8_t escaped; /* a string that holds at least one backslash */
	uint16_t reserved;
};

struct json_doc {
	const char *text; /* not owned; must outlive the doc */
	size_t len;
	struct json_node *nodes; /* owned when cap > 0 */
	uint32_t count, cap;
};

struct json_limits {
	uint32_t depth;	      /* containers inside each other: 32 everywhere in this project */
	uint32_t nodes;	      /* values and keys in all */
	bool trailing_commas; /* tolerate one before ] and } (answers of webhooks) */
};
#define JSON_DEPTH_MAX 32
extern const struct json_limits json_limits_default; /* depth 32, 1,000,000 nodes, strict */

/* A value inside a doc; copied by value. */
struct json {
	const struct json_doc *doc;
	uint32_t at;
};

void json_doc_init(struct json_doc *doc);
void json_doc_free(struct json_doc *doc);
/* Parses all of text (one value, blanks around it). The node array of doc is reused. Texts up to 4 GiB - 1. On failure:
 * ERR_INVALID, *fault (may be NULL) has a message with the reason, and position = the byte offset. */
int json_parse(struct json_doc *doc, struct slice text, const struct json_limits *limits, struct fault *fault);

struct json json_root(const struct json_doc *doc);
enum json_type json_type(struct json v);
/* "object", "a string", … for messages. */
const char *json_type_name(enum json_type type);
/* Member by name; a JSON_NONE value when v is no object or has none. */
struct json json_get_slice(struct json v, struct slice name);
/* Inline, so that a name written at the call has its length from the compiler. */
static inline struct json json_get(struct json v, const char *name)
{
	return json_get_slice(v, slice_str(name));
}
/* The member that has the name of `key`, a key of some object; escapes may spell it in another way. */
struct json json_get_same(struct json v, struct json key);
/* By dotted path, array indexes as numbers: "message.vars.order", "message.fields.0". */
struct json json_path(struct json v, struct slice path);
/* Absent or null. */
bool json_is_nil(struct json v);
/* The raw text: of a string with its quotes, of others as written. */
struct slice json_raw(struct json v);
/* A string's content as it stands between the quotes, escapes and all; empty for other types. */
struct slice json_escaped_text(struct json v);
/*
 * Decoded content of a string appended to out (lone surrogates become U+FFFD); numbers and booleans as their text;
 * null, absent: nothing. Containers: their raw text.
 */
void json_text(struct json v, struct buf *out);
/*
 * Like json_text without a copy where none is needed: the slice points into the
 * document, or into scratch when decoding was needed; scratch is emptied first.
 */
struct slice json_text_slice(struct json v, struct buf *scratch);
/* True when v is a string whose decoded content is s. */
bool json_is(struct json v, const char *s);
/* A number written as an integer (no point, no exponent) within int64 range. */
bool json_i64(struct json v, int64_t *ret);
/* A number within double range. */
bool json_double(struct json v, double *ret);

/*
 * Iteration: struct json_iter it = json_each(v); while
 * (json_next(&it)) { it.key (arrays: JSON_NONE), it.value, it.index }
 */
struct json_iter {
	struct json key, value;
	uint32_t index; /* 0-based number of this member or element */
	uint32_t cursor, end;
	bool object;
};
struct json_iter json_each(struct json container); /* anything else iterates over nothing */
bool json_next(struct json_iter *it);

/* --- writing --- */

/* Appends s as a quoted, escaped JSON string; invalid UTF-8 becomes U+FFFD. */
void json_add_string(struct buf *out, struct slice s);
/* The same without the quotes. */
void json_add_escaped(struct buf *out, struct slice s);

/* A writer that sets commas itself. Misuse (a value without key in an object) is asserted. */
struct json_writer {
	struct buf *out;
	uint32_t depth;
	bool comma[JSON_DEPTH_MAX + 1];	 /* a member stands before */
	bool object[JSON_DEPTH_MAX + 1]; /* this container is an object */
	bool after_key;
};
void json_writer_init(struct json_writer *w, struct buf *out);
void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_key(struct json_writer *w, const char *name);
void json_key_slice(struct json_writer *w, struct slice name);
void json_key_same(struct json_writer *w, struct json key); /* the name that a key of some object has */
void json_put_string(struct json_writer *w, struct slice s);
void json_put_str(struct json_writer *w, const char *s); /* NULL writes null */
void json_put_i64(struct json_writer *w, int64_t v);
void json_put_double(struct json_writer *w, double v); /* shortest text that reads back the same; not finite: null */
void json_put_bool(struct json_writer *w, bool v);
void json_put_null(struct json_writer *w);
/* Text that is JSON already, as json_raw gives it. */
void json_put_raw(struct json_writer *w, struct slice text);
/* json_key followed by the value, for the common cases. */
void json_member_str(struct json_writer *w, const char *name, const char *s);
void json_member_string(struct json_writer *w, const char *name, struct slice s);
void json_member_i64(struct json_writer *w, const char *name, int64_t v);
void json_member_bool(struct json_writer *w, const char *name, bool v);

#endif
