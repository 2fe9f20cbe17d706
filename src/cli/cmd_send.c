/*
 * Posts a file of events. One value (an event or an array) is one request; lines of JSON go
 * in requests of at most PIECE_MAX bytes, cut between lines, so that a file of any size can
 * be sent. Each request is all or nothing; the first that is refused ends it, and sending
 * the file again after mending it is harmless for events that carry ids of their own.
 */
#include "cli/cmd_send.h"

#include <stdio.h>

#include "cli/api_client.h"

#define FILE_MAX  ((size_t)1024 * 1024 * 1024)
#define PIECE_MAX ((size_t)1024 * 1024)

struct send {
	struct api api;
	struct api_path path;
	size_t sent; /* bytes, for telling where it stopped */
};

static int piece_send(struct send *s, struct slice piece, const char *content_type, struct fault *fault)
{
	int rc = api_call(&s->api, "POST", &s->path, piece, content_type, fault);

	if (rc != 0)
		return rc;
	s->sent += piece.n;
	fwrite(s->api.answer.p, 1, s->api.answer.n, stdout);
	if (s->api.answer.n == 0 || s->api.answer.p[s->api.answer.n - 1] != '\n')
		putchar('\n');
	return 0;
}

/* As many whole lines as fit; a single longer one is the daemon's to refuse. */
static size_t piece_length(struct slice rest)
{
	size_t n = rest.n < PIECE_MAX ? rest.n : PIECE_MAX;

	if (n == rest.n)
		return n;
	while (n > 0 && rest.p[n - 1] != '\n')
		n--;
	if (n > 0)
		return n;
	n = slice_find(rest, '\n');
	return n < rest.n ? n + 1 : n;
}

static int lines_send(struct send *s, struct slice rest, struct fault *fault)
{
	int rc = 0;

	while (rc == 0 && rest.n > 0) {
		struct slice piece = slice_of(rest.p, piece_length(rest));

		rc = piece_send(s, piece, "application/x-ndjson", fault);
		rest = slice_from(rest, piece.n);
	}
	if (rc != 0 && s->sent > 0)
		fprintf(stderr, "postrider send: the first %zu bytes of the file were accepted\n", s->sent);
	return rc;
}

static bool is_one_value(struct slice text)
{
	struct json_limits limits = json_limits_default;
	struct json_doc doc;
	bool one;

	limits.nodes = UINT32_MAX;
	json_doc_init(&doc);
	one = text.n < UINT32_MAX && json_parse(&doc, text, &limits, NULL) == 0;
	json_doc_free(&doc);
	return one;
}

static int events_send(struct send *s, struct slice text, struct fault *fault)
{
	/* A single broken value goes as it is, too: the daemon's message says where it breaks. */
	if (is_one_value(text) || slice_find(slice_trim(text), '\n') == slice_trim(text).n)
		return piece_send(s, text, "application/json", fault);
	return lines_send(s, text, fault);
}

static void usage(const struct option_row *rows, size_t row_count)
{
	puts("usage: postrider send --project ID [--file FILE] [OPTION]...\n\n"
	     "Posts one event, an array of events, or one event a line, and prints the daemon's answer.\n");
	options_explain(rows, row_count, stdout);
}

int cmd_send(int argc, char **argv)
{
	struct api_options o = { NULL, NULL };
	const char *project = NULL, *file = "-";
	bool quiet = false;
	const struct option_row rows[] = {
		{ "--project", "ID", "whose events they are", OPTION_TEXT, &project, 0, 0, "POSTRIDER_PROJECT" },
		{ "--file", "FILE", "the events; - is standard input (default)", OPTION_TEXT, &file, 0, 0, NULL },
		{ "--quiet", NULL, "only the counts, not the list of events", OPTION_FLAG, &quiet, 0, 0, NULL },
		API_OPTION_ROWS(&o),
	};
	struct send s = { .sent = 0 };
	struct fault fault = NO_FAULT;
	struct buf text;
	int rc = options_read(rows, 5, argc, argv, NULL, 0, &fault);

	if (rc == OPTIONS_HELP) {
		usage(rows, 5);
		return 0;
	}
	if (rc == 0 && !project)
		rc = fault_set(&fault, "invalid_param", "", "whose events? --project ID");
	if (rc != 0)
		return cli_usage_fault("send", &fault);
	rc = cli_read_file(file, FILE_MAX, &text, &fault);
	if (rc != 0) {
		buf_free(&text);
		return cli_usage_fault("send", &fault);
	}
	s.path = api_path(quiet ? "/v1/projects/%s/events?quiet=1" : "/v1/projects/%s/events", project);
	rc = api_open(&s.api, &o, &fault);
	if (rc == 0)
		rc = events_send(&s, buf_slice(&text), &fault);
	api_close(&s.api);
	buf_free(&text);
	return rc == 0 ? 0 : cli_fault("send", &fault);
}
