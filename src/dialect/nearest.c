/*
 * The nearest known word by edit distance (insert, drop, replace, each 1); a word of which only the beginning was
 * written is as near as one edit. Words are short and this runs only on the way to a refusal, so the plain quadratic
 * table, one row at a time, is enough; what lies beyond WORD_MAX bytes of a word is not looked at.
 */
#include "dialect/nearest.h"

#include <stdint.h>

#define WORD_MAX  64
#define BEGUN_MIN 3

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t edit_distance(struct slice a, struct slice b)
{
	size_t row[WORD_MAX + 1], rows = least(a.n, WORD_MAX), columns = least(b.n, WORD_MAX);

	for (size_t j = 0; j <= columns; j++)
		row[j] = j;
	for (size_t i = 1; i <= rows; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= columns; j++) {
			size_t replace = diagonal + (a.p[i - 1] != b.p[j - 1]);

			diagonal = row[j];
			row[j] = least(replace, least(row[j], row[j - 1]) + 1);
		}
	}
	return row[columns];
}

void nearest_begin(struct nearest *n, struct slice wanted)
{
	*n = (struct nearest){ .wanted = wanted, .best = slice_str(""), .distance = SIZE_MAX };
}

void nearest_offer(struct nearest *n, struct slice word)
{
	bool begun = n->wanted.n >= BEGUN_MIN && n->wanted.n < word.n && slice_starts(word, n->wanted);
	size_t distance = begun ? 1 : edit_distance(n->wanted, word);

	if (distance >= n->distance)
		return;
	n->distance = distance;
	n->best = word;
}
