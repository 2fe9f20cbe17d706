/*
 * The GSM alphabet (3GPP TS 23.038): which texts it can write, and in how many
 * parts a text goes. Outside of it a text goes in UTF-16. A gateway does both for
 * itself; here it is known for the order's `coding` and the message's num_parts.
 *
 * A text of several parts has a header in each, which leaves less room; neither an escaped character (two septets) nor
 * a surrogate pair is split between two parts.
 */
#include "hub/gsm.h"

#include "base/text.h"

#define SEPTETS_ALONE 160
#define SEPTETS_PART  153
#define UNITS_ALONE   70
#define UNITS_PART    67

/* ASCII that the basic alphabet has not; what of it the extension table has costs two septets. */
static const char not_basic[] = "`[\\]^{|}~";
static const char escaped[] = "[\\]^{|}~\f";
#define EURO 0x20ac

/* The basic alphabet beyond ASCII, ascending. */
static const uint16_t basic[] = {
	0xa1, 0xa3, 0xa4, 0xa5,	 0xa7,	0xbf,  0xc4,  0xc5,  0xc6,  0xc7,  0xc9,  0xd1,	 0xd6,
	0xd8, 0xdc, 0xdf, 0xe0,	 0xe4,	0xe5,  0xe6,  0xe8,  0xe9,  0xec,  0xf1,  0xf2,	 0xf6,
	0xf8, 0xf9, 0xfc, 0x393, 0x394, 0x398, 0x39b, 0x39e, 0x3a0, 0x3a3, 0x3a6, 0x3a8, 0x3a9,
};

static bool is_basic(uint32_t rune)
{
	if (rune < 0x80)
		return rune == '\n' || rune == '\r' ||
		       (rune >= 0x20 && rune < 0x7f && !memchr(not_basic, (int)rune, sizeof(not_basic) - 1));
	for (size_t i = 0; i < sizeof(basic) / sizeof(basic[0]) && basic[i] <= rune; i++)
		if (basic[i] == rune)
			return true;
	return false;
}

static bool is_escaped(uint32_t rune)
{
	return rune == EURO || (rune < 0x80 && rune > 0 && memchr(escaped, (int)rune, sizeof(escaped) - 1));
}

/* 0: it has no place in the alphabet. */
static int septets(uint32_t rune)
{
	if (is_basic(rune))
		return 1;
	return is_escaped(rune) ? 2 : 0;
}

static int utf16_units(uint32_t rune)
{
	return rune > 0xffff ? 2 : 1;
}

/* The next character; what is no UTF-8 counts as one that nobody knows. */
static uint32_t next_rune(struct slice *s)
{
	uint32_t rune = 0xfffd;
	size_t n = utf8_next(*s, &rune);

	*s = slice_from(*s, n ? n : 1);
	return n ? rune : 0xfffd;
}

bool gsm_fits(struct slice utf8)
{
	while (utf8.n > 0)
		if (septets(next_rune(&utf8)) == 0)
			return false;
	return true;
}

static int count_parts(struct slice utf8, int (*size)(uint32_t rune), int alone, int part)
{
	int parts = 1, used = 0, all = 0;

	while (utf8.n > 0) {
		int n = size(next_rune(&utf8));

		all += n;
		if (used + n > part) {
			parts++;
			used = 0;
		}
		used += n;
	}
	return all <= alone ? 1 : parts;
}

int gsm_parts(struct slice utf8)
{
	return gsm_fits(utf8) ? count_parts(utf8, septets, SEPTETS_ALONE, SEPTETS_PART)
			      : count_parts(utf8, utf16_units, UNITS_ALONE, UNITS_PART);
}
