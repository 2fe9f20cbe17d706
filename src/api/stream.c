/*
 * The live stream over HTTP: from a call to a listener of the feed. The call ends when the stream begins; what is left
 * is a struct live, which belongs to the feed until its last word, `end`.
 *
 * A key that was deleted, a link that has ended, a project that is gone: the feed asks every few seconds, so the stream
 * ends soon after. For that the stream keeps what its client came with.
 */
#include "api/answer.h"
#include "api/handlers.h"
#include "base/digest.h"
#include "base/mem.h"
#include "watch/feed.h"

struct live {
	struct call *call; /* until the stream has begun */
	struct api *api;
	struct server_stream *stream;
	struct slice authorization, project; /* its own */
};

/* --- the feed's listener --- */

static void say_hello(struct live *l, int64_t now_ms)
{
	struct json_writer w;
	struct blob *bytes;
	struct buf text;

	buf_init(&text, 512);
	buf_add_str(&text, "event: hello\ndata: ");
	json_writer_init(&w, &text);
	json_begin_object(&w);
	json_member_i64(&w, "time_ms", now_ms);
	json_member_str(&w, "version", POSTRIDER_VERSION);
	json_end_object(&w);
	buf_add_str(&text, "\n\n");
	bytes = blob_new(buf_slice(&text));
	server_stream_write(l->stream, bytes);
	blob_unref(&bytes);
	buf_free(&text);
}

static void live_begin(void *ctx)
{
	struct live *l = ctx;
	int64_t now_ms = node_now_ms(l->call->node);

	l->stream = answer_stream(l->call);
	l->call = NULL;
	say_hello(l, now_ms);
}

static bool live_take(void *ctx, struct blob *bytes)
{
	struct live *l = ctx;

	return server_stream_write(l->stream, bytes);
}

static bool live_alive(void *ctx)
{
	struct live *l = ctx;

	return server_stream_alive(l->stream);
}

static bool live_allowed(void *ctx)
{
	struct live *l = ctx;

	return api_may_still(l->api, l->authorization, l->project);
}

static struct slice own(struct slice s)
{
	return slice_of(slice_dup(s), s.n);
}

static struct live *live_new(struct call *c, struct slice project)
{
	struct live *l = mem_zalloc(sizeof(*l));

	l->call = c;
	l->api = c->api;
	l->authorization = own(server_header(c->rq, "Authorization"));
	l->project = own(project);
	return l;
}

static void live_end(void *ctx)
{
	struct live *l = ctx;
	char *secret = (char *)(uintptr_t)l->authorization.p;

	server_stream_end(&l->stream);
	mem_wipe(secret, l->authorization.n);
	mem_free(secret);
	mem_free((char *)(uintptr_t)l->project.p);
	mem_free(l);
}

/* --- what is asked for --- */

/* The number of a word in a list ended by NULL, -1 when it is not there. */
static int word_among(struct slice word, const char *const *list, int count)
{
	for (int i = 0; i < count; i++)
		if (slice_is(word, list[i]))
			return i;
	return -1;
}

static bool read_kinds(struct call *c, unsigned *ret)
{
	struct slice left, word;

	*ret = FEED_ALL;
	if (!call_argument(c, "kinds", &left))
		return true;
	*ret = 0;
	while (left.n > 0) {
		size_t n = slice_find(left, ',');
		int kind = word_among(word = slice_of(left.p, n), feed_words, FEED_KINDS);

		if (kind < 0) {
			answer_error(c, 400, "invalid_param", "kinds",
				     "\"%.*s\" is no kind; give a list of accepted, attempt and state",
				     SLICE_HEAD(word, 40));
			return false;
		}
		*ret |= 1U << kind;
		left = slice_from(left, n < left.n ? n + 1 : n);
	}
	return true;
}

static bool read_outcome(struct call *c, int *ret)
{
	static const char *const words[] = {
		[ATTEMPT_OK] = "ok", [ATTEMPT_RETRY] = "retry", [ATTEMPT_FAILED] = "failed"
	};
	struct slice word;

	*ret = -1;
	if (!call_argument(c, "outcome", &word))
		return true;
	*ret = word_among(word, words, 3);
	if (*ret < 0)
		answer_error(c, 400, "invalid_param", "outcome", "must be ok, retry or failed");
	return *ret >= 0;
}

static bool read_rate(struct call *c, unsigned *ret)
{
	struct slice text;
	long long rate = 0;

	*ret = FEED_RATE_DEFAULT;
	if (!call_argument(c, "rate", &text))
		return true;
	if (!slice_to_i64(text, &rate) || rate < 1 || rate > FEED_RATE_MAX) {
		answer_error(c, 400, "invalid_param", "rate", "must be a number from 1 to %d: entries a second",
			     FEED_RATE_MAX);
		return false;
	}
	*ret = (unsigned)rate;
	return true;
}

/* False: answered. */
static bool read_want(struct call *c, struct feed_want *want)
{
	if (!read_kinds(c, &want->kinds) || !read_outcome(c, &want->outcome) || !read_rate(c, &want->rate))
		return false;
	return !call_argument(c, "endpoint_id", &want->endpoint) || api_id_check(c, want->endpoint, "endpoint_id");
}

static void answer_refused(struct call *c)
{
	if (atomic_load(&c->api->stopping))
		answer_error(c, 503, "stopping", NULL, "postrider is stopping; try again in a moment");
	else
		answer_error(c, 503, "busy", NULL,
			     "no more live streams: %d are served, %d of one project; end one, or try again later",
			     FEED_SEATS_MAX, FEED_SEATS_OF_ONE);
}

static void stream(struct call *c, struct slice project)
{
	struct feed_want want = { .project = project, .endpoint = slice_str("") };
	struct feed_sink sink = {
		.begin = live_begin, .take = live_take, .alive = live_alive, .allowed = live_allowed, .end = live_end
	};

	if (!read_want(c, &want))
		return;
	/* A streamed body has an end on the wire even when it is empty, and an answer to HEAD must not have one. */
	if (slice_is(server_method(c->rq), "HEAD")) {
		answer_begin(c);
		answer_text(c, "text/event-stream");
		return;
	}
	sink.ctx = live_new(c, project);
	if (feed_join(watch_feed(c->api->watch), &want, &sink))
		return;
	live_end(sink.ctx);
	answer_refused(c);
}

void stream_project(struct call *c)
{
	stream(c, c->params[0]);
}

void stream_all(struct call *c)
{
	stream(c, slice_str(""));
}
