/*
 * URL templates (W4) and header values (W5).
 *
 * Who is talked to is decided when the endpoint is saved: a placeholder in scheme, host or port is refused. The rest is
 * read by the project's one URL reader, on a copy in which every hole is filled with letters. Values are
 * percent-encoded, which leaves one thing that they could do: a value of dots alone becomes a path segment that means
 * "one level up". No encoding changes that (%2E%2E is the same segment), so such a URL is refused when it is rendered.
 *
 * Header values are sent as they are, UTF-8 included; control
 * characters other than TAB are refused in template and result.
 */
#include "base/mem.h"
#include "base/url.h"
#include "dialect/template_parts.h"

/* The offset where the path or the query begins; 0 when there is no scheme to begin with. */
static size_t authority_end(struct slice url)
{
	const char *scheme_end = memmem(url.p, url.n, "://", 3);
	size_t at = scheme_end ? (size_t)(scheme_end - url.p) + 3 : url.n;

	while (at < url.n && !strchr("/?#\\", url.p[at]))
		at++;
	return scheme_end ? at : 0;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* A '%' of the template before a hole would make an escape of the value. */
static int check_byte(struct builder *b, size_t at)
{
	struct slice rest = slice_from(b->text, at);

	if ((uint8_t)rest.p[0] >= 0x80)
		return builder_fail(b, at, "a URL holds ASCII only; write other characters percent-encoded");
	if (rest.p[0] == '%' && (rest.n < 3 || !is_hex(rest.p[1]) || !is_hex(rest.p[2])))
		return builder_fail(b, at, "a %% without two hex digits behind it; write %%25 for the sign itself");
	return 0;
}

static int scan_url(struct builder *b, char *copy)
{
	size_t fixed = authority_end(b->text);

	for (size_t at = 0; at < b->text.n; at++) {
		struct hole hole;
		int length = b->text.p[at] == '{' ? builder_read(b, at, &hole) : check_byte(b, at);

		if (length < 0)
			return length;
		if (length == 0)
			continue;
		if (at < fixed)
			return builder_fail(b, at,
					    "a placeholder in scheme, user name, host or port; only path and query may "
					    "hold one");
		builder_hole(b, at, (size_t)length, &hole, PLACE_URL);
		memset(copy + at, 'x', (size_t)length);
		at += (size_t)length - 1;
	}
	return 0;
}

int template_scan_url(struct builder *b)
{
	char *copy = mem_dup(b->text.p, b->text.n);
	struct slice filled = slice_of(copy, b->text.n);
	struct url url;
	int err = scan_url(b, copy);

	if (err == 0)
		err = url_parse(filled, &url, b->fault);
	if (err == 0 && !template_url_is_safe(filled))
		err = builder_fail(b, url.authority_end,
				   "a path with the segment . or ..; write the path that it leads to");
	mem_free(copy);
	return err;
}

/* The length of a dot at the front of s, plain or encoded; 0 when there is none. */
static size_t dot(struct slice s)
{
	if (s.n >= 1 && s.p[0] == '.')
		return 1;
	return s.n >= 3 && s.p[0] == '%' && s.p[1] == '2' && (s.p[2] == 'e' || s.p[2] == 'E') ? 3 : 0;
}

static bool is_dot_segment(struct slice s)
{
	size_t first = dot(s), second = first ? dot(slice_from(s, first)) : 0;

	return first > 0 && first + second == s.n;
}

bool template_url_is_safe(struct slice url)
{
	struct slice path = slice_from(url, authority_end(url));

	path.n = slice_find(path, '?');
	while (path.n > 0) {
		size_t n;

		path = slice_from(path, 1); /* its slash */
		n = slice_find(path, '/');
		if (is_dot_segment(slice_of(path.p, n)))
			return false;
		path = slice_from(path, n);
	}
	return true;
}

/* --- headers --- */

static bool is_control(char c)
{
	return ((uint8_t)c < 0x20 && c != '\t') || c == 0x7f;
}

int template_scan_header(struct builder *b)
{
	for (size_t at = 0; at < b->text.n; at++) {
		struct hole hole;
		int length = b->text.p[at] == '{' ? builder_read(b, at, &hole) : 0;

		if (is_control(b->text.p[at]))
			return builder_fail(b, at, "a line break or control character in a header value; take it out");
		if (length < 0)
			return length;
		if (length > 0) {
			builder_hole(b, at, (size_t)length, &hole, PLACE_HEADER);
			at += (size_t)length - 1;
		}
	}
	return 0;
}

bool template_header_is_safe(struct slice value)
{
	for (size_t i = 0; i < value.n; i++)
		if (is_control(value.p[i]))
			return false;
	return true;
}
