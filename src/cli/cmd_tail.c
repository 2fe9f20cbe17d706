/*
 * Follows deliveries by asking for the newest attempts once a second. Each answer is newest first; it is read back to
 * the attempt seen last, page by page when much has happened, and printed in the order of time. A daemon that is being
 * restarted is waited for: it is then that one looks.
 */
#include "cli/cmd_tail.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/terminal.h"
#include "base/text.h"
#include "cli/api_client.h"
#include "listen/paint.h"

#define FIRST_SHOWN 10
#define PERIOD_MS   1000
#define HELD_MAX    20000 /* lines of one second; what is older than these is not shown */

struct tail {
	struct api api;
	struct api_path path;
	char *last;	/* id of the newest attempt shown, or NULL */
	int64_t wanted; /* lines still to show; 0: no end */
	bool colours;
	/* of one look, newest first: */
	char **lines;
	size_t count;
	char *newest;
};

/* --- one line --- */

static void member_add(struct buf *out, struct json v, const char *name)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	json_text(json_get(v, name), &text);
	terminal_add(out, buf_slice(&text));
	buf_free(&text);
}

/* To the millisecond, if the daemon tells it. */
static void time_add(struct buf *out, struct json attempt)
{
	struct json v = json_get(attempt, "time");
	double seconds;
	int64_t ms;

	if (json_i64(json_get(attempt, "time_ms"), &ms)) {
		time_add_iso_ms(out, ms);
		return;
	}
	if (json_type(v) == JSON_NUMBER && json_double(v, &seconds) && seconds > 0 && seconds < 1e11) {
		time_add_iso_ms(out, (int64_t)(seconds * 1000 + 0.5));
		return;
	}
	json_text(v, out);
}

/* The message of the first item, and how many more there are. */
static void items_add(struct buf *out, struct json items)
{
	struct json_iter it = json_each(items);
	size_t more = 0;

	if (!json_next(&it))
		return;
	buf_add_str(out, " message ");
	member_add(out, it.value, "message_id");
	while (json_next(&it))
		more++;
	if (more > 0)
		buf_addf(out, " and %zu more", more);
}

static void outcome_add(struct buf *out, struct json outcome, bool colours)
{
	char word[16], padded[24];
	struct buf scratch;

	buf_init(&scratch, 256);
	slice_copy(word, sizeof(word), json_text_slice(outcome, &scratch));
	buf_free(&scratch);
	snprintf(padded, sizeof(padded), "%-6s", word);
	buf_init(&scratch, 256);
	terminal_add(&scratch, slice_str(padded));
	paint(out, colours, strcmp(word, "ok") == 0 ? PAINT_GREEN : PAINT_RED, buf_str(&scratch));
	buf_free(&scratch);
}

void tail_line_add(struct buf *out, struct json attempt, bool colours)
{
	time_add(out, attempt);
	buf_add_char(out, ' ');
	outcome_add(out, json_get(attempt, "outcome"), colours);
	buf_add_char(out, ' ');
	member_add(out, attempt, "endpoint_id");
	buf_add_str(out, " attempt ");
	member_add(out, attempt, "attempt");
	buf_add_str(out, " code ");
	member_add(out, attempt, "code");
	buf_add_char(out, ' ');
	member_add(out, attempt, "duration_ms");
	buf_add_str(out, " ms");
	items_add(out, json_get(attempt, "items"));
	if (!json_is_nil(json_get(attempt, "reason"))) {
		buf_add_str(out, ": ");
		member_add(out, attempt, "reason");
	}
	buf_add_char(out, '\n');
}

/* --- one look --- */

#define LOOK_ENOUGH 1 /* everything new has been read */

static int attempt_read(void *ctx, struct json attempt, struct fault *fault)
{
	struct tail *t = ctx;
	struct buf text;
	bool seen;

	(void)fault;
	buf_init(&text, 4096);
	json_text(json_get(attempt, "id"), &text);
	seen = t->last && slice_is(buf_slice(&text), t->last);
	if (!seen && t->count == 0)
		t->newest = slice_dup(buf_slice(&text));
	buf_free(&text);
	if (seen)
		return LOOK_ENOUGH;
	buf_init(&text, 4 << 20);
	tail_line_add(&text, attempt, t->colours);
	t->lines = mem_realloc(t->lines, (t->count + 1) * sizeof(*t->lines));
	t->lines[t->count++] = buf_take(&text);
	return t->count == (t->last ? HELD_MAX : FIRST_SHOWN) ? LOOK_ENOUGH : 0;
}

/* Oldest first. True when --count is reached. */
static bool lines_print(struct tail *t)
{
	bool enough = false;

	while (t->count > 0) {
		char *line = t->lines[--t->count];

		if (!enough)
			fputs(line, stdout);
		mem_free(line);
		if (t->wanted > 0 && --t->wanted == 0)
			enough = true;
	}
	fflush(stdout);
	return enough;
}

static int look(struct tail *t, bool *ret_enough, struct fault *fault)
{
	int rc;

	t->newest = NULL;
	rc = api_each(&t->api, &t->path, attempt_read, t, fault);
	if (t->newest) {
		mem_free(t->last);
		t->last = t->newest;
	}
	*ret_enough = lines_print(t);
	return rc == LOOK_ENOUGH ? 0 : rc;
}

static int follow(struct tail *t, struct fault *fault)
{
	bool enough = false, reached = false, waiting = false;
	int rc;

	for (;;) {
		rc = look(t, &enough, fault);
		if (rc != 0 && !(reached && (rc == ERR_SYSTEM || rc == ERR_BUSY)))
			return rc;
		if (rc != 0 && !waiting)
			fprintf(stderr, "postrider tail: no answer any more; waiting for the daemon\n");
		waiting = rc != 0;
		reached = reached || rc == 0;
		if (enough)
			return 0;
		poll(NULL, 0, PERIOD_MS);
	}
}

/* --- the command --- */

static struct api_path tail_path(const char *project, const char *endpoint, const char *message)
{
	struct api_path path = api_path("/v1/projects/%s/attempts", project), more;
	const char *before = "?";

	if (endpoint) {
		more = api_path("endpoint_id=%s", endpoint);
		snprintf(path.text + strlen(path.text), sizeof(path.text) - strlen(path.text), "%s%.600s", before,
			 more.text);
		before = "&";
	}
	if (message) {
		more = api_path("message_id=%s", message);
		snprintf(path.text + strlen(path.text), sizeof(path.text) - strlen(path.text), "%s%.600s", before,
			 more.text);
	}
	return path;
}

static void usage(const struct option_row *rows, size_t row_count)
{
	puts("usage: postrider tail --project ID [OPTION]...\n\n"
	     "Shows the last attempts, then every new one as it happens: time, outcome, endpoint, code, duration, "
	     "reason.\n");
	options_explain(rows, row_count, stdout);
}

int cmd_tail(int argc, char **argv)
{
	struct api_options o = { NULL, NULL };
	const char *project = NULL, *endpoint = NULL, *message = NULL;
	struct tail t = { .wanted = 0 };
	const struct option_row rows[] = {
		{ "--project", "ID", "whose deliveries", OPTION_TEXT, &project, 0, 0, "POSTRIDER_PROJECT" },
		{ "--endpoint", "ID", "only to this endpoint", OPTION_TEXT, &endpoint, 0, 0, NULL },
		{ "--message", "ID", "only of this message", OPTION_TEXT, &message, 0, 0, NULL },
		{ "--count", "N", "end after N lines", OPTION_NUMBER, &t.wanted, 1, INT64_MAX, NULL },
		API_OPTION_ROWS(&o),
	};
	struct fault fault = NO_FAULT;
	int rc = options_read(rows, 6, argc, argv, NULL, 0, &fault);

	if (rc == OPTIONS_HELP) {
		usage(rows, 6);
		return 0;
	}
	if (rc == 0 && !project)
		rc = fault_set(&fault, "invalid_param", "", "whose deliveries? --project ID");
	if (rc != 0)
		return cli_usage_fault("tail", &fault);
	t.path = tail_path(project, endpoint, message);
	t.colours = terminal_colours(STDOUT_FILENO);
	rc = api_open(&t.api, &o, &fault);
	if (rc == 0)
		rc = follow(&t, &fault);
	api_close(&t.api);
	mem_free(t.lines);
	mem_free(t.last);
	return rc == 0 ? 0 : cli_fault("tail", &fault);
}
