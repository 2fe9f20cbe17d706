/*
 * Follows deliveries by the live stream. A stream begins at some moment, so whenever one has begun, the attempts
 * between the last one shown and that moment are asked for: at first the last ten, after a daemon's restart all that
 * the stream did not tell. Such a look is newest first; it is read back page by page and printed in the order of time.
 * A daemon that is being restarted is waited for: it is then that one looks.
 *
 * Attempts of different loops may come a little out of the order of their ids. So a look goes back a little further
 * than to the newest id shown, and the ids shown last are remembered.
 */
#include "cli/cmd_tail.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/terminal.h"
#include "base/text.h"
#include "cli/api_client.h"
#include "cli/event_stream.h"
#include "listen/paint.h"

#define FIRST_SHOWN 10
#define PERIOD_MS   1000
#define RATE	    "5000" /* the most that a stream carries */
#define HELD_MAX    20000  /* lines of one look; what is older than these is not shown */
#define SHOWN_KEPT  1024   /* also how far back in ids a look goes beyond the newest shown */

struct tail {
	struct api api, live_api; /* for looks, and for the stream, during which one looks */
	struct api_path path, live_path;
	const char *message;	   /* NULL: of all messages */
	int64_t newest, oldest;	   /* ids shown; 0: none yet */
	int64_t shown[SHOWN_KEPT]; /* ids, the last ones */
	size_t shown_count;
	int64_t wanted; /* lines still to show; 0: no end */
	bool colours, reached, waiting;
	/* of one look, newest first: */
	char **lines;
	int64_t *ids;
	size_t count;
	bool first;
	/* of the stream */
	struct event_stream events;
	struct json_doc doc;
	struct fault fault; /* of a look inside it */
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

/* --- what was shown --- */

static int64_t id_of(struct json attempt)
{
	struct buf scratch;
	long long id = 0;

	buf_init(&scratch, 64);
	slice_to_i64(json_text_slice(json_get(attempt, "id"), &scratch), &id);
	buf_free(&scratch);
	return id;
}

static bool was_shown(const struct tail *t, int64_t id)
{
	size_t kept = t->shown_count < SHOWN_KEPT ? t->shown_count : SHOWN_KEPT;

	for (size_t i = 0; i < kept; i++)
		if (t->shown[i] == id)
			return true;
	return false;
}

#define TAIL_ENOUGH 1 /* --count is reached, or in a look: everything new has been read */

/* TAIL_ENOUGH: it was the last one wanted. */
static int show(struct tail *t, int64_t id, const char *line)
{
	fputs(line, stdout);
	t->shown[t->shown_count++ % SHOWN_KEPT] = id;
	t->newest = id > t->newest ? id : t->newest;
	return t->wanted > 0 && --t->wanted == 0 ? TAIL_ENOUGH : 0;
}

/* --- one look --- */

static int attempt_read(void *ctx, struct json attempt, struct fault *fault)
{
	struct tail *t = ctx;
	int64_t id = id_of(attempt);
	struct buf text;

	(void)fault;
	if (id <= t->newest - SHOWN_KEPT || id < t->oldest)
		return TAIL_ENOUGH;
	if (was_shown(t, id))
		return 0;
	buf_init(&text, 4 << 20);
	tail_line_add(&text, attempt, t->colours);
	t->lines = mem_realloc(t->lines, (t->count + 1) * sizeof(*t->lines));
	t->ids = mem_realloc(t->ids, (t->count + 1) * sizeof(*t->ids));
	t->ids[t->count] = id;
	t->lines[t->count++] = buf_take(&text);
	return t->count == (t->first ? FIRST_SHOWN : HELD_MAX) ? TAIL_ENOUGH : 0;
}

/* Oldest first. */
static int lines_print(struct tail *t)
{
	int rc = 0;

	while (t->count > 0) {
		char *line = t->lines[--t->count];

		if (rc == 0)
			rc = show(t, t->ids[t->count], line);
		mem_free(line);
	}
	fflush(stdout);
	return rc;
}

static int look(struct tail *t)
{
	int rc = api_each(&t->api, &t->path, attempt_read, t, &t->fault);

	if (rc != 0 && rc != TAIL_ENOUGH)
		return rc;
	if (t->first && t->count > 0)
		t->oldest = t->ids[t->count - 1];
	t->first = false;
	t->waiting = false;
	t->reached = true;
	return lines_print(t);
}

/* --- the stream --- */

static bool is_of_message(const struct tail *t, struct json attempt)
{
	struct json_iter it = json_each(json_get(attempt, "items"));

	while (t->message && json_next(&it))
		if (json_is(json_get(it.value, "message_id"), t->message))
			return true;
	return !t->message;
}

static int live_attempt(struct tail *t, struct json attempt)
{
	struct buf text;
	int rc;

	if (!is_of_message(t, attempt) || was_shown(t, id_of(attempt)))
		return 0;
	buf_init(&text, 4 << 20);
	tail_line_add(&text, attempt, t->colours);
	rc = show(t, id_of(attempt), buf_str(&text));
	buf_free(&text);
	return rc;
}

static int on_event(void *ctx, struct slice kind, struct slice data)
{
	struct tail *t = ctx;
	int64_t count = 0;

	if (slice_is(kind, "hello"))
		return look(t);
	if (json_parse(&t->doc, data, &json_limits_default, NULL) != 0)
		return 0;
	if (slice_is(kind, "attempt"))
		return live_attempt(t, json_root(&t->doc));
	if (slice_is(kind, "skipped") && json_i64(json_get(json_root(&t->doc), "count"), &count))
		fprintf(stderr, "postrider tail: %lld more happened than can be followed; narrow it with --endpoint\n",
			(long long)count);
	return 0;
}

static int on_bytes(void *ctx, struct slice bytes)
{
	struct tail *t = ctx;
	int rc = event_stream_add(&t->events, bytes);

	fflush(stdout);
	return rc;
}

static int follow_once(struct tail *t)
{
	int rc;

	event_stream_init(&t->events, on_event, t);
	rc = api_stream(&t->live_api, &t->live_path, on_bytes, t, &t->fault);
	event_stream_free(&t->events);
	return rc;
}

static int follow(struct tail *t)
{
	for (;;) {
		int rc = follow_once(t);

		if (rc == TAIL_ENOUGH)
			return 0;
		if (rc != 0 && !(t->reached && (rc == ERR_SYSTEM || rc == ERR_BUSY)))
			return rc;
		if (!t->waiting)
			fprintf(stderr, "postrider tail: no answer any more; waiting for the daemon\n");
		t->waiting = true;
		poll(NULL, 0, PERIOD_MS);
	}
}

/* --- the command --- */

/* Appends "name=value"; a path that would be too long names nothing. */
static void argument_add(struct api_path *path, const char *name, const char *value)
{
	size_t n = strlen(path->text);
	struct api_path more;

	if (!value)
		return;
	more = api_path("%s", value);
	if (snprintf(path->text + n, sizeof(path->text) - n, "&%s=%s", name, more.text) >=
	    (int)(sizeof(path->text) - n))
		*path = api_path("/too-long");
}

static void paths_make(struct tail *t, const char *project, const char *endpoint)
{
	t->path = api_path("/v1/projects/%s/attempts?sort=time", project);
	t->live_path = api_path("/v1/projects/%s/stream?kinds=attempt&rate=" RATE, project);
	argument_add(&t->path, "endpoint_id", endpoint);
	argument_add(&t->live_path, "endpoint_id", endpoint);
	argument_add(&t->path, "message_id", t->message);
}

static void usage(const struct option_row *rows, size_t row_count)
{
	puts("usage: postrider tail --project ID [OPTION]...\n\n"
	     "Shows the last attempts, then every new one as it happens: time, outcome, endpoint, code, duration, "
	     "reason.\n"
	     "A daemon that is being restarted is waited for, and what happened meanwhile is shown. When more happens "
	     "than\n"
	     "can be followed, standard error says how many attempts are not shown.\n");
	options_explain(rows, row_count, stdout);
}

static int tail_run(struct tail *t, const struct api_options *o)
{
	int rc;

	json_doc_init(&t->doc);
	rc = api_open(&t->api, o, &t->fault);
	if (rc == 0)
		rc = api_open(&t->live_api, o, &t->fault);
	if (rc == 0)
		rc = follow(t);
	api_close(&t->api);
	api_close(&t->live_api);
	json_doc_free(&t->doc);
	mem_free(t->lines);
	mem_free(t->ids);
	return rc;
}

int cmd_tail(int argc, char **argv)
{
	struct api_options o = { NULL, NULL };
	const char *project = NULL, *endpoint = NULL;
	struct tail t = { .first = true, .fault = NO_FAULT };
	const struct option_row rows[] = {
		{ "--project", "ID", "whose deliveries", OPTION_TEXT, &project, 0, 0, "POSTRIDER_PROJECT" },
		{ "--endpoint", "ID", "only to this endpoint", OPTION_TEXT, &endpoint, 0, 0, NULL },
		{ "--message", "ID", "only of this message", OPTION_TEXT, &t.message, 0, 0, NULL },
		{ "--count", "N", "end after N lines", OPTION_NUMBER, &t.wanted, 1, INT64_MAX, NULL },
		API_OPTION_ROWS(&o),
	};
	int rc = options_read(rows, 6, argc, argv, NULL, 0, &t.fault);

	if (rc == OPTIONS_HELP) {
		usage(rows, 6);
		return 0;
	}
	if (rc == 0 && !project)
		rc = fault_set(&t.fault, "invalid_param", "", "whose deliveries? --project ID");
	if (rc != 0)
		return cli_usage_fault("tail", &t.fault);
	t.colours = terminal_colours(STDOUT_FILENO);
	paths_make(&t, project, endpoint);
	return tail_run(&t, &o) == 0 ? 0 : cli_fault("tail", &t.fault);
}
