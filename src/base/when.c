/*
 * Reading points in time. They come from query strings, where + has become a blank, from JSON, as numbers or text, from
 * events and from the command line: one reader, so that what is a time in one place is one everywhere. A cursor runs
 * over the text; what does not fit makes it fail for good.
 */
#include "base/when.h"

#include "base/text.h"

#define SECOND_US INT64_C(1000000)
#define DAY_S	  INT64_C(86400)
#define LAST_S                                                                                                         \
	(INT64_C(253402300800) -                                                                                       \
	 DAY_S) /* the year 9999 but for its last day, so that it is the same year in every zone */

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

/* The digits behind a point; what is finer than a microsecond is cut. */
static int64_t fraction_us(struct cursor *c)
{
	int64_t us = 0, unit = SECOND_US / 10;

	c->failed |= !at(c, "0123456789");
	for (; at(c, "0123456789"); unit /= 10) {
		us += (c->s.p[0] - '0') * unit;
		c->s = slice_from(c->s, 1);
	}
	return us;
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

/* Seconds since midnight, with the fraction in *ret_us. */
static int clock_read(struct cursor *c, int64_t *ret_us)
{
	int seconds = digits(c, 2, 23) * 3600;

	skip(c, ":");
	seconds += digits(c, 2, 59) * 60;
	if (at(c, ":")) {
		skip(c, ":");
		seconds += digits(c, 2, 59);
	}
	if (at(c, ".")) {
		skip(c, ".");
		*ret_us = fraction_us(c);
	}
	return seconds;
}

static bool read_iso(struct slice s, int64_t *ret_ms)
{
	struct cursor c = { s, false };
	struct civil date;
	int64_t us = 0, seconds = 0;

	date.year = digits(&c, 4, 9999);
	skip(&c, "-");
	date.month = digits(&c, 2, 12);
	skip(&c, "-");
	date.day = digits(&c, 2, 31);
	if (!c.failed && c.s.n > 0) {
		skip(&c, "Tt ");
		seconds = clock_read(&c, &us);
		seconds -= zone(&c);
	}
	if (c.failed || c.s.n > 0 || !civil_exists(date))
		return false;
	*ret_ms = (days_from_civil(date) * DAY_S + seconds) * 1000 + us / 1000;
	return true;
}

bool when_read_unix(struct slice s, int64_t *ret_us)
{
	size_t point = slice_find(s, '.');
	struct cursor c = { slice_from(s, point), false };
	int64_t fraction = 0;
	long long seconds;

	if (!slice_to_i64(slice_of(s.p, point), &seconds) || seconds < 0 || seconds >= LAST_S)
		return false;
	if (point < s.n) {
		skip(&c, ".");
		fraction = fraction_us(&c);
	}
	if (c.failed || c.s.n > 0)
		return false;
	*ret_us = seconds * SECOND_US + fraction;
	return true;
}

bool when_read(struct slice s, int64_t *ret_ms)
{
	int64_t us;

	if (!when_read_unix(s, &us))
		return read_iso(s, ret_ms);
	*ret_ms = us / 1000;
	return true;
}
