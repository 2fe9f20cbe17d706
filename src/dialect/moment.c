/*
 * Formats of times. A format is walked conversion by conversion; the four words are
 * formats of their own, named because nearly every vendor uses one of them. English
 * names only: what a receiver's program reads must not change with a locale.
 */
#include "dialect/moment.h"

#include "base/text.h"

#define SECOND_US     INT64_C(1000000)
#define DAY_S	      86400
#define YEAR_10000    INT64_C(253402300800)
#define CONVERSIONS   "YymdHMSLfzbasFT%"
#define ISO_OFFSET    "%Y-%m-%dT%H:%M:%S%:z"
#define ISO_MS_OFFSET "%Y-%m-%dT%H:%M:%S.%L%:z"

static const char *const month_names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char *const day_names[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" }; /* from 1970-01-01 on */

/* A moment taken apart. */
struct parts {
	int64_t unix_s, days;
	int second_of_day, micros, offset_s;
	struct civil date;
};

static bool is_word(struct slice format)
{
	return slice_is(format, "unix") || slice_is(format, "unix_ms") || slice_is(format, "iso") ||
	       slice_is(format, "iso_ms");
}

int moment_check(struct slice format, struct fault *fault)
{
	if (is_word(format))
		return 0;
	if (slice_find(format, '%') == format.n)
		return fault_param(fault, "",
				   "a time format is unix, unix_ms, iso, iso_ms, or has conversions like "
				   "%%Y-%%m-%%d %%H:%%M:%%S");
	for (size_t i = 0; i < format.n; i++) {
		if (format.p[i] != '%')
			continue;
		i++;
		if (i + 1 < format.n && format.p[i] == ':' && format.p[i + 1] == 'z')
			i++;
		else if (i == format.n || !strchr(CONVERSIONS, format.p[i]))
			return fault_param(fault, "",
					   "a time format knows %%Y %%y %%m %%d %%H %%M %%S %%L %%f %%z %%:z %%b %%a "
					   "%%s %%F %%T and %%%%, not %%%.*s",
					   i < format.n, format.p + i);
	}
	return 0;
}

bool moment_is_number(struct slice format)
{
	return slice_is(format, "unix") || slice_is(format, "unix_ms") || slice_is(format, "%s");
}

static struct parts take_apart(int64_t unix_us, const struct zone *zone)
{
	struct parts p;
	int64_t local;

	p.unix_s = unix_us / SECOND_US;
	p.micros = (int)(unix_us % SECOND_US);
	p.offset_s = zone_offset_s(zone, p.unix_s);
	local = p.unix_s + p.offset_s;
	p.days = local / DAY_S - (local % DAY_S < 0);
	p.second_of_day = (int)(local - p.days * DAY_S);
	p.date = civil_from_days(p.days);
	return p;
}

static void add_digits(struct buf *out, int number, size_t digits)
{
	char *p = buf_extend(out, digits);

	for (size_t i = digits; p && i-- > 0; number /= 10)
		p[i] = (char)('0' + number % 10);
}

static void add_offset(struct buf *out, int offset_s, bool colon)
{
	int minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;

	buf_add_char(out, offset_s < 0 ? '-' : '+');
	add_digits(out, minutes / 60, 2);
	if (colon)
		buf_add_char(out, ':');
	add_digits(out, minutes % 60, 2);
}

static void add_format(struct buf *out, struct slice format, const struct parts *p);

static void add_conversion(struct buf *out, char c, const struct parts *p)
{
	switch (c) {
	case 'Y':
		add_digits(out, (int)p->date.year, 4);
		break;
	case 'y':
		add_digits(out, (int)(p->date.year % 100), 2);
		break;
	case 'm':
		add_digits(out, p->date.month, 2);
		break;
	case 'd':
		add_digits(out, p->date.day, 2);
		break;
	case 'H':
		add_digits(out, p->second_of_day / 3600, 2);
		break;
	case 'M':
		add_digits(out, p->second_of_day / 60 % 60, 2);
		break;
	case 'S':
		add_digits(out, p->second_of_day % 60, 2);
		break;
	case 'L':
		add_digits(out, p->micros / 1000, 3);
		break;
	case 'f':
		add_digits(out, p->micros, 6);
		break;
	case 'z':
		add_offset(out, p->offset_s, false);
		break;
	case 'b':
		buf_add_str(out, month_names[p->date.month - 1]);
		break;
	case 'a':
		buf_add_str(out, day_names[(p->days % 7 + 7) % 7]);
		break;
	case 's':
		buf_add_i64(out, p->unix_s);
		break;
	case 'F':
		add_format(out, SLICE_LIT("%Y-%m-%d"), p);
		break;
	case 'T':
		add_format(out, SLICE_LIT("%H:%M:%S"), p);
		break;
	default: /* %% */
		buf_add_char(out, c);
		break;
	}
}

static void add_format(struct buf *out, struct slice format, const struct parts *p)
{
	for (size_t i = 0; i < format.n; i++) {
		if (format.p[i] != '%') {
			buf_add_char(out, format.p[i]);
		} else if (format.p[++i] == ':') {
			add_offset(out, p->offset_s, true);
			i++;
		} else {
			add_conversion(out, format.p[i], p);
		}
	}
}

void moment_add(struct buf *out, struct slice format, int64_t unix_us, const struct zone *zone)
{
	struct parts p;

	if (unix_us < 0 || unix_us / SECOND_US >= YEAR_10000 - DAY_S)
		return;
	p = take_apart(unix_us, zone);
	if (slice_is(format, "unix"))
		buf_add_i64(out, p.unix_s);
	else if (slice_is(format, "unix_ms"))
		buf_add_i64(out, unix_us / 1000);
	else if (slice_is(format, "iso"))
		add_format(out, zone ? SLICE_LIT(ISO_OFFSET) : SLICE_LIT("%Y-%m-%dT%H:%M:%SZ"), &p);
	else if (slice_is(format, "iso_ms"))
		add_format(out, zone ? SLICE_LIT(ISO_MS_OFFSET) : SLICE_LIT("%Y-%m-%dT%H:%M:%S.%LZ"), &p);
	else
		add_format(out, format, &p);
}
