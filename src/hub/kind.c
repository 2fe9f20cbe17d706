/*
 * The kinds: the letters their ids begin with and the words that errors use, and ids themselves. An id is made inside a
 * commit, on the store thread, so the two numbers that make it unique need no lock: the milliseconds, never going back,
 * and a count within them. Both are written with digits whose order is that of ASCII, so ids of one kind sort by the
 * time they were made, and an index ordered by (value, id) has the newest last among equals. The random end keeps
 * strangers from guessing the ids of others.
 */
#include "hub/kind.h"

#include "base/digest.h"
#include "hub/hub_impl.h"

#define TIME_DIGITS   8	 /* of 62: until the year 8888 */
#define COUNT_DIGITS  3	 /* 238,328 ids a millisecond, then the next one is taken */
#define CHANCE_DIGITS 11 /* as many as 64 bits need */
#define COUNTS	      (62u * 62 * 62)

const struct kind_row kind_table[KINDS] = {
	[KIND_MESSAGE] = { "SM", "message" },
	[KIND_CONTACT] = { "CT", "contact" },
	[KIND_GROUP] = { "CG", "group" },
	[KIND_LABEL] = { "CL", "label" },
	[KIND_PHONE] = { "PN", "phone" },
	[KIND_SERVICE] = { "SV", "service" },
	[KIND_STATE] = { "ST", "state" },
	[KIND_BROADCAST] = { "BC", "broadcast" },
	[KIND_SERVICE_LOG] = { "SL", "log entry" },
	[KIND_LINK] = { "LK", "short link" },
	[KIND_MAIL] = { "ML", "mail" },
	[KIND_PROJECT] = { "PJ", "project" },
};

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* v in exactly so many digits, the highest first; returns what follows. */
static char *write_number(char *p, uint64_t v, int count)
{
	for (int i = count - 1; i >= 0; i--) {
		p[i] = digits[v % 62];
		v /= 62;
	}
	return p + count;
}

void kind_id(struct hub *h, enum kind kind, int64_t now_ms, char ret[HUB_ID_BYTES])
{
	uint64_t chance;
	const char *prefix = kind_table[kind].prefix;
	char *p = ret;

	if (now_ms > h->last_id_ms) {
		h->last_id_ms = now_ms;
		h->last_id_count = 0;
	} else if (++h->last_id_count == COUNTS) {
		h->last_id_ms++;
		h->last_id_count = 0;
	}
	while (*prefix)
		*p++ = *prefix++;
	p = write_number(p, (uint64_t)h->last_id_ms, TIME_DIGITS);
	p = write_number(p, h->last_id_count, COUNT_DIGITS);
	random_secure(&chance, sizeof(chance));
	*write_number(p, chance, CHANCE_DIGITS) = '\0';
}
