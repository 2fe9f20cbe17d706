/*
 * Encodings. Each pair of functions is its own small grammar; readers are strict because
 * what they read is compared, signed or stored, and two spellings of one thing would be
 * two things. percent_decode alone is lenient: it shows what a server made of a form.
 */
#include "base/text.h"

#include <assert.h>

static bool is_continuation(struct slice s, size_t i)
{
	return i < s.n && ((uint8_t)s.p[i] & 0xc0) == 0x80;
}

/* The length that a first byte announces, 0 for a byte that cannot begin a sequence. */
static size_t utf8_length(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2)
		return 0; /* a continuation, or an overlong form of ASCII */
	if (first < 0xe0)
		return 2;
	if (first < 0xf0)
		return 3;
	return first < 0xf5 ? 4 : 0;
}

size_t utf8_next(struct slice s, uint32_t *ret_rune)
{
	static const uint8_t payload[5] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s.n > 0 ? utf8_length((uint8_t)s.p[0]) : 0;
	uint32_t rune;

	if (n == 0)
		return 0;
	rune = (uint8_t)s.p[0] & payload[n];
	for (size_t i = 1; i < n; i++) {
		if (!is_continuation(s, i))
			return 0;
		rune = rune << 6 | ((uint8_t)s.p[i] & 0x3f);
	}
	if (rune < least[n] || rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff))
		return 0;
	if (ret_rune)
		*ret_rune = rune;
	return n;
}

bool utf8_valid(struct slice s)
{
	while (s.n > 0) {
		size_t n = utf8_next(s, NULL);

		if (n == 0)
			return false;
		s = slice_from(s, n);
	}
	return true;
}

struct slice utf8_cut(struct slice s, size_t max)
{
	size_t n = max;

	if (s.n <= max)
		return s;
	while (n > 0 && max - n < 4 && is_continuation(s, n)) /* more than three in a row are no character's */
		n--;
	return slice_of(s.p, n);
}

size_t utf8_write(char ret[4], uint32_t rune)
{
	static const uint8_t lead[5] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = rune < 0x80 ? 1 : rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;

	assert(rune <= 0x10ffff);
	for (size_t i = n; i-- > 1; rune >>= 6)
		ret[i] = (char)(0x80 | (rune & 0x3f));
	ret[0] = (char)(lead[n] | rune);
	return n;
}

void utf8_add(struct buf *out, uint32_t rune)
{
	char bytes[4];

	buf_add(out, bytes, utf8_write(bytes, rune));
}

void hex_add(struct buf *out, const void *p, size_t n)
{
	const uint8_t *bytes = p;
	char *end = buf_extend(out, n * 2);

	for (size_t i = 0; end && i < n; i++) {
		end[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		end[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
}

bool id_valid(struct slice s, size_t most)
{
	bool good = s.n >= 1 && s.n <= most && !slice_is(s, ".") && !slice_is(s, "..");

	for (size_t i = 0; i < s.n && good; i++) {
		char c = s.p[i];

		good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		       c == '.' || c == '-';
	}
	return good;
}

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_read(struct slice s, void *dst, size_t n)
{
	uint8_t *bytes = dst;

	if (s.n != n * 2)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(s.p[2 * i]), low = hex_digit(s.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static const char base64_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Up to three bytes become two to four letters; returns how many. */
static size_t base64_group(const uint8_t *p, size_t n, const char *letters, char ret[4])
{
	uint32_t bits = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);

	for (size_t i = 0; i <= n && i < 4; i++)
		ret[i] = letters[bits >> (18 - 6 * i) & 63];
	return n + 1;
}

static void base64_add_with(struct buf *out, const uint8_t *p, size_t n, const char *letters, bool padded)
{
	char group[4];

	for (; n > 0; p += n < 3 ? n : 3, n -= n < 3 ? n : 3) {
		size_t used = base64_group(p, n < 3 ? n : 3, letters, group);

		for (; padded && used < 4; used++)
			group[used] = '=';
		buf_add(out, group, used);
	}
}

void base64_add(struct buf *out, const void *p, size_t n)
{
	base64_add_with(out, p, n, base64_letters, true);
}

void base64url_add(struct buf *out, const void *p, size_t n)
{
	base64_add_with(out, p, n, base64url_letters, false);
}

static int base64_value(char c)
{
	const char *at = c ? strchr(base64_letters, c) : NULL;

	return at ? (int)(at - base64_letters) : -1;
}

/* Four letters, of which the last `pad` are padding, to 3 - pad bytes; false when they are none or carry stray bits. */
static bool base64_ungroup(const char *p, size_t pad, char ret[3])
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < 4 - pad ? base64_value(p[i]) : 0;

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
	}
	for (size_t i = 0; i < 3; i++)
		ret[i] = (char)(bits >> (16 - 8 * i));
	return (bits & ((1u << (8 * pad)) - 1)) == 0;
}

bool base64_read(struct slice s, struct buf *out)
{
	size_t before = out->n, pad = 0;
	char bytes[3];

	if (s.n % 4 != 0)
		return false;
	if (s.n > 0 && s.p[s.n - 1] == '=')
		pad = s.p[s.n - 2] == '=' ? 2 : 1;
	for (; s.n > 0; s = slice_from(s, 4)) {
		size_t lacking = s.n == 4 ? pad : 0;

		if (!base64_ungroup(s.p, lacking, bytes)) {
			buf_truncate(out, before);
			return false;
		}
		buf_add(out, bytes, 3 - lacking);
	}
	return !buf_failed(out);
}

/*
 * What stands for itself: where, as bits. Looked up by the byte, because every value of every form goes through here.
 */
enum plain { PLAIN_URL = 1, PLAIN_FORM = 2 };
static const uint8_t plain[256] = {
	['0' ... '9'] = PLAIN_URL | PLAIN_FORM,
	['A' ... 'Z'] = PLAIN_URL | PLAIN_FORM,
	['a' ... 'z'] = PLAIN_URL | PLAIN_FORM,
	['-'] = PLAIN_URL | PLAIN_FORM,
	['.'] = PLAIN_URL | PLAIN_FORM,
	['_'] = PLAIN_URL | PLAIN_FORM,
	['~'] = PLAIN_URL,
	['*'] = PLAIN_FORM,
};

static void percent_add_keeping(struct buf *out, struct slice s, enum plain kept, bool plus)
{
	while (s.n > 0) {
		size_t run = 0;
		uint8_t byte;

		while (run < s.n && (plain[(uint8_t)s.p[run]] & kept))
			run++;
		buf_add(out, s.p, run);
		s = slice_from(s, run);
		if (s.n == 0)
			return;
		byte = (uint8_t)s.p[0];
		if (plus && byte == ' ')
			buf_add_char(out, '+');
		else
			buf_add(out,
				(const char[]){ '%', "0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15] }, 3);
		s = slice_from(s, 1);
	}
}

void percent_add(struct buf *out, struct slice s)
{
	percent_add_keeping(out, s, PLAIN_URL, false);
}

void form_add(struct buf *out, struct slice s)
{
	percent_add_keeping(out, s, PLAIN_FORM, true);
}

void percent_decode(struct buf *out, struct slice s, bool plus_is_blank)
{
	uint8_t byte;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%' && s.n - i > 2 && hex_read(slice_of(s.p + i + 1, 2), &byte, 1)) {
			buf_add_char(out, (char)byte);
			i += 2;
		} else {
			buf_add_char(out, plus_is_blank && s.p[i] == '+' ? ' ' : s.p[i]);
		}
	}
}
