/*
 * XML templates (W3). Expat says whether the template is well-formed; the scanner here only has to know, in text that
 * is, what each placeholder stands in: text, an attribute's value, a CDATA section; names, comments and processing
 * instructions may hold none. A placeholder's own characters are ordinary ones in those three places, so Expat reads
 * the template as it stands and its positions are ours.
 *
 * Two sequences need care because a value and the template's text can make them together:
 * "]]>" must not appear in text, and ends a CDATA section. A '>' of the template that
 * only ']' divide from a hole is therefore written so that it is safe after any value.
 */
#include <expat.h>

#include "dialect/template_parts.h"

#define CDATA_BEGIN "<![CDATA["
#define CDATA_SPLIT "]]>" CDATA_BEGIN

static bool stands(const struct builder *b, size_t at, const char *what)
{
	return slice_starts(slice_from(b->text, at), slice_str(what));
}

/* Text up to the next '<', or a CDATA section's content up to its end. */
static int scan_data(struct builder *b, size_t *at, enum place place)
{
	const char *end = place == PLACE_XML_CDATA ? "]]>" : "<";
	bool after_hole = false; /* nothing but ']' since */

	for (; *at < b->text.n && !stands(b, *at, end); (*at)++) {
		char c = b->text.p[*at];
		struct hole hole;
		int length = c == '{' ? builder_read(b, *at, &hole) : 0;

		if (length < 0)
			return length;
		if (length > 0) {
			builder_hole(b, *at, (size_t)length, &hole, place);
			*at += (size_t)length - 1;
			after_hole = true;
			continue;
		}
		if (c == '>' && after_hole)
			builder_replace(b, *at, 1, place == PLACE_XML_CDATA ? CDATA_SPLIT ">" : "&gt;");
		if (c != ']')
			after_hole = false;
	}
	return 0;
}

static int refuse_hole(struct builder *b, size_t at, const char *where)
{
	struct hole hole;
	int length = b->text.p[at] == '{' ? builder_read(b, at, &hole) : 0;

	if (length > 0)
		return builder_fail(b, at,
				    "a placeholder in %s; only text, attribute values and CDATA sections may hold one",
				    where);
	return length;
}

static int scan_tag(struct builder *b, size_t *at)
{
	char quote = 0;

	for (; *at < b->text.n && (quote || b->text.p[*at] != '>'); (*at)++) {
		char c = b->text.p[*at];
		struct hole hole;
		int length;

		if (c == quote)
			quote = 0;
		else if (!quote && (c == '"' || c == '\''))
			quote = c;
		if (c != '{')
			continue;
		length = quote ? builder_read(b, *at, &hole)
			       : refuse_hole(b, *at, "a tag outside an attribute's quotes");
		if (length < 0)
			return length;
		if (length > 0) {
			builder_hole(b, *at, (size_t)length, &hole, PLACE_XML_ATTRIBUTE);
			*at += (size_t)length - 1;
		}
	}
	return 0;
}

/* Goes to just before `end`, or to the end of the text. */
static int scan_closed(struct builder *b, size_t *at, const char *end, const char *where)
{
	for (; *at < b->text.n && !stands(b, *at, end); (*at)++) {
		int err = refuse_hole(b, *at, where);

		if (err != 0)
			return err;
	}
	return 0;
}

static int scan(struct builder *b)
{
	size_t at = 0;
	int err = 0;

	while (err == 0 && at < b->text.n) {
		if (stands(b, at, "<!--")) {
			at += 4;
			err = scan_closed(b, &at, "-->", "a comment");
		} else if (stands(b, at, CDATA_BEGIN)) {
			at += sizeof(CDATA_BEGIN) - 1;
			err = scan_data(b, &at, PLACE_XML_CDATA);
		} else if (stands(b, at, "<?")) {
			err = scan_closed(b, &at, "?>", "a processing instruction or the XML declaration");
		} else if (stands(b, at, "<!")) {
			return builder_fail(b, at, "a document type declaration; take it out, values never need one");
		} else if (b->text.p[at] == '<') {
			err = scan_tag(b, &at);
		} else {
			err = scan_data(b, &at, PLACE_XML_TEXT);
		}
	}
	return err;
}

/* What is sent is always UTF-8 and XML 1.0, so the template must not declare anything else. */
static void on_declaration(void *arg, const XML_Char *version, const XML_Char *encoding, int standalone)
{
	bool *ok = arg;

	(void)standalone;
	*ok = (!version || strcmp(version, "1.0") == 0) &&
	      (!encoding || slice_eq_nocase(slice_str(encoding), SLICE_LIT("utf-8")));
}

static int check_well_formed(struct builder *b)
{
	XML_Parser parser = XML_ParserCreate("UTF-8");
	bool declaration_ok = true;
	int err = 0;

	if (!parser)
		return builder_fail(b, 0, "no memory for an XML parser");
	XML_SetUserData(parser, &declaration_ok);
	XML_SetXmlDeclHandler(parser, on_declaration);
	if (XML_Parse(parser, b->text.p, (int)b->text.n, 1) != XML_STATUS_OK)
		err = builder_fail(b, (size_t)XML_GetCurrentByteIndex(parser),
				   "the template is not well-formed XML here: %s",
				   XML_ErrorString(XML_GetErrorCode(parser)));
	else if (!declaration_ok)
		err = builder_fail(b, 0, "the XML declaration must say version 1.0 and encoding UTF-8, or be left out");
	XML_ParserFree(parser);
	return err;
}

int template_scan_xml(struct builder *b)
{
	int err = scan(b);

	return err == 0 ? check_well_formed(b) : err;
}

static bool ends_with_brackets(const struct buf *out)
{
	return out->n >= 2 && out->p[out->n - 1] == ']' && out->p[out->n - 2] == ']';
}

static const char *escape_text(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '\r':
		return "&#13;"; /* a bare one would be read as a line feed */
	default:
		return NULL;
	}
}

/* Blanks of all kinds would be read as spaces. */
static const char *escape_attribute(char c)
{
	switch (c) {
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	case '\t':
		return "&#9;";
	case '\n':
		return "&#10;";
	default:
		return escape_text(c);
	}
}

static const char *escape_cdata(char c, const struct buf *out)
{
	if (c == '>' && ends_with_brackets(out))
		return CDATA_SPLIT ">";
	return c == '\r' ? "]]>&#13;" CDATA_BEGIN : NULL;
}

/* The bytes at the front of s that XML 1.0 has no way to write, not even as a reference: 0 when there are none. */
static size_t illegal(struct slice s)
{
	uint8_t c = (uint8_t)s.p[0];

	if (c < 0x20)
		return c != '\t' && c != '\n' && c != '\r';
	if (c == 0xef && s.n >= 3 && (uint8_t)s.p[1] == 0xbf && (uint8_t)s.p[2] >= 0xbe)
		return 3; /* U+FFFE and U+FFFF */
	return 0;
}

/* Bytes that need a look: controls, the five of XML, the first one of U+FFFE and U+FFFF. */
static const bool special[256] = {
	[0 ... 0x1f] = true, ['&'] = true, ['<'] = true, ['>'] = true, ['"'] = true, ['\''] = true, [0xef] = true,
};

/* How many bytes at the front of s can go out as they are, wherever they stand. */
static size_t plain_run(struct slice s)
{
	size_t n = 0;

	while (n < s.n && !special[(uint8_t)s.p[n]])
		n++;
	return n;
}

static const char *escape_for(enum place place, char c, const struct buf *out)
{
	if (place == PLACE_XML_CDATA)
		return escape_cdata(c, out);
	return place == PLACE_XML_ATTRIBUTE ? escape_attribute(c) : escape_text(c);
}

void template_put_xml(struct buf *out, enum place place, struct slice text)
{
	for (;;) {
		size_t run = plain_run(text), bad;
		const char *escape;

		buf_add(out, text.p, run);
		text = slice_from(text, run);
		if (text.n == 0)
			return;
		bad = illegal(text);
		escape = escape_for(place, text.p[0], out);
		if (bad > 0)
			buf_add_str(out, "\xef\xbf\xbd");
		else if (escape)
			buf_add_str(out, escape);
		else
			buf_add_char(out, text.p[0]);
		text = slice_from(text, bad > 0 ? bad : 1);
	}
}
