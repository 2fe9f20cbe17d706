/* Looking things up in a block of HTTP header lines. */
#include "base/http.h"

bool http_header_find(struct slice block, const char *name, struct slice *ret)
{
	while (block.n > 0) {
		size_t end = slice_find(block, '\n');
		struct slice line = slice_of(block.p, end);
		size_t colon = slice_find(line, ':');

		if (colon < line.n && slice_eq_nocase(slice_of(line.p, colon), slice_str(name))) {
			struct slice value = slice_from(line, colon + 1);

			if (value.n > 0 && value.p[value.n - 1] == '\r')
				value.n--;
			*ret = slice_trim(value);
			return true;
		}
		block = slice_from(block, end < block.n ? end + 1 : end);
	}
	return false;
}
