/*
 * One value of a form or a query. Everything but a placeholder is text, and text of any kind can be encoded, so nothing
 * can be wrong here but a placeholder itself.
 */
#include "dialect/template_parts.h"

int template_scan_form(struct builder *b)
{
	for (size_t at = 0; at < b->text.n; at++) {
		struct hole hole;
		int length = b->text.p[at] == '{' ? builder_read(b, at, &hole) : 0;

		if (length < 0)
			return length;
		if (length > 0) {
			builder_hole(b, at, (size_t)length, &hole, PLACE_FORM);
			at += (size_t)length - 1;
		}
	}
	return 0;
}
