/*
 * Zones as values. The C library knows one zone for a process and changes it under a lock; an endpoint has its own, so
 * the files of the IANA database are read here: TZif of version 2 or later (RFC 8536), whose list of changes ends with
 * a rule in POSIX's TZ notation for all years after it ("CET-1CEST,M3.5.0,M10.5.0/3"). Debian's files reach to 2037 by
 * list, slim ones of other systems only to the last change of the law, so the rule is not a luxury.
 *
 * A zone is read once, when an endpoint is compiled; what an update of the database changes counts from the next start.
 */
#include "dialect/zone.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

#define DAY_S	       86400
#define OFFSET_MAX_S   (24 * 3600 - 1)
#define NAME_MAX_BYTES 64
#define FILE_MAX       (256 * 1024)
#define HEADER_BYTES   44
#define CHANGES_MAX    2000

/* When a year's clocks change, by the wall clock that was right before. */
struct turn {
	enum {
		TURN_WEEKDAY,
		TURN_JULIAN,
		TURN_DAY
	} kind; /* M3.5.0, J60 (1 .. 365, 29 February never counted), 59 (0 .. 365) */
	int month, week, day;
	int32_t second; /* of that day; may be beyond it or before it */
};

struct rule {
	bool known, summer;
	int32_t standard_s, summer_s;
	struct turn begin, end;
};

struct change {
	int64_t from;
	int32_t offset_s;
};

struct zone {
	int32_t first_s; /* before the first change; of a fixed zone for all time */
	size_t count;
	struct change *changes;
	struct rule rule;
};

/* --- the rule --- */

static bool bite(struct slice *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = slice_from(*s, 1);
	return true;
}

static bool bite_number(struct slice *s, int most, int *ret)
{
	int n = 0;

	if (s->n == 0 || s->p[0] < '0' || s->p[0] > '9')
		return false;
	while (s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9') {
		n = n * 10 + (s->p[0] - '0');
		if (n > most)
			return false;
		*s = slice_from(*s, 1);
	}
	*ret = n;
	return true;
}

/* [+-]h[:mm[:ss]] */
static bool bite_time(struct slice *s, int32_t *ret)
{
	bool minus = bite(s, '-');
	int hours, minutes = 0, seconds = 0;

	if (!minus)
		bite(s, '+');
	if (!bite_number(s, 167, &hours))
		return false;
	if (bite(s, ':') && !bite_number(s, 59, &minutes))
		return false;
	if (bite(s, ':') && !bite_number(s, 59, &seconds))
		return false;
	*ret = (hours * 3600 + minutes * 60 + seconds) * (minus ? -1 : 1);
	return true;
}

static bool bite_name(struct slice *s)
{
	size_t n = 0;

	if (bite(s, '<')) {
		*s = slice_from(*s, slice_find(*s, '>'));
		return bite(s, '>');
	}
	while (n < s->n && ((s->p[n] | 32) >= 'a' && (s->p[n] | 32) <= 'z'))
		n++;
	*s = slice_from(*s, n);
	return n >= 3;
}

static bool bite_turn(struct slice *s, struct turn *ret)
{
	bool ok;

	*ret = (struct turn){ .second = 2 * 3600 };
	if (bite(s, 'M')) {
		ret->kind = TURN_WEEKDAY;
		ok = bite_number(s, 12, &ret->month) && ret->month > 0 && bite(s, '.') &&
		     bite_number(s, 5, &ret->week) && ret->week > 0 && bite(s, '.') && bite_number(s, 6, &ret->day);
	} else {
		ret->kind = bite(s, 'J') ? TURN_JULIAN : TURN_DAY;
		ok = bite_number(s, 365, &ret->day);
	}
	return ok && (!bite(s, '/') || bite_time(s, &ret->second));
}

/* POSIX counts offsets westwards. */
static bool rule_read(struct slice s, struct rule *ret)
{
	int32_t west;

	*ret = (struct rule){ .known = true };
	if (!bite_name(&s) || !bite_time(&s, &west))
		return false;
	ret->standard_s = -west;
	if (s.n == 0)
		return true;
	ret->summer = true;
	ret->summer_s = ret->standard_s + 3600;
	if (!bite_name(&s))
		return false;
	if (s.n > 0 && s.p[0] != ',') {
		if (!bite_time(&s, &west))
			return false;
		ret->summer_s = -west;
	}
	return bite(&s, ',') && bite_turn(&s, &ret->begin) && bite(&s, ',') && bite_turn(&s, &ret->end) && s.n == 0;
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Seconds of the wall clock since 1970. */
static int64_t turn_at(const struct turn *t, int64_t year)
{
	int64_t day = days_from_civil((struct civil){ year, 1, 1 });

	if (t->kind == TURN_WEEKDAY) {
		bool december = t->month == 12;
		int64_t first = days_from_civil((struct civil){ year, t->month, 1 });
		int64_t next = days_from_civil((struct civil){ year + december, december ? 1 : t->month + 1, 1 });
		int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */

		day = first + (t->day - weekday + 7) % 7 + 7 * (t->week - 1);
		if (day >= next) /* week 5 is the last one */
			day -= 7;
	} else if (t->kind == TURN_JULIAN) {
		day += t->day - 1 + (t->day >= 60 && is_leap(year));
	} else {
		day += t->day;
	}
	return day * DAY_S + t->second;
}

static int32_t rule_offset(const struct rule *r, int64_t t)
{
	int64_t days = (t + r->standard_s) / DAY_S - ((t + r->standard_s) % DAY_S < 0);
	int64_t year = civil_from_days(days).year, begin, end;
	bool summer;

	if (!r->summer)
		return r->standard_s;
	begin = turn_at(&r->begin, year) - r->standard_s;
	end = turn_at(&r->end, year) - r->summer_s;
	summer = begin < end ? t >= begin && t < end
			     : t >= begin || t < end; /* south of the equator it spans New Year */
	return summer ? r->summer_s : r->standard_s;
}

/* --- the file --- */

static uint64_t big_endian(const char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | (uint8_t)p[i];
	return v;
}

struct header {
	size_t universal, standard, leaps, changes, types, letters;
};

static bool header_read(struct slice s, struct header *ret)
{
	if (s.n < HEADER_BYTES || !slice_starts(s, SLICE_LIT("TZif")) || s.p[4] < '2')
		return false;
	ret->universal = big_endian(s.p + 20, 4);
	ret->standard = big_endian(s.p + 24, 4);
	ret->leaps = big_endian(s.p + 28, 4);
	ret->changes = big_endian(s.p + 32, 4);
	ret->types = big_endian(s.p + 36, 4);
	ret->letters = big_endian(s.p + 40, 4);
	return ret->changes <= CHANGES_MAX && ret->types >= 1 && ret->types <= 256 && ret->letters <= FILE_MAX &&
	       ret->leaps <= CHANGES_MAX && ret->universal <= 256 && ret->standard <= 256;
}

static size_t block_bytes(const struct header *h, size_t time_bytes)
{
	return h->changes * (time_bytes + 1) + h->types * 6 + h->letters + h->leaps * (time_bytes + 4) + h->standard +
	       h->universal;
}

/* The block of 64-bit times is the second one; the rule stands behind it on a line of its own. */
static bool file_read(struct slice file, struct zone *z)
{
	struct header h;
	struct slice rest;
	const char *types;

	if (!header_read(file, &h) || file.n - HEADER_BYTES < block_bytes(&h, 4))
		return false;
	rest = slice_from(file, HEADER_BYTES + block_bytes(&h, 4));
	if (!header_read(rest, &h) || rest.n - HEADER_BYTES < block_bytes(&h, 8))
		return false;
	rest = slice_from(rest, HEADER_BYTES);
	types = rest.p + h.changes * 9;
	z->first_s = (int32_t)big_endian(types, 4);
	z->count = h.changes;
	z->changes = mem_alloc((h.changes + 1) * sizeof(*z->changes));
	for (size_t i = 0; i < h.changes; i++) {
		uint8_t type = (uint8_t)rest.p[h.changes * 8 + i];

		if (type >= h.types)
			return false;
		z->changes[i].from = (int64_t)big_endian(rest.p + i * 8, 8);
		z->changes[i].offset_s = (int32_t)big_endian(types + (size_t)type * 6, 4);
	}
	rest = slice_from(rest, block_bytes(&h, 8));
	if (!bite(&rest, '\n'))
		return false;
	rest.n = slice_find(rest, '\n');
	return rest.n == 0 || rule_read(rest, &z->rule);
}

/* Letters, digits, _ + - and single slashes between: nothing that leads out of the folder. */
static bool name_ok(struct slice name)
{
	char before = '/';

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

		if (!letter && (before == '/' || !((c >= '0' && c <= '9') || strchr("_+-/", c))))
			return false;
		before = c;
	}
	return name.n > 0 && name.n <= NAME_MAX_BYTES && before != '/';
}

static bool named_read(struct slice name, struct zone *z)
{
	const char *folder = getenv("TZDIR");
	char path[512], *text;
	size_t n;
	FILE *in;
	bool ok;

	if (!name_ok(name))
		return false;
	snprintf(path, sizeof(path), "%s/%.*s", folder ? folder : "/usr/share/zoneinfo", SLICE_ARG(name));
	in = fopen(path, "rb");
	if (!in)
		return false;
	text = mem_alloc(FILE_MAX);
	n = fread(text, 1, FILE_MAX, in); /* of a folder: 0 bytes */
	ok = file_read(slice_of(text, n), z);
	mem_free(text);
	fclose(in);
	return ok;
}

/* --- zones --- */

/* "+02:00", "+0200", "+2" */
static bool fixed_read(struct slice s, int32_t *ret)
{
	bool minus = bite(&s, '-');
	int hours, minutes = 0;

	if (!minus && !bite(&s, '+'))
		return false;
	if (s.n == 4 && !memchr(s.p, ':', 4)) {
		if (!bite_number(&s, 2359, &hours))
			return false;
		minutes = hours % 100;
		hours /= 100;
	} else if (!bite_number(&s, 23, &hours) || (bite(&s, ':') && !bite_number(&s, 59, &minutes))) {
		return false;
	}
	*ret = (hours * 3600 + minutes * 60) * (minus ? -1 : 1);
	return s.n == 0 && minutes < 60 && abs(*ret) <= OFFSET_MAX_S;
}

int zone_read(struct slice name, struct zone **ret, struct fault *fault)
{
	struct zone *z;

	*ret = NULL;
	if (slice_is(name, "UTC") || slice_is(name, "Z"))
		return 0;
	z = mem_zalloc(sizeof(*z));
	if (fixed_read(name, &z->first_s) || named_read(name, z)) {
		*ret = z;
		return 0;
	}
	zone_free(&z);
	return fault_param(fault, "",
			   "is no time zone of this machine; write UTC, an offset like +02:00, or a name of the IANA "
			   "database like Europe/Berlin (Debian's package tzdata)");
}

void zone_free(struct zone **z)
{
	if (*z)
		mem_free((*z)->changes);
	mem_free(*z);
	*z = NULL;
}

int32_t zone_offset_s(const struct zone *z, int64_t t)
{
	size_t low = 0, high = z ? z->count : 0;

	if (!z)
		return 0;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (z->changes[middle].from <= t)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == z->count && z->rule.known)
		return rule_offset(&z->rule, t);
	return low == 0 ? z->first_s : z->changes[low - 1].offset_s;
}
