/*
 * What would be sent, before anything is sent: for trying templates, and for the golden tests of the presets. It uses
 * the very functions that the daemon uses (event_parse, endpoint_compile, endpoint_group, request_render), so what it
 * shows is what goes out; only what the transport adds (Host, Content-Length, basic authentication) is written here.
 *
 * Events are taken as if they had all been waiting: grouped and cut into batches by the endpoint's rules. An endpoint's
 * filter is not applied, so that one can look at any event; a note says when it would have held one back. A preset's
 * filter is: beside others it shows what its vendor would get.
 */
#include "cli/cmd_render.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/url.h"
#include "dialect/preset.h"
#include "dialect/request.h"

#define INPUT_MAX   (64u * 1024 * 1024)
#define EVENTS_MAX  1000000
#define DEMO_SECRET "whsec_cG9zdHJpZGVyLXJlbmRlci1kZW1vLXNlY3JldA=="

static const char usage[] =
	"usage: postrider render --endpoint FILE --event FILE [--project ID] [--organization ID] [--time SECONDS]\n"
	"       postrider render --preset NAME,... --event FILE [--url URL] [--project ID] [--organization ID] [--time "
	"SECONDS]\n"
	"\n"
	"Prints the exact requests that the endpoint would get for the events; nothing is sent.\n"
	"\n"
	"  --endpoint FILE      the endpoint's settings, a JSON object; project_id and organization_id may be in it\n"
	"  --preset NAME,...    instead of an endpoint: the same events in each of these presets, one after the "
	"other;\n"
	"                       events that a preset is not for are left out\n"
	"  --url URL            with --preset: where to; default: https://receiver.example/\n"
	"  --event FILE         one event, an array of events, or one event a line\n"
	"  --project ID         {PRID}; default: project_id of the endpoint file, else demo\n"
	"  --organization ID    {CID}; default: organization_id of the endpoint file, else none\n"
	"  --time SECONDS       the Unix time to stand in webhook-timestamp; default: now\n"
	"\n"
	"FILE may be - for the standard input. The presets:\n";

struct options {
	const char *endpoint, *preset, *url, *event, *project, *organization, *time;
};

struct render {
	struct options options;
	int64_t now_s;
	struct buf endpoint_text, event_text;
	struct json_doc endpoint_doc, event_doc;
	struct buf project;
	struct endpoint *ep;
	struct event **events;
	size_t count, cap;
	size_t printed; /* requests */
	bool titled;	/* a preset came before */
};

/* --- complaints: one line, exit code 2 --- */

static int complain(const char *file, const struct fault *fault)
{
	bool said = strcmp(file, "--preset") == 0 && strcmp(fault->param, "preset") == 0;

	if (fault->param[0] && !said)
		fprintf(stderr, "postrider render: %s: %s: %s\n", file, fault->param, fault->message);
	else
		fprintf(stderr, "postrider render: %s: %s\n", file, fault->message);
	return 2;
}

static int complain_usage(const char *what, const char *which)
{
	fprintf(stderr, "postrider render: %s%s; `postrider render --help` explains\n", what, which);
	return 2;
}

/* --- command line --- */

static const char **option_of(struct options *o, struct slice name)
{
	const struct {
		const char *name;
		const char **value;
	} known[] = {
		{ "--endpoint", &o->endpoint }, { "--preset", &o->preset },   { "--url", &o->url },
		{ "--event", &o->event },	{ "--project", &o->project }, { "--organization", &o->organization },
		{ "--time", &o->time },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (slice_is(name, known[i].name))
			return known[i].value;
	return NULL;
}

static int read_options(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct slice word = slice_str(argv[i]);
		size_t equals = slice_find(word, '=');
		const char **value = option_of(o, slice_of(word.p, equals));

		if (!value)
			return complain_usage("there is no option ", argv[i]);
		if (equals < word.n)
			*value = argv[i] + equals + 1;
		else if (i + 1 < argc)
			*value = argv[++i];
		else
			return complain_usage("a value must follow ", argv[i]);
	}
	return 0;
}

static int check_options(struct render *r)
{
	const struct options *o = &r->options;
	long long seconds;

	if (!o->event || (!o->endpoint && !o->preset))
		return complain_usage("needs ", o->event ? "--endpoint FILE or --preset NAME" : "--event FILE");
	if (o->endpoint && o->preset)
		return complain_usage("takes --endpoint or --preset, not both", "");
	if (o->url && !o->preset)
		return complain_usage("--url goes with --preset; an endpoint file has a url of its own", "");
	if (o->endpoint && strcmp(o->endpoint, "-") == 0 && strcmp(o->event, "-") == 0)
		return complain_usage("only one of the two files can be the standard input", "");
	r->now_s = clock_wall_ms() / 1000;
	if (!o->time)
		return 0;
	if (!slice_to_i64(slice_str(o->time), &seconds) || seconds < 0)
		return complain_usage("--time must be whole Unix seconds, not ", o->time);
	r->now_s = seconds;
	return 0;
}

/* --- files --- */

static int read_stream(FILE *in, struct buf *out)
{
	char chunk[65536];
	size_t n;

	while ((n = fread(chunk, 1, sizeof(chunk), in)) > 0)
		buf_add(out, chunk, n);
	return ferror(in) ? errno : 0;
}

static int read_file(const char *path, struct buf *out)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *in = standard ? stdin : fopen(path, "rb");
	int err = in ? read_stream(in, out) : errno;

	if (in && !standard)
		fclose(in);
	if (err) {
		fprintf(stderr, "postrider render: %s: can't be read: %s\n", path, strerror(err));
		return 2;
	}
	if (buf_failed(out)) {
		fprintf(stderr, "postrider render: %s: is larger than %u bytes\n", path, INPUT_MAX);
		return 2;
	}
	return 0;
}

/* --- the endpoint --- */

/* The file's object without what says whose endpoint it is; those are no settings. secret NULL: as the file says. */
static void settings_of(struct json file, const char *secret, struct buf *out)
{
	static const char *const identity[] = { "id", "project_id", "organization_id" };
	struct json_iter it = json_each(file);
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w);
	while (json_next(&it)) {
		bool skip = secret && json_is(it.key, "secret");

		for (size_t i = 0; i < sizeof(identity) / sizeof(identity[0]); i++)
			skip = skip || json_is(it.key, identity[i]);
		if (skip)
			continue;
		json_key_same(&w, it.key);
		json_put_raw(&w, json_raw(it.value));
	}
	if (secret)
		json_member_str(&w, "secret", secret);
	json_end_object(&w);
}

static void text_or(struct json v, const char *given, const char *otherwise, struct buf *out)
{
	if (given)
		buf_add_str(out, given);
	else if (json_is_nil(v))
		buf_add_str(out, otherwise);
	else
		json_text(v, out);
}

static int compile_settings(struct render *r, struct json file, const char *secret, struct fault *fault)
{
	struct buf settings, id, organization;
	struct json_doc doc;
	int err;

	json_doc_init(&doc);
	buf_init(&settings, 2 * INPUT_MAX);
	buf_init(&id, INPUT_MAX);
	buf_init(&organization, INPUT_MAX);
	settings_of(file, secret, &settings);
	text_or(json_get(file, "id"), NULL, "demo", &id);
	text_or(json_get(file, "organization_id"), r->options.organization, "", &organization);
	err = json_parse(&doc, buf_slice(&settings), &json_limits_default, fault);
	if (!err)
		err = endpoint_compile(json_root(&doc),
				       &(struct endpoint_identity){ .owner = buf_slice(&r->project),
								    .id = buf_slice(&id),
								    .organization_id = buf_slice(&organization) },
				       &r->ep, fault);
	json_doc_free(&doc);
	buf_free(&settings);
	buf_free(&id);
	buf_free(&organization);
	return err;
}

/* The endpoint that r->endpoint_text describes; path is what complaints call it: a file or a preset. */
static int compile_endpoint(struct render *r, const char *path)
{
	struct fault fault;
	struct json file;

	if (json_parse(&r->endpoint_doc, buf_slice(&r->endpoint_text), &json_limits_default, &fault) != 0)
		return complain(path, &fault);
	file = json_root(&r->endpoint_doc);
	if (json_type(file) != JSON_OBJECT) {
		fault_param(&fault, "", "must hold one object, the endpoint's settings");
		return complain(path, &fault);
	}
	if (r->project.n == 0)
		text_or(json_get(file, "project_id"), r->options.project, "demo", &r->project);
	if (compile_settings(r, file, NULL, &fault) == 0)
		return 0;
	/* The daemon makes a secret where one is needed and none is given; here there is nobody to keep it. */
	if (strcmp(fault.param, "secret") != 0 || !json_is_nil(json_get(file, "secret")))
		return complain(path, &fault);
	if (compile_settings(r, file, DEMO_SECRET, &fault) != 0)
		return complain(path, &fault);
	fprintf(stderr, "postrider render: note: %s has no secret; signed with " DEMO_SECRET "\n", path);
	return 0;
}

static int load_endpoint(struct render *r)
{
	if (read_file(r->options.endpoint, &r->endpoint_text) != 0)
		return 2;
	return compile_endpoint(r, r->options.endpoint);
}

/* The least that a customer of the preset would give. */
static void preset_settings(struct slice name, const char *url, struct buf *out)
{
	struct json_writer w;

	buf_reset(out);
	json_writer_init(&w, out);
	json_begin_object(&w);
	json_member_string(&w, "preset", name);
	json_member_str(&w, "url", url ? url : "https://receiver.example/");
	json_end_object(&w);
}

/* --- the events --- */

static int add_event(struct render *r, struct json object, struct fault *fault)
{
	struct event *e;

	if (r->count == EVENTS_MAX)
		return fault_param(fault, "", "holds more than %d events", EVENTS_MAX);
	if (event_parse(object, buf_slice(&r->project), r->now_s * 1000, &e, fault) != 0)
		return ERR_INVALID;
	if (r->count == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 16;
		r->events = mem_realloc(r->events, r->cap * sizeof(struct event *));
	}
	r->events[r->count++] = e;
	return 0;
}

static int add_array(struct render *r, struct json array, struct fault *fault)
{
	struct json_iter it = json_each(array);

	while (json_next(&it)) {
		if (add_event(r, it.value, fault) == 0)
			continue;
		fault_within(fault, "[%u]", it.index);
		return ERR_INVALID;
	}
	return 0;
}

/* Cuts the first line off *rest. */
static struct slice next_line(struct slice *rest)
{
	size_t end = slice_find(*rest, '\n');
	struct slice line = slice_of(rest->p, end);

	*rest = slice_from(*rest, end < rest->n ? end + 1 : end);
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return slice_trim(line);
}

static int add_lines(struct render *r, struct slice text, struct fault *fault)
{
	for (size_t number = 1; text.n > 0; number++) {
		struct slice line = next_line(&text);

		if (line.n == 0)
			continue;
		if (json_parse(&r->event_doc, line, &json_limits_default, fault) != 0 ||
		    add_event(r, json_root(&r->event_doc), fault) != 0) {
			fault_within(fault, "line %zu", number);
			return ERR_INVALID;
		}
	}
	return 0;
}

/* One event a line: more than one line, and the first is JSON by itself. */
static bool is_lines(struct slice text)
{
	struct slice rest = text, first = slice_of("", 0);
	struct json_doc doc;
	bool ok;

	while (rest.n > 0 && first.n == 0)
		first = next_line(&rest);
	if (slice_trim(rest).n == 0)
		return false;
	json_doc_init(&doc);
	ok = json_parse(&doc, first, &json_limits_default, NULL) == 0;
	json_doc_free(&doc);
	return ok;
}

static int add_all(struct render *r, struct slice text, struct fault *fault)
{
	struct json root;

	if (is_lines(text))
		return add_lines(r, text, fault);
	if (json_parse(&r->event_doc, text, &json_limits_default, fault) != 0)
		return ERR_INVALID;
	root = json_root(&r->event_doc);
	return json_type(root) == JSON_ARRAY ? add_array(r, root, fault) : add_event(r, root, fault);
}

static int load_events(struct render *r)
{
	struct fault fault;

	if (read_file(r->options.event, &r->event_text) != 0)
		return 2;
	if (add_all(r, buf_slice(&r->event_text), &fault) != 0)
		return complain(r->options.event, &fault);
	if (r->count == 0) {
		fault_param(&fault, "", "holds no event");
		return complain(r->options.event, &fault);
	}
	return 0;
}

/* --- output --- */

static void print_slice(struct slice s)
{
	fwrite(s.p, 1, s.n, stdout);
}

static void print_authorization(const struct http_peer *peer)
{
	struct buf plain, encoded;

	if (!peer->username)
		return;
	buf_init(&plain, 4096);
	buf_init(&encoded, 8192);
	buf_addf(&plain, "%s:%s", peer->username, peer->password);
	base64_add(&encoded, plain.p, plain.n);
	printf("Authorization: Basic %s\n", buf_str(&encoded));
	buf_free(&plain);
	buf_free(&encoded);
}

static void print_host(struct slice text)
{
	size_t scheme = slice_find(text, ':') + 3;
	struct url url;

	if (url_parse(text, &url, NULL) == 0)
		printf("Host: %.*s\n", (int)(url.authority_end - scheme), text.p + scheme);
}

static void print_request(struct render *r, const struct http_request *rq)
{
	if (r->printed++)
		fputs("\n--------\n", stdout);
	printf("%s %.*s\n", rq->method == HTTP_GET ? "GET" : "POST", SLICE_ARG(rq->url));
	print_host(rq->url);
	print_authorization(&r->ep->peer);
	for (size_t i = 0; i < rq->header_count; i++)
		printf("%.*s: %.*s\n", SLICE_ARG(rq->headers[i].name), SLICE_ARG(rq->headers[i].value));
	if (rq->method == HTTP_POST)
		printf("Content-Length: %zu\n", rq->body.n);
	putchar('\n');
	print_slice(rq->body);
}

static void note_filter(const struct render *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (!endpoint_wants(r->ep, r->events[i]))
			fprintf(stderr,
				"postrider render: note: the endpoint's filter would not have let event %.*s pass\n",
				SLICE_ARG(r->events[i]->id));
}

/* For a preset, whose events are chosen. */
static void note_chosen(const struct render *r, size_t chosen)
{
	bool url_is_all =
		r->ep->method == HTTP_GET && r->ep->content != CONTENT_FORM && r->ep->content != CONTENT_QUERY;

	if (chosen < r->count)
		fprintf(stderr, "postrider render: note: %s is for %zu of the %zu events\n", r->ep->preset, chosen,
			r->count);
	if (url_is_all && !r->options.url)
		fprintf(stderr,
			"postrider render: note: %s sends what the URL says and nothing else; see it with --url "
			"'https://receiver.example/?id={ID}&status={STATUS}'\n",
			r->ep->preset);
}

/* --- batches --- */

/* The events at places[0 .. n), which agree in their group, as requests. */
static int render_places(struct render *r, struct request *rq, struct event **batch, size_t n)
{
	while (n > 0) {
		size_t most = r->ep->batch.max_items, taken = 0;
		struct fault fault = NO_FAULT;

		if (request_render(r->ep, batch, n < most ? n : most, true, 1, r->now_s, rq, &taken, &fault) != 0) {
			fault_within(&fault, "event %.*s", SLICE_ARG(batch[taken]->id));
			return complain(r->options.event, &fault);
		}
		print_request(r, &rq->http);
		batch += taken;
		n -= taken;
	}
	return 0;
}

/* The events that are not yet in a request; borrowed. */
struct waiting {
	struct event **events;
	uint64_t *groups;
	size_t count;
};

/* Takes the first event and all that share its group out of the list, in order, into batch; returns how many. */
static size_t take_group(struct waiting *w, struct event **batch)
{
	uint64_t group = w->groups[0];
	size_t taken = 0, kept = 0;

	for (size_t i = 0; i < w->count; i++) {
		if (w->groups[i] == group) {
			batch[taken++] = w->events[i];
			continue;
		}
		w->groups[kept] = w->groups[i];
		w->events[kept++] = w->events[i];
	}
	w->count = kept;
	return taken;
}

/* What r->ep is shown: of a preset, the events that it is for. */
static void choose(const struct render *r, struct waiting *w)
{
	w->count = 0;
	for (size_t i = 0; i < r->count; i++) {
		if (r->options.preset && !endpoint_wants(r->ep, r->events[i]))
			continue;
		w->groups[w->count] = endpoint_group(r->ep, r->events[i]);
		w->events[w->count++] = r->events[i];
	}
}

static int render_all(struct render *r)
{
	struct event **batch = mem_alloc(r->count * sizeof(struct event *));
	struct waiting waiting = { mem_alloc(r->count * sizeof(struct event *)), mem_alloc(r->count * sizeof(uint64_t)),
				   0 };
	struct request rq;
	int err = 0;

	request_init(&rq);
	choose(r, &waiting);
	if (r->options.preset)
		note_chosen(r, waiting.count);
	else
		note_filter(r);
	while (!err && waiting.count > 0) {
		size_t n = take_group(&waiting, batch);

		err = render_places(r, &rq, batch, n);
	}
	/* A body stays as it is for whoever reads the output; a person's prompt begins on a line of its own. */
	if (isatty(STDOUT_FILENO))
		putchar('\n');
	request_free(&rq);
	mem_free(waiting.events);
	mem_free(waiting.groups);
	mem_free(batch);
	return err;
}

/* One of the presets; several are told apart by a line with the name. */
static int render_preset(struct render *r, struct slice name, bool several)
{
	char title[80];
	struct slice text;
	int code;

	slice_copy(title, sizeof(title), name);
	preset_settings(name, r->options.url, &r->endpoint_text);
	code = compile_endpoint(r, preset_find(name, &text) ? title : "--preset");
	if (code)
		return code;
	if (several)
		printf("%s=== %s ===\n", r->titled ? "\n\n" : "", title);
	r->titled = true;
	r->printed = 0;
	code = render_all(r);
	endpoint_unref(&r->ep);
	return code;
}

/* Side by side. */
static int render_presets(struct render *r)
{
	struct slice rest = slice_str(r->options.preset);
	bool several = slice_find(rest, ',') < rest.n, more = true;
	int code = 0;

	while (more && code == 0) {
		struct slice name = slice_of(rest.p, slice_find(rest, ','));

		more = name.n < rest.n;
		rest = slice_from(rest, more ? name.n + 1 : name.n);
		code = render_preset(r, slice_trim(name), several);
	}
	return code;
}

static void render_free(struct render *r)
{
	for (size_t i = 0; i < r->count; i++)
		event_unref(&r->events[i]);
	mem_free(r->events);
	endpoint_unref(&r->ep);
	json_doc_free(&r->endpoint_doc);
	json_doc_free(&r->event_doc);
	buf_free(&r->endpoint_text);
	buf_free(&r->event_text);
	buf_free(&r->project);
}

static int run(struct render *r)
{
	int code = check_options(r);

	if (code == 0 && r->options.endpoint)
		code = load_endpoint(r);
	if (code == 0 && r->options.preset) /* a project of their own is in endpoint files only */
		text_or(json_root(&r->endpoint_doc), r->options.project, "demo", &r->project);
	if (code == 0)
		code = load_events(r);
	if (code != 0)
		return code;
	code = r->options.endpoint ? render_all(r) : render_presets(r);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "postrider render: can't write the output: %s\n", strerror(errno));
		return 1;
	}
	return code;
}

static void print_help(void)
{
	fputs(usage, stdout);
	for (size_t i = 0; preset_name(i); i++)
		printf("  %s\n", preset_name(i));
}

int cmd_render(int argc, char **argv)
{
	struct render r = { .count = 0 };
	int code;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			print_help();
			return 0;
		}
	}
	if (read_options(&r.options, argc, argv) != 0)
		return 2;
	buf_init(&r.endpoint_text, INPUT_MAX);
	buf_init(&r.event_text, INPUT_MAX);
	buf_init(&r.project, INPUT_MAX);
	json_doc_init(&r.endpoint_doc);
	json_doc_init(&r.event_doc);
	code = run(&r);
	render_free(&r);
	return code;
}
