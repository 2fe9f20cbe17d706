/* Columns as wide as their widest cell, counted in characters and not in bytes: names are UTF-8. */
#include "cli/table.h"

#include <assert.h>

#include "base/mem.h"
#include "base/terminal.h"

void table_init(struct table *t, const char *format)
{
	memset(t, 0, sizeof(*t));
	t->columns = strlen(format);
	assert(t->columns > 0 && t->columns <= TABLE_COLUMNS_MAX);
	for (size_t i = 0; i < t->columns; i++)
		t->right[i] = format[i] == 'r';
}

void table_add(struct table *t, struct slice cell)
{
	struct buf text;

	buf_init(&text, cell.n * 8 + 1);
	terminal_add(&text, cell);
	t->cells = mem_realloc(t->cells, (t->count + 1) * sizeof(*t->cells));
	t->cells[t->count++] = buf_take(&text);
}

void table_add_str(struct table *t, const char *cell)
{
	table_add(t, slice_str(cell));
}

static size_t width_of(const char *cell)
{
	size_t width = 0;

	for (; *cell; cell++)
		width += ((unsigned char)*cell & 0xc0) != 0x80;
	return width;
}

static void blanks_add(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_add_char(out, ' ');
}

void table_write(const struct table *t, struct buf *out)
{
	size_t widest[TABLE_COLUMNS_MAX] = { 0 }, column, missing;

	assert(t->count % t->columns == 0);
	for (size_t i = 0; i < t->count; i++)
		if (width_of(t->cells[i]) > widest[i % t->columns])
			widest[i % t->columns] = width_of(t->cells[i]);
	for (size_t i = 0; i < t->count; i++) {
		column = i % t->columns;
		missing = widest[column] - width_of(t->cells[i]);
		if (t->right[column])
			blanks_add(out, missing);
		buf_add_str(out, t->cells[i]);
		if (column + 1 == t->columns) {
			buf_add_char(out, '\n');
			continue;
		}
		blanks_add(out, (t->right[column] ? 0 : missing) + 2);
	}
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		mem_free(t->cells[i]);
	mem_free(t->cells);
}
