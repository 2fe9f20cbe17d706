/* Times come from query strings, where + has become a blank, and from JSON, as numbers or text. */
#include "api/when.h"

#include <stdlib.h>
#include <time.h>

#define SECONDS_MAX 253402300799 /* the last of the year 9999 */

/* A cursor; what does not fit makes it fail for good. */
struct cursor {
	struct slice s;
	bool failed;
};

static bool at(struct cursor *c, const char *set)
{
	return !c->failed && c->s.n > 0 && strchr(set, c->s.p[0]);
}

static void skip(struct cursor *c, const char *set)
{
	if (at(c, set))
		c->s = slice_from(c->s, 1);
	else
		c->failed = true;
}

static int digits(struct cursor *c, size_t n, int most)
{
	long long v = 0;

	if (c->failed || c->s.n < n || !slice_to_i64(slice_of(c->s.p, n), &v) || v < 0 || v > most) {
		c->failed = true;
		return 0;
	}
	c->s = slice_from(c->s, n);
	return (int)v;
}

static int fraction_ms(struct cursor *c)
{
	int ms = 0, scale = 100;

	while (c->s.n > 0 && c->s.p[0] >= '0' && c->s.p[0] <= '9') {
		ms += (c->s.p[0] - '0') * scale;
		scale /= 10;
		c->s = slice_from(c->s, 1);
	}
	return ms;
}

/* Seconds east of Greenwich. */
static int zone(struct cursor *c)
{
	int sign, seconds;

	if (at(c, "Zz"))
		skip(c, "Zz");
	if (c->s.n == 0)
		return 0;
	sign = at(c, "-") ? -1 : 1;
	skip(c, "+- ");
	seconds = digits(c, 2, 23) * 3600;
	if (at(c, ":"))
		skip(c, ":");
	return sign * (seconds + digits(c, 2, 59) * 60);
}

static bool read_iso(struct slice s, int64_t *ret_ms)
{
	struct cursor c = { s, false };
	struct tm tm = { 0 }, back;
	int ms = 0, east = 0;
	time_t seconds;

	tm.tm_year = digits(&c, 4, 9999) - 1900;
	skip(&c, "-");
	tm.tm_mon = digits(&c, 2, 12) - 1;
	skip(&c, "-");
	tm.tm_mday = digits(&c, 2, 31);
	if (!c.failed && c.s.n > 0) {
		skip(&c, "Tt ");
		tm.tm_hour = digits(&c, 2, 23);
		skip(&c, ":");
		tm.tm_min = digits(&c, 2, 59);
		if (at(&c, ":")) {
			skip(&c, ":");
			tm.tm_sec = digits(&c, 2, 59);
		}
		if (at(&c, ".")) {
			skip(&c, ".");
			ms = fraction_ms(&c);
		}
		east = zone(&c);
	}
	back = tm;
	seconds = timegm(&back);
	/* timegm makes 3 March of 31 February. */
	if (c.failed || c.s.n > 0 || back.tm_mday != tm.tm_mday || back.tm_mon != tm.tm_mon)
		return false;
	*ret_ms = ((int64_t)seconds - east) * 1000 + ms;
	return true;
}

static bool read_seconds(struct slice s, int64_t *ret_ms)
{
	char text[40], *end;
	double seconds;

	if (s.n == 0 || s.n >= sizeof(text) || !memchr("0123456789", s.p[0], 10))
		return false;
	slice_copy(text, sizeof(text), s);
	seconds = strtod(text, &end);
	if (*end || !(seconds >= 0 && seconds <= SECONDS_MAX) || memchr(text, 'x', s.n) || memchr(text, 'X', s.n))
		return false;
	*ret_ms = (int64_t)(seconds * 1000 + 0.5);
	return true;
}

bool when_read(struct slice s, int64_t *ret_ms)
{
	return read_seconds(s, ret_ms) || read_iso(s, ret_ms);
}
