/*
 * XML, indented, by expat: an element that holds only text stays on one line, everything else gets its own. A document
 * type definition ends the reading: nobody we talk to sends one, and everything dangerous in XML begins there. The
 * indentation is capped, so that a document of nothing but opening tags does not grow by the square of its depth.
 */
#include "listen/xml_text.h"

#include <expat.h>

#include "base/terminal.h"

#define INDENT_MAX 20

struct pen {
	XML_Parser parser;
	struct buf *out;
	struct buf text; /* seen since the last tag */
	size_t depth, items;
	bool just_opened; /* the last thing written is a start tag, its line not ended */
	bool doctype;
};

static void escaped_add(struct buf *out, struct slice s)
{
	while (s.n > 0) {
		size_t plain = 0;

		while (plain < s.n && s.p[plain] != '<' && s.p[plain] != '&' && s.p[plain] != '>')
			plain++;
		terminal_add(out, slice_of(s.p, plain));
		s = slice_from(s, plain);
		if (s.n == 0)
			break;
		buf_add_str(out, s.p[0] == '<' ? "&lt;" : s.p[0] == '&' ? "&amp;" : "&gt;");
		s = slice_from(s, 1);
	}
}

static void indent_add(struct pen *pen)
{
	buf_addf(pen->out, "%*s", (int)(2 * (pen->depth < INDENT_MAX ? pen->depth : INDENT_MAX)), "");
}

static struct slice trimmed(struct slice s)
{
	while (s.n > 0 && strchr(" \t\r\n", s.p[0]))
		s = slice_from(s, 1);
	while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Text between tags, on a line of its own. */
static void text_flush(struct pen *pen)
{
	struct slice text = trimmed(buf_slice(&pen->text));

	if (pen->just_opened)
		buf_add_char(pen->out, '\n');
	pen->just_opened = false;
	if (text.n > 0) {
		indent_add(pen);
		escaped_add(pen->out, text);
		buf_add_char(pen->out, '\n');
	}
	buf_reset(&pen->text);
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct pen *pen = ctx;

	text_flush(pen);
	indent_add(pen);
	buf_add_char(pen->out, '<');
	terminal_add(pen->out, slice_str(name));
	for (; *attributes; attributes += 2) {
		buf_add_char(pen->out, ' ');
		terminal_add(pen->out, slice_str(attributes[0]));
		buf_add_str(pen->out, "=\"");
		escaped_add(pen->out, slice_str(attributes[1]));
		buf_add_char(pen->out, '"');
	}
	buf_add_char(pen->out, '>');
	pen->items += pen->depth == 1;
	pen->depth++;
	pen->just_opened = true;
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
	struct pen *pen = ctx;

	if (pen->just_opened) {
		escaped_add(pen->out, buf_slice(&pen->text));
		buf_reset(&pen->text);
		pen->depth--;
	} else {
		text_flush(pen);
		pen->depth--;
		indent_add(pen);
	}
	buf_add_str(pen->out, "</");
	terminal_add(pen->out, slice_str(name));
	buf_add_str(pen->out, ">\n");
	pen->just_opened = false;
}

static void XMLCALL on_text(void *ctx, const XML_Char *p, int n)
{
	struct pen *pen = ctx;

	buf_add(&pen->text, p, (size_t)n);
}

static void XMLCALL on_doctype(void *ctx, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
			       int internal)
{
	struct pen *pen = ctx;

	(void)name, (void)system_id, (void)public_id, (void)internal;
	pen->doctype = true;
	XML_StopParser(pen->parser, XML_FALSE);
}

static bool xml_read(struct pen *pen, struct slice xml)
{
	bool ok;

	pen->parser = XML_ParserCreate(NULL);
	if (!pen->parser || xml.n > INT32_MAX)
		return false;
	XML_SetUserData(pen->parser, pen);
	XML_SetElementHandler(pen->parser, on_start, on_end);
	XML_SetCharacterDataHandler(pen->parser, on_text);
	XML_SetStartDoctypeDeclHandler(pen->parser, on_doctype);
	ok = XML_Parse(pen->parser, xml.p, (int)xml.n, 1) == XML_STATUS_OK;
	return ok && !buf_failed(pen->out) && !buf_failed(&pen->text);
}

static const char *xml_reason(const struct pen *pen)
{
	if (pen->doctype)
		return "it has a document type definition, which is not read here";
	if (buf_failed(pen->out))
		return "it is too large to show";
	return pen->parser ? XML_ErrorString(XML_GetErrorCode(pen->parser)) : "expat has no memory";
}

bool xml_text_add(struct buf *out, struct slice xml, const char **ret_reason)
{
	struct pen pen = { .out = out };
	size_t before = out->n;
	bool ok;

	buf_init(&pen.text, xml.n);
	ok = xml_read(&pen, xml);
	if (!ok) {
		*ret_reason = xml_reason(&pen);
		buf_truncate(out, before);
	}
	if (pen.parser)
		XML_ParserFree(pen.parser);
	buf_free(&pen.text);
	return ok;
}

size_t xml_items(struct slice xml)
{
	struct buf nowhere;
	struct pen pen = { .out = &nowhere };
	bool ok;

	buf_init(&nowhere, 64 * xml.n + 64);
	buf_init(&pen.text, xml.n);
	ok = xml_read(&pen, xml);
	if (pen.parser)
		XML_ParserFree(pen.parser);
	buf_free(&pen.text);
	buf_free(&nowhere);
	return ok ? pen.items : 0;
}
