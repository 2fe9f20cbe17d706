/*
 * The reader against JSONTestSuite (Nicolas Seriot): y_ files must be accepted, n_ files refused, i_ files are ours to
 * choose but must not crash. The suite is not part of the project; where it is missing the test says so and is skipped.
 *
 * One exception, by design: y_object_duplicated_key*.json. RFC 8259 lets an object have a key twice and leaves open
 * what that means; two programs that choose differently are how a check is walked around, so it is refused here.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "harness.h"

#define SKIPPED 77 /* meson's exit code for it */

struct tally {
	unsigned accepted, refused, free, wrong;
};

static bool read_file(const char *folder, const char *name, struct buf *text)
{
	char path[4096];
	FILE *file;
	char *room;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!file)
		return false;
	room = buf_extend(text, 1 << 20);
	buf_truncate(text, fread(room, 1, 1 << 20, file));
	fclose(file);
	return true;
}

static bool expected_to_pass(const char *name)
{
	return name[0] == 'y' && strncmp(name, "y_object_duplicated_key", 23) != 0;
}

static void try_one(const char *name, struct slice text, struct tally *tally)
{
	struct json_doc doc;
	struct fault fault = { 0 };
	int r;

	json_doc_init(&doc);
	r = json_parse(&doc, text, &json_limits_default, &fault);
	json_doc_free(&doc);
	if (name[0] == 'i') {
		tally->free++;
	} else if ((r == 0) == expected_to_pass(name)) {
		tally->accepted += r == 0;
		tally->refused += r != 0;
	} else {
		tally->wrong++;
		printf("%s: %s\n", name, r ? fault.message : "accepted");
	}
}

static bool is_case(const char *name)
{
	return strlen(name) > 2 && strchr("yni", name[0]) && name[1] == '_';
}

int main(void)
{
	const char *folder = getenv("JSON_TEST_SUITE");
	DIR *dir = folder ? opendir(folder) : NULL;
	struct tally tally = { 0 };
	struct dirent *entry;
	struct buf text;

	if (!dir) {
		printf("JSONTestSuite left out: no folder %s\n", folder ? folder : "in $JSON_TEST_SUITE");
		return SKIPPED;
	}
	buf_init(&text, 1 << 20);
	while ((entry = readdir(dir))) {
		buf_reset(&text);
		if (is_case(entry->d_name) && read_file(folder, entry->d_name, &text))
			try_one(entry->d_name, buf_slice(&text), &tally);
	}
	closedir(dir);
	buf_free(&text);
	printf("JSONTestSuite: %u accepted, %u refused, %u of free choice, %u wrong\n", tally.accepted, tally.refused,
	       tally.free, tally.wrong);
	return tally.wrong > 0 || tally.accepted == 0 || tally.refused == 0;
}
