/*
 * What the files of the template compiler share, and nobody else sees: the compiled form, and the little builder that
 * the grammars feed. template.c owns both; template_json.c, template_xml.c, template_url.c and template_form.c each
 * know one grammar: where its holes may be, and how a value is written there. template_pipe.c knows what may stand
 * behind a name: {NAME|upper|default:none}.
 */
#ifndef DIALECT_TEMPLATE_PARTS_H
#define DIALECT_TEMPLATE_PARTS_H

#include "dialect/metric.h"
#include "dialect/template.h"

/* Where a hole is, and so how its value is escaped. */
enum place {
	PLACE_NONE, /* no hole: literal text */
	PLACE_JSON_STRING,
	PLACE_JSON_VALUE,
	PLACE_XML_TEXT,
	PLACE_XML_ATTRIBUTE,
	PLACE_XML_CDATA,
	PLACE_URL,
	PLACE_FORM,
	PLACE_HEADER
};

/* Where a value comes from: a metric; or a data field, when field > 0; or a path into the event. */
struct source {
	const struct metric *metric;
	unsigned field;
	struct slice path;
};

struct pipe; /* a row of the table in template_pipe.c */

/* One pipe of a placeholder, compiled. */
struct step {
	const struct pipe *pipe;
	struct slice argument; /* points into the template's source */
	struct source other;   /* of `or` */
	struct json map;       /* of `map` */
};

/* What a hole asks for: a source, and the steps that its value goes through. */
struct hole {
	struct source source;
	uint32_t first_step, step_count; /* in the template's steps */
};

struct piece {
	enum place place;
	struct slice literal; /* for PLACE_NONE; points into the template's source or to a constant */
	struct hole hole;
};

struct template
{
	enum template_grammar grammar;
	char *source; /* the template as it was given */
	struct piece *pieces;
	size_t count, cap;
	struct step *steps; /* of all holes */
	uint32_t step_count;
	size_t holes;
	bool uses_delivery;
};

/* A hole's value for one event. */
struct value {
	struct slice text;
	bool missing;
	bool bare; /* valid JSON as it is: a number, true, false, an array, an object */
};

/* The builder: a grammar walks over text and says where the holes are; what stands between them becomes literals. */
struct builder {
	struct template *t;
	struct slice text; /* the template's own copy */
	size_t done;	   /* what is before this offset has become pieces */
	const struct maps *maps;
	struct fault *fault;
};

/* One rendering: what sources and pipes look at. */
struct looking {
	const struct subject *subject;
	struct buf scratch[2]; /* a value and the one that a pipe makes of it take turns */
};

/*
 * Reads a placeholder at the '{' at offset at. Returns its length with braces and fills *ret; 0 when this brace is
 * literal text; ERR_INVALID (fault set) for an unknown name in capitals.
 */
int builder_read(struct builder *b, size_t at, struct hole *ret);
/* Makes pieces of the text up to at and of the hole there, which is length bytes long. */
void builder_hole(struct builder *b, size_t at, size_t length, const struct hole *hole, enum place place);
/* Makes pieces of the text up to at and of constant, which stands in for the next `length` bytes. */
void builder_replace(struct builder *b, size_t at, size_t length, const char *constant);
/* Fills the fault and its position; returns ERR_INVALID. */
int builder_fail(struct builder *b, size_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* --- sources and pipes --- */

/*
 * A name as it stands in braces. 1; 0 when it is no name at all, so that
 * its brace is literal text; ERR_INVALID (fault set). at: for the fault.
 */
int source_read(struct builder *b, size_t at, struct slice name, struct source *ret);
/* ret->text may point into out, which is overwritten. */
void source_value(const struct source *s, const struct looking *look, struct buf *out, struct value *ret);

/*
 * Compiles one pipe, `name` or `name:argument`, which begins at offset at, as the hole's next step. 0 or ERR_INVALID.
 */
int pipe_read(struct builder *b, size_t at, struct slice text, struct hole *hole);
/* The value of a hole, through all its pipes. */
void hole_value(const struct template *t, const struct hole *hole, struct looking *look, struct value *ret);
/* RFC 8259's number, all of s. */
bool is_json_number(struct slice s);

/* --- grammars --- */

/* Each finds the holes of one grammar and checks that what is around them is well-formed. 0 or ERR_INVALID. */
int template_scan_json(struct builder *b);
int template_scan_xml(struct builder *b);
int template_scan_url(struct builder *b);
int template_scan_header(struct builder *b);
int template_scan_form(struct builder *b);

/* Each writes a value so that it cannot leave its place. */
void template_put_json(struct buf *out, enum place place, const struct value *v);
void template_put_xml(struct buf *out, enum place place, struct slice text);
/* False when what has been rendered from `start` on is no URL or header value that may be sent. */
bool template_url_is_safe(struct slice rendered);
bool template_header_is_safe(struct slice rendered);

#endif
