/*
 * What the files of the template compiler share, and nobody else sees: the compiled form, and the little builder that the grammars feed.
 * template.c owns both; template_json.c, template_xml.c and template_url.c each know one grammar: where its holes may
 * be, and how a value is written there.
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
	PLACE_HEADER
};

/* What a hole asks for: a metric; or a data field, when field > 0; or a path into the event. */
struct hole {
	const struct metric *metric;
	unsigned field;
	struct slice path;
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
	struct fault *fault;
};

/*
 * Reads a placeholder at the '{' at offset at. Returns its length with braces and fills *ret; 0 when this brace is literal text;
 * ERR_INVALID (fault set) for an unknown name in capitals.
 */
int builder_read(struct builder *b, size_t at, struct hole *ret);
/* Makes pieces of the text up to at and of the hole there, which is length bytes long. */
void builder_hole(struct builder *b, size_t at, size_t length, const struct hole *hole, enum place place);
/* Makes pieces of the text up to at and of constant, which stands in for the next `length` bytes. */
void builder_replace(struct builder *b, size_t at, size_t length, const char *constant);
/* Fills the fault and its position; returns ERR_INVALID. */
int builder_fail(struct builder *b, size_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Each finds the holes of one grammar and checks that what is around them is well-formed. 0 or ERR_INVALID. */
int template_scan_json(struct builder *b);
int template_scan_xml(struct builder *b);
int template_scan_url(struct builder *b);
int template_scan_header(struct builder *b);

/* Each writes a value so that it cannot leave its place. */
void template_put_json(struct buf *out, enum place place, const struct value *v);
void template_put_xml(struct buf *out, enum place place, struct slice text);
/* False when what has been rendered from `start` on is no URL or header value that may be sent. */
bool template_url_is_safe(struct slice rendered);
bool template_header_is_safe(struct slice rendered);

#endif
