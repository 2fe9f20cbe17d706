/*
 * Replays in two steps: first the daemon counts, so that nobody sends a month again who meant an hour; then it is
 * started and watched. The replay is a durable task of the daemon: whoever interrupts this command only stops watching.
 */
#include "cli/cmd_replay.h"

#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/terminal.h"
#include "cli/api_client.h"
#include "cli/duration.h"

#define PERIOD_MS 500

struct replay {
	struct api api;
	const char *project, *endpoint, *since, *until, *outcome, *cancel;
	bool count_only;
	int64_t since_s, until_s; /* 0: open */
};

static int query_post(struct replay *r, bool count_only, struct fault *fault)
{
	struct api_path path = api_path("/v1/projects/%s/endpoints/%s/replay", r->project, r->endpoint);
	struct json_writer w;
	struct buf body;
	int rc;

	buf_init(&body, 4096);
	json_writer_init(&w, &body);
	json_begin_object(&w);
	if (r->since)
		json_member_i64(&w, "since", r->since_s);
	if (r->until)
		json_member_i64(&w, "until", r->until_s);
	json_member_str(&w, "outcome", r->outcome);
	if (count_only)
		json_member_bool(&w, "count_only", true);
	json_end_object(&w);
	rc = api_call(&r->api, "POST", &path, buf_slice(&body), NULL, fault);
	buf_free(&body);
	return rc;
}

/* What the last answer shows of it, on one line. */
static void progress_print(struct json task)
{
	static const char *const members[] = { "state", "queued", "total" };
	struct buf line, text;

	buf_init(&line, 4096);
	buf_init(&text, 4096);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		struct json v = json_get(task, members[i]);

		if (json_is_nil(v))
			continue;
		buf_addf(&line, "%s%s ", line.n > 0 ? ", " : "", members[i]);
		terminal_add(&line, json_text_slice(v, &text));
	}
	puts(buf_str(&line));
	fflush(stdout);
	buf_free(&line);
	buf_free(&text);
}

static int watch(struct replay *r, const char *id, struct fault *fault)
{
	struct api_path path = api_path("/v1/projects/%s/endpoints/%s/replays/%s", r->project, r->endpoint, id);
	bool running = true;
	int rc = 0;

	while (running) {
		rc = api_get(&r->api, &path, fault);
		if (rc != 0)
			break;
		progress_print(json_root(&r->api.doc));
		running = json_is(json_get(json_root(&r->api.doc), "state"), "running");
		if (running)
			poll(NULL, 0, PERIOD_MS);
	}
	return rc;
}

static int start(struct replay *r, struct fault *fault)
{
	int rc = query_post(r, false, fault);
	struct buf id;

	if (rc != 0)
		return rc;
	buf_init(&id, 4096);
	json_text(json_get(json_root(&r->api.doc), "id"), &id);
	printf("replay %s started; interrupting only stops watching, `--cancel %s` ends it\n", buf_str(&id),
	       buf_str(&id));
	fflush(stdout);
	rc = watch(r, buf_str(&id), fault);
	buf_free(&id);
	return rc;
}

static int cancel(struct replay *r, struct fault *fault)
{
	struct api_path path = api_path("/v1/projects/%s/endpoints/%s/replays/%s", r->project, r->endpoint, r->cancel);
	int rc = api_call(&r->api, "DELETE", &path, slice_of(NULL, 0), NULL, fault);

	if (rc == 0)
		printf("replay %s cancelled\n", r->cancel);
	return rc;
}

static int replay_run(struct replay *r, struct fault *fault)
{
	int64_t count = 0;
	int rc;

	if (r->cancel)
		return cancel(r, fault);
	rc = query_post(r, true, fault);
	if (rc != 0)
		return rc;
	json_i64(json_get(json_root(&r->api.doc), "count"), &count);
	printf("%lld events\n", (long long)count);
	fflush(stdout);
	return r->count_only || count == 0 ? 0 : start(r, fault);
}

static int moment_set(const char *option, const char *text, int64_t *ret, struct fault *fault)
{
	if (!text || since_read(slice_str(text), clock_wall_ms() / 1000, ret))
		return 0;
	return fault_set(fault, "invalid_param", option,
			 "%s takes 2026-11-21T10:00:00Z (UTC), Unix seconds, or a time ago as 2h, not '%s'", option,
			 text);
}

static int replay_check(struct replay *r, struct fault *fault)
{
	if (!r->project || !r->endpoint)
		return fault_set(fault, "invalid_param", "", "which endpoint? --project ID --endpoint ID");
	if (strcmp(r->outcome, "failed") != 0 && strcmp(r->outcome, "all") != 0)
		return fault_set(fault, "invalid_param", "--outcome", "--outcome takes failed or all, not '%s'",
				 r->outcome);
	if (moment_set("--since", r->since, &r->since_s, fault) != 0)
		return ERR_INVALID;
	return moment_set("--until", r->until, &r->until_s, fault);
}

static void usage(const struct option_row *rows, size_t row_count)
{
	puts("usage: postrider replay --project ID --endpoint ID [OPTION]...\n\n"
	     "Sends events that the endpoint did not take, or all of a time, to it again. Says how many, starts, and "
	     "shows the\n"
	     "progress; interrupting it leaves the replay running.\n");
	options_explain(rows, row_count, stdout);
}

int cmd_replay(int argc, char **argv)
{
	struct api_options o = { NULL, NULL };
	struct replay r = { .outcome = "failed" };
	const struct option_row rows[] = {
		{ "--project", "ID", "whose endpoint", OPTION_TEXT, &r.project, 0, 0, "POSTRIDER_PROJECT" },
		{ "--endpoint", "ID", "which endpoint", OPTION_TEXT, &r.endpoint, 0, 0, NULL },
		{ "--since", "TIME", "accepted at this time or later; a date, Unix seconds, or 2h for two hours ago",
		  OPTION_TEXT, &r.since, 0, 0, NULL },
		{ "--until", "TIME", "accepted before this time", OPTION_TEXT, &r.until, 0, 0, NULL },
		{ "--outcome", "WHICH", "failed (default): what failed for good; all: every event that it wants",
		  OPTION_TEXT, &r.outcome, 0, 0, NULL },
		{ "--count", NULL, "only say how many", OPTION_FLAG, &r.count_only, 0, 0, NULL },
		{ "--cancel", "REPLAY", "end this replay", OPTION_TEXT, &r.cancel, 0, 0, NULL },
		API_OPTION_ROWS(&o),
	};
	struct fault fault = NO_FAULT;
	int rc = options_read(rows, 9, argc, argv, NULL, 0, &fault);

	if (rc == OPTIONS_HELP) {
		usage(rows, 9);
		return 0;
	}
	if (rc == 0)
		rc = replay_check(&r, &fault);
	if (rc != 0)
		return cli_usage_fault("replay", &fault);
	rc = api_open(&r.api, &o, &fault);
	if (rc == 0)
		rc = replay_run(&r, &fault);
	api_close(&r.api);
	return rc == 0 ? 0 : cli_fault("replay", &fault);
}
