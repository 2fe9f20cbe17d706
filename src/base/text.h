/*
 * Encodings and formats of text: UTF-8, hex, base64, percent,
 * times, durations. All append to a buf or answer a question.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdint.h>

#include "base/buf.h"

/* True when s is well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool utf8_valid(struct slice s);
/*
 * The length in bytes of the well-formed sequence at the front
 * of s, 0 when there is none; *ret_rune gets the code point.
 */
size_t utf8_next(struct slice s, uint32_t *ret_rune);
size_t utf8_write(char ret[4], uint32_t rune); /* rune at most U+10FFFF; returns the length */
void utf8_add(struct buf *out, uint32_t rune);
/* At most so many bytes of s, not cut in the midst of a character. */
struct slice utf8_cut(struct slice s, size_t max);

/*
 * An id that callers choose: 1 to `most` characters of A-Z a-z 0-9 _ . - and neither . nor .. - clients and proxies
 * take those out of a path, so nobody could ever call such a thing.
 */
bool id_valid(struct slice s, size_t most);

int hex_digit(char c);					/* its value, -1 when c is none */
void hex_add(struct buf *out, const void *p, size_t n); /* lower case */
/* Decodes exactly 2 * n hex digits; false on anything else. */
bool hex_read(struct slice s, void *dst, size_t n);
void base64_add(struct buf *out, const void *p, size_t n);    /* padded, + and / */
void base64url_add(struct buf *out, const void *p, size_t n); /* unpadded, - and _ */
/* Strict, padded; appends the bytes; false and out untouched on anything else. */
bool base64_read(struct slice s, struct buf *out);
/* All bytes but RFC 3986 unreserved as %XX. */
void percent_add(struct buf *out, struct slice s);
/* Like percent_add, but blank as +, and * - . _ kept: application/x-www-form-urlencoded. */
void form_add(struct buf *out, struct slice s);
/* Decodes %XX (and + as blank when plus_is_blank); bad escapes stay as they are. */
void percent_decode(struct buf *out, struct slice s, bool plus_is_blank);

/* A day of the Gregorian calendar, and days since 1970-01-01; any year. */
struct civil {
	int64_t year;
	int month, day;
};
int64_t days_from_civil(struct civil c);
struct civil civil_from_days(int64_t days);
/* False for 30 February, month 13, day 0; from year 1 on. */
bool civil_exists(struct civil c);
/* "2019-01-10 13:00:00" and "2019-01-10T13:00:00Z", UTC, for any year 0001 - 9999; others give "". */
void time_add_datetime(struct buf *out, int64_t unix_seconds);
void time_add_iso(struct buf *out, int64_t unix_seconds);
/* "2019-01-10T13:00:00.123Z" from milliseconds. */
void time_add_iso_ms(struct buf *out, int64_t unix_ms);
/* An HTTP-date (any of RFC 9110's three forms) to Unix seconds; false when it is none. */
bool time_read_http(struct slice s, int64_t *ret_seconds);
/* "250ms", "10s", "5m", "2h", "1d", a bare number means seconds; to milliseconds. */
bool duration_read(struct slice s, int64_t *ret_ms);
/* "16K", "4M", "1G", bytes otherwise. */
bool size_read(struct slice s, int64_t *ret_bytes);

#endif
