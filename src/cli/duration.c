/* Writing and reading of times on the command line. Moments are UTC: a shell script must mean the same wherever it runs. */
#include "cli/duration.h"

#include <time.h>

#include "base/text.h"

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

static bool date_read(struct slice s, int64_t *ret_s)
{
	char text[32];
	struct tm tm = { 0 };
	const char *end;

	if (s.n >= sizeof(text))
		return false;
	slice_copy(text, sizeof(text), s);
	end = strptime(text, "%Y-%m-%d", &tm);
	if (end && (*end == 'T' || *end == ' '))
		end = strptime(end + 1, "%H:%M:%S", &tm);
	if (!end || !(*end == '\0' || (end[0] == 'Z' && end[1] == '\0')))
		return false;
	*ret_s = timegm(&tm);
	return true;
}

bool since_read(struct slice s, int64_t now_s, int64_t *ret_s)
{
	long long number;
	int64_t before_ms;

	if (slice_to_i64(s, &number)) {
		*ret_s = number;
		return number >= 0;
	}
	if (duration_read(s, &before_ms)) {
		*ret_s = now_s - before_ms / 1000;
		return true;
	}
	return date_read(s, ret_s);
}
