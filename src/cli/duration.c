/*
 * Writing and reading of times on the command line. Moments
 * are UTC: a shell script must mean the same wherever it runs.
 */
#include "cli/duration.h"

#include "base/text.h"
#include "base/when.h"

void duration_add(struct buf *out, int64_t seconds)
{
	static const struct {
		int64_t s;
		char letter;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	int shown = 0;

	if (seconds <= 0) {
		buf_add_char(out, '-');
		return;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		int64_t n = seconds / units[i].s;

		if (shown == 2 || (n == 0 && shown == 0))
			continue;
		if (n > 0)
			buf_addf(out, "%s%lld%c", shown ? " " : "", (long long)n, units[i].letter);
		shown++;
		seconds %= units[i].s;
	}
}

bool since_read(struct slice s, int64_t now_s, int64_t *ret_s)
{
	int64_t ms;

	/* In this order: a bare number is a moment here, and a span to duration_read. */
	if (when_read(s, &ms)) {
		*ret_s = ms / 1000;
		return true;
	}
	if (!duration_read(s, &ms))
		return false;
	*ret_s = now_s - ms / 1000;
	return true;
}
