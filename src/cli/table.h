/* Rows of cells in aligned columns. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "base/buf.h"

#define TABLE_COLUMNS_MAX 12

struct table {
	size_t columns;
	bool right[TABLE_COLUMNS_MAX]; /* numbers stand to the right */
	char **cells;
	size_t count;
};

/* format: one letter a column, 'l' or 'r'. */
void table_init(struct table *t, const char *format);
/* The next cell, row by row from the left; harmless for a terminal afterwards. */
void table_add(struct table *t, struct slice cell);
void table_add_str(struct table *t, const char *cell);
/* All rows, two blanks between columns, none at the end of a line. */
void table_write(const struct table *t, struct buf *out);
void table_free(struct table *t);

#endif
