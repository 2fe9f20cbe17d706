/*
 * Times, durations and sizes as text. Dates are computed by Howard Hinnant's days-from-civil arithmetic: no table, no
 * locale, no time zone, and the same answer in every thread.
 */
#include "base/text.h"

#define DAY_S  86400
#define YEAR_1 (-62135596800LL) /* 0001-01-01T00:00:00Z */
#define YEAR_X 253402300800LL	/* 10000-01-01T00:00:00Z */

/* Years are counted from March, so that the leap day is the last of its year. */
int64_t days_from_civil(struct civil c)
{
	int64_t y = c.month <= 2 ? c.year - 1 : c.year;
	int64_t era = (y >= 0 ? y : y - 399) / 400, year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (c.month + (c.month > 2 ? -3 : 9)) + 2) / 5 + c.day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

struct civil civil_from_days(int64_t days)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, day_of_era = z - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */
	struct civil c;

	c.day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	c.month = (int)(month < 10 ? month + 3 : month - 9);
	c.year = year_of_era + era * 400 + (c.month <= 2);
	return c;
}

/* Days that do not exist are counted on into the next month, so they come back as others. */
bool civil_exists(struct civil c)
{
	struct civil back;

	if (c.year < 1 || c.month < 1 || c.month > 12)
		return false;
	back = civil_from_days(days_from_civil(c));
	return back.day == c.day && back.month == c.month;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* False, and nothing added, outside the years 1 to 9999. */
static bool add_date_time(struct buf *out, int64_t t, char between)
{
	int64_t days = floor_div(t, DAY_S);
	int second_of_day = (int)(t - days * DAY_S);
	struct civil c;

	if (t < YEAR_1 || t >= YEAR_X)
		return false;
	c = civil_from_days(days);
	buf_addf(out, "%04d-%02d-%02d%c%02d:%02d:%02d", (int)c.year, c.month, c.day, between, second_of_day / 3600,
		 second_of_day / 60 % 60, second_of_day % 60);
	return true;
}

void time_add_datetime(struct buf *out, int64_t unix_seconds)
{
	add_date_time(out, unix_seconds, ' ');
}

void time_add_iso(struct buf *out, int64_t unix_seconds)
{
	if (add_date_time(out, unix_seconds, 'T'))
		buf_add_char(out, 'Z');
}

void time_add_iso_ms(struct buf *out, int64_t unix_ms)
{
	int64_t seconds = floor_div(unix_ms, 1000);

	if (add_date_time(out, seconds, 'T'))
		buf_addf(out, ".%03dZ", (int)(unix_ms - seconds * 1000));
}

/*
 * --- HTTP-date: a cursor and a handful of bites; every bite
 * fails for good, so a pattern reads like the form it reads ---
 */

struct cursor {
	struct slice rest;
	bool bad;
};

static void bite(struct cursor *c, const char *literal)
{
	struct slice s = slice_str(literal);

	if (c->bad || !slice_starts(c->rest, s))
		c->bad = true;
	else
		c->rest = slice_from(c->rest, s.n);
}

static int bite_number(struct cursor *c, size_t digits)
{
	long long v;

	if (c->bad || c->rest.n < digits || c->rest.p[0] == '-' || !slice_to_i64(slice_of(c->rest.p, digits), &v)) {
		c->bad = true;
		return 0;
	}
	c->rest = slice_from(c->rest, digits);
	return (int)v;
}

/* asctime's day of the month: two digits, or a blank and one. */
static int bite_padded_day(struct cursor *c)
{
	if (c->rest.n > 0 && c->rest.p[0] == ' ') {
		bite(c, " ");
		return bite_number(c, 1);
	}
	return bite_number(c, 2);
}

/* One of the words of `names`; its index. */
static int bite_word(struct cursor *c, const char *const *names, int count)
{
	for (int i = 0; !c->bad && i < count; i++)
		if (slice_starts(c->rest, slice_str(names[i]))) {
			bite(c, names[i]);
			return i;
		}
	c->bad = true;
	return 0;
}

static int bite_month(struct cursor *c)
{
	static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

	return bite_word(c, names, 12) + 1;
}

/* Seconds since midnight; 60 is a leap second. */
static int bite_clock(struct cursor *c)
{
	int hour, minute, second;

	hour = bite_number(c, 2);
	bite(c, ":");
	minute = bite_number(c, 2);
	bite(c, ":");
	second = bite_number(c, 2);
	if (hour > 23 || minute > 59 || second > 60)
		c->bad = true;
	return hour * 3600 + minute * 60 + second;
}

/* What follows the weekday's first three letters tells the form. */
static int bite_rest_of_date(struct cursor *c, struct civil *ret)
{
	static const char *const long_days[] = { "day", "sday", "nesday", "rsday", "urday" };
	int clock;

	if (slice_starts(c->rest, SLICE_LIT(", "))) { /* , 06 Nov 1994 08:49:37 GMT */
		bite(c, ", ");
		ret->day = bite_number(c, 2);
		bite(c, " ");
		ret->month = bite_month(c);
		bite(c, " ");
		ret->year = bite_number(c, 4);
	} else if (slice_starts(c->rest, SLICE_LIT(" "))) { /*  Nov  6 08:49:37 1994 */
		bite(c, " ");
		ret->month = bite_month(c);
		bite(c, " ");
		ret->day = bite_padded_day(c);
		bite(c, " ");
		clock = bite_clock(c);
		bite(c, " ");
		ret->year = bite_number(c, 4);
		return clock;
	} else { /* day, 06-Nov-94 08:49:37 GMT */
		bite_word(c, long_days, 5);
		bite(c, ", ");
		ret->day = bite_number(c, 2);
		bite(c, "-");
		ret->month = bite_month(c);
		bite(c, "-");
		ret->year = bite_number(c, 2);
		/*
		 * RFC 9110 pivots fifty years after now; a fixed pivot
		 * needs no clock and is the same for every date in use
		 */
		ret->year += ret->year < 70 ? 2000 : 1900;
	}
	bite(c, " ");
	clock = bite_clock(c);
	bite(c, " GMT");
	return clock;
}

bool time_read_http(struct slice s, int64_t *ret_seconds)
{
	static const char *const weekdays[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
	struct cursor c = { .rest = s };
	struct civil date = { 0 };
	int clock;

	bite_word(&c, weekdays, 7);
	clock = bite_rest_of_date(&c, &date);
	if (c.bad || c.rest.n > 0 || !civil_exists(date))
		return false;
	*ret_seconds = days_from_civil(date) * DAY_S + clock;
	return true;
}

/* --- numbers with a unit --- */

struct unit {
	const char *suffix;
	int64_t factor;
};

/* Digits only, then the first suffix that fits to the end; false on anything else, overflow included. */
static bool read_with_unit(struct slice s, const struct unit *units, size_t count, int64_t *ret)
{
	size_t digits = 0;
	long long number;
	int64_t v;

	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	if (!slice_to_i64(slice_of(s.p, digits), &number))
		return false;
	for (size_t i = 0; i < count; i++)
		if (slice_is(slice_from(s, digits), units[i].suffix)) {
			if (__builtin_mul_overflow(number, units[i].factor, &v))
				return false;
			*ret = v;
			return true;
		}
	return false;
}

bool duration_read(struct slice s, int64_t *ret_ms)
{
	static const struct unit units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
	};

	return s.n > 0 && read_with_unit(s, units, sizeof(units) / sizeof(units[0]), ret_ms);
}

bool size_read(struct slice s, int64_t *ret_bytes)
{
	static const struct unit units[] = { { "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 } };

	return s.n > 0 && read_with_unit(s, units, sizeof(units) / sizeof(units[0]), ret_bytes);
}
