/*
 * Numbers as the world writes them: +, calling code, national number. Gateways give numbers as their networks do,
 * "070-123 45 67" or "46701234567"; relative to the country of the phone that received it such a number means one
 * in the world. Alphanumeric senders and short codes mean none, and what is in doubt is left alone: a receiver that
 * gets no from_number_e164 still has from_number, one that gets a wrong one is misled.
 *
 * The table has for each country its calling code, the trunk prefix that is dialled before a national number inside the
 * country and is no part of it, and the lengths of national numbers where they are certain (0: not; then 7 and more).
 */
#include "hub/e164.h"

#define DIGITS_MAX     15 /* E.164 */
#define DIGITS_MIN     7
#define NATIONAL_SHORT 7 /* fewer digits are a short code, where nothing else is known */

struct country {
	char iso[3];
	char code[4];
	char trunk[3];
	uint8_t least, most; /* digits of a national number without the trunk prefix */
};

static const struct country countries[] = {
	{ "AC", "247", "", 0, 0 },   { "AD", "376", "", 6, 9 },	  { "AE", "971", "0", 7, 9 },
	{ "AF", "93", "0", 9, 9 },   { "AG", "1", "1", 10, 10 },  { "AI", "1", "1", 10, 10 },
	{ "AL", "355", "0", 0, 0 },  { "AM", "374", "0", 8, 8 },  { "AO", "244", "", 9, 9 },
	{ "AR", "54", "0", 0, 0 },   { "AS", "1", "1", 10, 10 },  { "AT", "43", "0", 0, 0 },
	{ "AU", "61", "0", 9, 9 },   { "AW", "297", "", 7, 7 },	  { "AX", "358", "0", 0, 0 },
	{ "AZ", "994", "0", 9, 9 },  { "BA", "387", "0", 0, 0 },  { "BB", "1", "1", 10, 10 },
	{ "BD", "880", "0", 0, 0 },  { "BE", "32", "0", 8, 9 },	  { "BF", "226", "", 8, 8 },
	{ "BG", "359", "0", 0, 0 },  { "BH", "973", "", 8, 8 },	  { "BI", "257", "", 8, 8 },
	{ "BJ", "229", "", 0, 0 },   { "BL", "590", "0", 9, 9 },  { "BM", "1", "1", 10, 10 },
	{ "BN", "673", "", 7, 7 },   { "BO", "591", "0", 8, 8 },  { "BQ", "599", "", 7, 8 },
	{ "BR", "55", "0", 10, 11 }, { "BS", "1", "1", 10, 10 },  { "BT", "975", "", 7, 8 },
	{ "BW", "267", "", 7, 8 },   { "BY", "375", "8", 9, 9 },  { "BZ", "501", "", 7, 7 },
	{ "CA", "1", "1", 10, 10 },  { "CC", "61", "0", 9, 9 },	  { "CD", "243", "0", 0, 0 },
	{ "CF", "236", "", 8, 8 },   { "CG", "242", "", 9, 9 },	  { "CH", "41", "0", 9, 9 },
	{ "CI", "225", "", 10, 10 }, { "CK", "682", "", 5, 5 },	  { "CL", "56", "", 9, 9 },
	{ "CM", "237", "", 9, 9 },   { "CN", "86", "0", 0, 0 },	  { "CO", "57", "", 10, 10 },
	{ "CR", "506", "", 8, 8 },   { "CU", "53", "0", 0, 0 },	  { "CV", "238", "", 7, 7 },
	{ "CW", "599", "", 7, 8 },   { "CX", "61", "0", 9, 9 },	  { "CY", "357", "", 8, 8 },
	{ "CZ", "420", "", 9, 9 },   { "DE", "49", "0", 0, 0 },	  { "DJ", "253", "", 8, 8 },
	{ "DK", "45", "", 8, 8 },    { "DM", "1", "1", 10, 10 },  { "DO", "1", "1", 10, 10 },
	{ "DZ", "213", "0", 8, 9 },  { "EC", "593", "0", 8, 9 },  { "EE", "372", "", 7, 8 },
	{ "EG", "20", "0", 8, 10 },  { "EH", "212", "0", 9, 9 },  { "ER", "291", "0", 7, 7 },
	{ "ES", "34", "", 9, 9 },    { "ET", "251", "0", 9, 9 },  { "FI", "358", "0", 0, 0 },
	{ "FJ", "679", "", 7, 7 },   { "FK", "500", "", 5, 5 },	  { "FM", "691", "", 7, 7 },
	{ "FO", "298", "", 6, 6 },   { "FR", "33", "0", 9, 9 },	  { "GA", "241", "0", 7, 8 },
	{ "GB", "44", "0", 9, 10 },  { "GD", "1", "1", 10, 10 },  { "GE", "995", "0", 9, 9 },
	{ "GF", "594", "0", 9, 9 },  { "GG", "44", "0", 10, 10 }, { "GH", "233", "0", 9, 9 },
	{ "GI", "350", "", 8, 8 },   { "GL", "299", "", 6, 6 },	  { "GM", "220", "", 7, 7 },
	{ "GN", "224", "", 8, 9 },   { "GP", "590", "0", 9, 9 },  { "GQ", "240", "", 9, 9 },
	{ "GR", "30", "", 10, 10 },  { "GT", "502", "", 8, 8 },	  { "GU", "1", "1", 10, 10 },
	{ "GW", "245", "", 9, 9 },   { "GY", "592", "", 7, 7 },	  { "HK", "852", "", 8, 8 },
	{ "HN", "504", "", 8, 8 },   { "HR", "385", "0", 0, 0 },  { "HT", "509", "", 8, 8 },
	{ "HU", "36", "06", 8, 9 },  { "ID", "62", "0", 0, 0 },	  { "IE", "353", "0", 7, 9 },
	{ "IL", "972", "0", 8, 9 },  { "IM", "44", "0", 10, 10 }, { "IN", "91", "0", 10, 10 },
	{ "IO", "246", "", 7, 7 },   { "IQ", "964", "0", 8, 10 }, { "IR", "98", "0", 10, 10 },
	{ "IS", "354", "", 7, 7 },   { "IT", "39", "", 0, 0 },	  { "JE", "44", "0", 10, 10 },
	{ "JM", "1", "1", 10, 10 },  { "JO", "962", "0", 8, 9 },  { "JP", "81", "0", 9, 10 },
	{ "KE", "254", "0", 9, 9 },  { "KG", "996", "0", 9, 9 },  { "KH", "855", "0", 8, 9 },
	{ "KI", "686", "", 0, 0 },   { "KM", "269", "", 7, 7 },	  { "KN", "1", "1", 10, 10 },
	{ "KP", "850", "0", 0, 0 },  { "KR", "82", "0", 0, 0 },	  { "KW", "965", "", 8, 8 },
	{ "KY", "1", "1", 10, 10 },  { "KZ", "7", "8", 10, 10 },  { "LA", "856", "0", 8, 10 },
	{ "LB", "961", "0", 7, 8 },  { "LC", "1", "1", 10, 10 },  { "LI", "423", "", 7, 9 },
	{ "LK", "94", "0", 9, 9 },   { "LR", "231", "0", 7, 9 },  { "LS", "266", "", 8, 8 },
	{ "LT", "370", "0", 8, 8 },  { "LU", "352", "", 0, 0 },	  { "LV", "371", "", 8, 8 },
	{ "LY", "218", "0", 8, 9 },  { "MA", "212", "0", 9, 9 },  { "MC", "377", "", 8, 9 },
	{ "MD", "373", "0", 8, 8 },  { "ME", "382", "0", 8, 9 },  { "MF", "590", "0", 9, 9 },
	{ "MG", "261", "0", 9, 9 },  { "MH", "692", "1", 7, 7 },  { "MK", "389", "0", 8, 8 },
	{ "ML", "223", "", 8, 8 },   { "MM", "95", "0", 0, 0 },	  { "MN", "976", "0", 0, 0 },
	{ "MO", "853", "", 8, 8 },   { "MP", "1", "1", 10, 10 },  { "MQ", "596", "0", 9, 9 },
	{ "MR", "222", "", 8, 8 },   { "MS", "1", "1", 10, 10 },  { "MT", "356", "", 8, 8 },
	{ "MU", "230", "", 7, 8 },   { "MV", "960", "", 7, 7 },	  { "MW", "265", "0", 7, 9 },
	{ "MX", "52", "", 10, 10 },  { "MY", "60", "0", 8, 10 },  { "MZ", "258", "", 8, 9 },
	{ "NA", "264", "0", 0, 0 },  { "NC", "687", "", 6, 6 },	  { "NE", "227", "", 8, 8 },
	{ "NF", "672", "", 6, 6 },   { "NG", "234", "0", 0, 0 },  { "NI", "505", "", 8, 8 },
	{ "NL", "31", "0", 9, 9 },   { "NO", "47", "", 8, 8 },	  { "NP", "977", "0", 0, 0 },
	{ "NR", "674", "", 7, 7 },   { "NU", "683", "", 0, 0 },	  { "NZ", "64", "0", 8, 10 },
	{ "OM", "968", "", 8, 8 },   { "PA", "507", "", 7, 8 },	  { "PE", "51", "0", 8, 9 },
	{ "PF", "689", "", 8, 8 },   { "PG", "675", "", 7, 8 },	  { "PH", "63", "0", 0, 0 },
	{ "PK", "92", "0", 0, 0 },   { "PL", "48", "", 9, 9 },	  { "PM", "508", "0", 0, 0 },
	{ "PR", "1", "1", 10, 10 },  { "PS", "970", "0", 8, 9 },  { "PT", "351", "", 9, 9 },
	{ "PW", "680", "", 7, 7 },   { "PY", "595", "0", 0, 0 },  { "QA", "974", "", 8, 8 },
	{ "RE", "262", "0", 9, 9 },  { "RO", "40", "0", 9, 9 },	  { "RS", "381", "0", 0, 0 },
	{ "RU", "7", "8", 10, 10 },  { "RW", "250", "0", 9, 9 },  { "SA", "966", "0", 9, 9 },
	{ "SB", "677", "", 5, 7 },   { "SC", "248", "", 7, 7 },	  { "SD", "249", "0", 9, 9 },
	{ "SE", "46", "0", 7, 10 },  { "SG", "65", "", 8, 8 },	  { "SH", "290", "", 5, 5 },
	{ "SI", "386", "0", 8, 8 },  { "SJ", "47", "", 8, 8 },	  { "SK", "421", "0", 9, 9 },
	{ "SL", "232", "0", 8, 8 },  { "SM", "378", "", 0, 0 },	  { "SN", "221", "", 9, 9 },
	{ "SO", "252", "0", 0, 0 },  { "SR", "597", "", 6, 7 },	  { "SS", "211", "0", 9, 9 },
	{ "ST", "239", "", 7, 7 },   { "SV", "503", "", 8, 8 },	  { "SX", "1", "1", 10, 10 },
	{ "SY", "963", "0", 8, 9 },  { "SZ", "268", "", 8, 8 },	  { "TA", "290", "", 0, 0 },
	{ "TC", "1", "1", 10, 10 },  { "TD", "235", "", 8, 8 },	  { "TG", "228", "", 8, 8 },
	{ "TH", "66", "0", 8, 9 },   { "TJ", "992", "", 9, 9 },	  { "TK", "690", "", 0, 0 },
	{ "TL", "670", "", 7, 8 },   { "TM", "993", "8", 8, 8 },  { "TN", "216", "", 8, 8 },
	{ "TO", "676", "", 0, 0 },   { "TR", "90", "0", 10, 10 }, { "TT", "1", "1", 10, 10 },
	{ "TV", "688", "", 0, 0 },   { "TW", "886", "0", 8, 9 },  { "TZ", "255", "0", 9, 9 },
	{ "UA", "380", "0", 9, 9 },  { "UG", "256", "0", 9, 9 },  { "US", "1", "1", 10, 10 },
	{ "UY", "598", "0", 0, 0 },  { "UZ", "998", "", 9, 9 },	  { "VA", "39", "", 0, 0 },
	{ "VC", "1", "1", 10, 10 },  { "VE", "58", "0", 10, 10 }, { "VG", "1", "1", 10, 10 },
	{ "VI", "1", "1", 10, 10 },  { "VN", "84", "0", 0, 0 },	  { "VU", "678", "", 5, 7 },
	{ "WF", "681", "", 6, 6 },   { "WS", "685", "", 0, 0 },	  { "XK", "383", "0", 8, 9 },
	{ "YE", "967", "0", 0, 0 },  { "YT", "262", "0", 9, 9 },  { "ZA", "27", "0", 9, 9 },
	{ "ZM", "260", "0", 9, 9 },  { "ZW", "263", "0", 0, 0 },
};
#define COUNTRIES (sizeof(countries) / sizeof(countries[0]))

/* Calling codes that belong to no country: satellites, networks, free phone. */
static const char *const networks[] = { "800", "808", "870", "878", "881", "882", "883", "888", "979" };

struct digits {
	char p[DIGITS_MAX + 5]; /* with an international prefix */
	size_t n;
	bool plus;
};

static struct slice view(const struct digits *d)
{
	return slice_of(d->p, d->n);
}

/* The digits, without what people write between them. False: it holds something else, or too many. */
static bool read_digits(struct slice s, struct digits *ret)
{
	*ret = (struct digits){ 0 };
	s = slice_trim(s);
	if (slice_starts(s, SLICE_LIT("+"))) {
		ret->plus = true;
		s = slice_from(s, 1);
	}
	for (size_t i = 0; i < s.n; i++) {
		/* "+46 (0)70": the trunk prefix, written for those who dial inside the country */
		if (ret->plus && slice_starts(slice_from(s, i), SLICE_LIT("(0)"))) {
			i += 2;
			continue;
		}
		if (strchr(" -.()/", s.p[i]) && s.p[i] != '\0')
			continue;
		if (s.p[i] < '0' || s.p[i] > '9' || ret->n == sizeof(ret->p))
			return false;
		ret->p[ret->n++] = s.p[i];
	}
	return true;
}

static const struct country *find_country(struct slice iso)
{
	for (size_t i = 0; i < COUNTRIES; i++)
		if (slice_eq_nocase(iso, slice_str(countries[i].iso)))
			return &countries[i];
	return NULL;
}

/* Most codes begin with another digit: this is asked several times a message. */
static bool begins(struct slice s, const char *code)
{
	return s.p[0] == code[0] && slice_starts(s, slice_str(code));
}

/* Does a calling code stand in front? */
static bool has_code(struct slice s)
{
	bool found = false;

	for (size_t i = 0; !found && s.n > 0 && i < COUNTRIES; i++)
		found = begins(s, countries[i].code);
	for (size_t i = 0; !found && s.n > 0 && i < sizeof(networks) / sizeof(networks[0]); i++)
		found = begins(s, networks[i]);
	return found;
}

static bool write_number(struct slice code, struct slice rest, struct buf *ret)
{
	if (code.n + rest.n < DIGITS_MIN || code.n + rest.n > DIGITS_MAX)
		return false;
	buf_add_char(ret, '+');
	buf_add_slice(ret, code);
	buf_add_slice(ret, rest);
	return true;
}

static bool fits(const struct country *c, size_t digits)
{
	if (c->most == 0)
		return digits >= NATIONAL_SHORT;
	return digits >= c->least && digits <= c->most;
}

/* An international number whose plus was lost, as many gateways give them. */
static bool is_bare(const struct country *c, struct slice s)
{
	size_t code = strlen(c->code);

	if (!slice_starts(s, slice_str(c->code)) || !fits(c, s.n - code))
		return false;
	/* shorter ones may as well be national, with an area code that looks like the calling code */
	return c->most > 0 ? s.n > c->most : s.n - code >= NATIONAL_SHORT + 2;
}

static bool from_national(const struct country *c, struct slice s, struct buf *ret)
{
	struct slice trunk = slice_str(c->trunk);

	if (is_bare(c, s))
		return write_number(SLICE_LIT(""), s, ret);
	if (trunk.n > 0 && slice_starts(s, trunk) && fits(c, s.n - trunk.n))
		s = slice_from(s, trunk.n);
	return fits(c, s.n) && write_number(slice_str(c->code), s, ret);
}

bool e164_of(struct slice number, struct slice country, struct buf *ret)
{
	const struct country *c = find_country(country);
	struct digits digits;
	struct slice s;

	if (!read_digits(number, &digits))
		return false;
	s = view(&digits);
	if (digits.plus)
		return has_code(s) && write_number(SLICE_LIT(""), s, ret);
	if (slice_starts(s, SLICE_LIT("00")))
		return has_code(slice_from(s, 2)) && write_number(SLICE_LIT(""), slice_from(s, 2), ret);
	if (c && strcmp(c->code, "1") == 0 && slice_starts(s, SLICE_LIT("011")))
		return has_code(slice_from(s, 3)) && write_number(SLICE_LIT(""), slice_from(s, 3), ret);
	return c && from_national(c, s, ret);
}
