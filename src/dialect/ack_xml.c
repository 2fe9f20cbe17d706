/*
 * Ids in an XML answer (X8), read by expat. A DTD ends the reading at its first byte, so there is nothing that an
 * entity could expand to; a byte order mark, blanks and a missing declaration are fine. Expat is a stream parser and
 * recurses for nothing that is possible without a DTD, so depth costs no stack.
 */
#include "dialect/ack_parts.h"

#include <expat.h>
#include <stdio.h>

#include "base/buf.h"

#define ID_MAX 255

struct reader {
	XML_Parser parser;
	const char *name;
	ack_id_fn *fn;
	void *ctx;
	struct buf id;
	unsigned depth, id_depth; /* id_depth: the depth of the element being read, 0 outside */
	bool has_dtd;
};

static void begin_element(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *r = ctx;

	(void)attributes;
	r->depth++;
	if (r->id_depth == 0 && r->depth > 1 && strcmp(name, r->name) == 0) {
		r->id_depth = r->depth;
		buf_reset(&r->id);
	}
}

/* An id longer than any that we send is given on cut, so it matches nothing and counts as foreign. */
static void end_element(void *ctx, const XML_Char *name)
{
	struct reader *r = ctx;

	(void)name;
	if (r->id_depth == r->depth) {
		r->fn(r->ctx, slice_trim(buf_slice(&r->id)));
		r->id_depth = 0;
	}
	r->depth--;
}

static void text(void *ctx, const XML_Char *s, int n)
{
	struct reader *r = ctx;
	struct slice piece = slice_of(s, (size_t)n);

	if (r->id_depth == 0)
		return;
	/* Line breaks around the id are as good as blanks. */
	for (size_t i = 0; i < piece.n; i++)
		buf_add_char(&r->id, piece.p[i] == '\n' || piece.p[i] == '\r' ? ' ' : piece.p[i]);
}

static void dtd(void *ctx, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id, int internal)
{
	struct reader *r = ctx;

	(void)name, (void)system_id, (void)public_id, (void)internal;
	r->has_dtd = true;
	XML_StopParser(r->parser, XML_FALSE);
}

const char *ack_xml_ids(struct slice body, const char *name, ack_id_fn *fn, void *ctx, char why[200])
{
	struct reader r = { .parser = XML_ParserCreate(NULL), .name = name, .fn = fn, .ctx = ctx };
	enum XML_Status status = XML_STATUS_ERROR;

	buf_init(&r.id, 4 * ID_MAX);
	if (r.parser) {
		XML_SetUserData(r.parser, &r);
		XML_SetElementHandler(r.parser, begin_element, end_element);
		XML_SetCharacterDataHandler(r.parser, text);
		XML_SetStartDoctypeDeclHandler(r.parser, dtd);
		status = XML_Parse(r.parser, body.p, (int)body.n, XML_TRUE);
	}
	if (r.has_dtd)
		snprintf(why, 200, "it has a document type declaration, which is not accepted");
	else if (status != XML_STATUS_OK)
		snprintf(why, 200, "it is not well-formed XML: %s in line %lu",
			 r.parser ? XML_ErrorString(XML_GetErrorCode(r.parser)) : "out of memory",
			 r.parser ? (unsigned long)XML_GetCurrentLineNumber(r.parser) : 0UL);
	XML_ParserFree(r.parser);
	buf_free(&r.id);
	return status == XML_STATUS_OK ? NULL : why;
}
