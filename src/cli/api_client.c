/*
 * Calls to the daemon with libcurl's easy interface. No proxy from the environment: the daemon is usually on this very
 * machine, and a key must not travel through a proxy because of a forgotten variable. No redirects for the same reason.
 * What the daemon refuses comes back as the same struct fault that the daemon made of it.
 */
#include "cli/api_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/terminal.h"
#include "base/text.h"

#define ANSWER_MAX	((size_t)256 * 1024 * 1024)
#define CONNECT_LIMIT_S 10L
#define CALL_LIMIT_S	300L

/* --- one call --- */

static size_t on_bytes(char *p, size_t size, size_t n, void *ctx)
{
	struct buf *answer = ctx;

	buf_add(answer, p, size * n);
	return buf_failed(answer) ? 0 : size * n;
}

static void headers_make(struct api *a, const char *key)
{
	struct buf line;

	if (!key)
		return;
	buf_init(&line, 4096);
	buf_addf(&line, "Authorization: Bearer %s", key);
	a->headers = curl_slist_append(NULL, buf_str(&line));
	buf_free(&line);
}

static bool key_is_plain(const char *key)
{
	for (; *key; key++)
		if (*key <= ' ' || *key > '~')
			return false;
	return true;
}

int api_open(struct api *a, const struct api_options *o, struct fault *fault)
{
	struct slice url = slice_str(o->url ? o->url : API_URL_DEFAULT);

	memset(a, 0, sizeof(*a));
	buf_init(&a->answer, ANSWER_MAX);
	json_doc_init(&a->doc);
	if (o->key && !key_is_plain(o->key))
		return fault_set(fault, "invalid_param", "--key", "a key is visible ASCII without blanks");
	if (!slice_starts(url, SLICE_LIT("http://")) && !slice_starts(url, SLICE_LIT("https://")))
		return fault_set(fault, "invalid_param", "--url", "--url begins with http:// or https://, not '%.*s'",
				 SLICE_ARG(url));
	while (url.n > 0 && url.p[url.n - 1] == '/')
		url.n--;
	a->url = slice_dup(url);
	headers_make(a, o->key);
	a->easy = curl_easy_init();
	return a->easy ? 0 : fault_set(fault, "internal", "", "libcurl does not start");
}

void api_close(struct api *a)
{
	curl_easy_cleanup(a->easy);
	curl_slist_free_all(a->headers);
	json_doc_free(&a->doc);
	buf_free(&a->answer);
	mem_free(a->url);
}

struct api_path api_path(const char *pattern, ...)
{
	struct api_path path = { "" };
	struct buf out;
	va_list ap;

	buf_init(&out, sizeof(path.text) - 1);
	va_start(ap, pattern);
	for (; *pattern; pattern++) {
		if (pattern[0] == '%' && pattern[1] == 's') {
			percent_add(&out, slice_str(va_arg(ap, const char *)));
			pattern++;
		} else {
			buf_add_char(&out, *pattern);
		}
	}
	va_end(ap);
	/* An id too long for any daemon: the path of nothing, answered 404. */
	slice_copy(path.text, sizeof(path.text), buf_failed(&out) ? slice_str("/too-long") : buf_slice(&out));
	buf_free(&out);
	return path;
}

static void call_prepare(struct api *a, const char *method, const char *url, struct slice body,
			 struct curl_slist *headers)
{
	CURL *c = a->easy;

	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_LIMIT_S);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, CALL_LIMIT_S);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "postrider/" POSTRIDER_VERSION);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &a->answer);
	if (body.p) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.p);
	}
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
}

static int unreachable(struct api *a, CURLcode code, struct fault *fault)
{
	fault_set(fault, "unreachable", "",
		  "no answer from %s: %s; is `postrider serve` running there? --url says where else", a->url,
		  curl_easy_strerror(code));
	return ERR_SYSTEM;
}

static struct curl_slist *call_headers(const struct api *a, struct slice body, const char *content_type)
{
	struct curl_slist *headers = NULL;
	char line[128];

	for (struct curl_slist *h = a->headers; h; h = h->next)
		headers = curl_slist_append(headers, h->data);
	snprintf(line, sizeof(line), "Content-Type: %s", content_type ? content_type : "application/json");
	if (body.p)
		headers = curl_slist_append(headers, line);
	return curl_slist_append(headers, "Expect:"); /* a round trip that nobody here needs */
}

/* more (may be NULL) sets what this call has beside the usual. */
static CURLcode call_perform(struct api *a, const char *method, const struct api_path *path, struct slice body,
			     const char *content_type, void (*more)(void *ctx, CURL *easy), void *ctx)
{
	struct curl_slist *headers = call_headers(a, body, content_type);
	struct buf url;
	long status = 0;
	CURLcode code;

	buf_init(&url, 8192);
	buf_addf(&url, "%s%s", a->url, path->text);
	buf_reset(&a->answer);
	call_prepare(a, method, buf_str(&url), body, headers);
	if (more)
		more(ctx, a->easy);
	code = curl_easy_perform(a->easy);
	curl_easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &status);
	a->status = (int)status;
	curl_slist_free_all(headers);
	buf_free(&url);
	return code;
}

static void fault_text(struct json v, char *dst, size_t cap)
{
	struct buf scratch;

	buf_init(&scratch, 4096);
	slice_copy(dst, cap, json_text_slice(v, &scratch));
	buf_free(&scratch);
}

/* The daemon's error as it was before it became JSON. */
static int refused(struct api *a, struct fault *fault)
{
	struct json error = json_get(json_root(&a->doc), "error");

	memset(fault, 0, sizeof(*fault));
	fault->position = -1;
	fault_text(json_get(error, "code"), fault->code, sizeof(fault->code));
	fault_text(json_get(error, "param"), fault->param, sizeof(fault->param));
	fault_text(json_get(error, "message"), fault->message, sizeof(fault->message));
	if (a->status == 404)
		return ERR_NOT_FOUND;
	return a->status == 429 || a->status == 503 ? ERR_BUSY : ERR_INVALID;
}

static int no_postrider(const struct api *a, struct fault *fault)
{
	fault_set(fault, "unreachable", "",
		  "%s answers %d with something else than postrider's JSON; --url names the daemon", a->url, a->status);
	return ERR_SYSTEM;
}

/* What a whole answer says. */
static int call_judge(struct api *a, CURLcode code, struct fault *fault)
{
	struct json_limits limits = json_limits_default;

	if (code != CURLE_OK)
		return unreachable(a, code, fault);
	limits.nodes = UINT32_MAX;
	if (json_parse(&a->doc, buf_slice(&a->answer), &limits, NULL) != 0)
		return no_postrider(a, fault);
	if (a->status >= 200 && a->status < 300)
		return 0;
	if (json_type(json_get(json_root(&a->doc), "error")) != JSON_OBJECT)
		return no_postrider(a, fault);
	return refused(a, fault);
}

int api_call(struct api *a, const char *method, const struct api_path *path, struct slice body,
	     const char *content_type, struct fault *fault)
{
	return call_judge(a, call_perform(a, method, path, body, content_type, NULL, NULL), fault);
}

int api_get(struct api *a, const struct api_path *path, struct fault *fault)
{
	return api_call(a, "GET", path, slice_of(NULL, 0), NULL, fault);
}

/* --- streams --- */

struct streaming {
	struct api *api;
	api_stream_fn *fn;
	void *ctx;
	int said; /* by fn */
};

/* A refusal has a body like any other call's. */
static size_t on_stream_bytes(char *p, size_t size, size_t n, void *ctx)
{
	struct streaming *s = ctx;
	long status = 0;

	curl_easy_getinfo(s->api->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return on_bytes(p, size, n, &s->api->answer);
	s->said = s->fn(s->ctx, slice_of(p, size * n));
	return s->said == 0 ? size * n : 0;
}

static void stream_prepare(void *ctx, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_stream_bytes);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, ctx);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, API_SILENCE_S);
}

int api_stream(struct api *a, const struct api_path *path, api_stream_fn *fn, void *ctx, struct fault *fault)
{
	struct streaming s = { .api = a, .fn = fn, .ctx = ctx };
	CURLcode code = call_perform(a, "GET", path, slice_of(NULL, 0), NULL, stream_prepare, &s);

	if (s.said != 0)
		return s.said;
	return code == CURLE_OK && a->status == 200 ? 0 : call_judge(a, code, fault);
}

/* --- lists --- */

static struct api_path page_path(const struct api_path *path, const char *marker)
{
	struct api_path page;
	struct buf out;

	buf_init(&out, sizeof(page.text) - 1);
	buf_addf(&out, "%s%spage_size=%d", path->text, strchr(path->text, '?') ? "&" : "?", API_PAGE);
	if (marker) {
		buf_add_str(&out, "&marker=");
		percent_add(&out, slice_str(marker));
	}
	slice_copy(page.text, sizeof(page.text), buf_slice(&out));
	buf_free(&out);
	return page;
}

static char *marker_of(struct json root)
{
	struct json marker = json_get(root, "next_marker");
	struct buf text;

	if (json_type(json_get(root, "truncated")) != JSON_TRUE || json_is_nil(marker))
		return NULL;
	buf_init(&text, 4096);
	json_text(marker, &text);
	return buf_take(&text);
}

int api_each(struct api *a, const struct api_path *path, api_each_fn *fn, void *ctx, struct fault *fault)
{
	char *marker = NULL;
	int rc;

	do {
		struct api_path page = page_path(path, marker);

		mem_free(marker);
		marker = NULL;
		rc = api_get(a, &page, fault);
		if (rc != 0)
			break;
		for (struct json_iter it = json_each(json_get(json_root(&a->doc), "data")); rc == 0 && json_next(&it);)
			rc = fn(ctx, it.value, fault);
		marker = marker_of(json_root(&a->doc));
	} while (rc == 0 && marker);
	mem_free(marker);
	return rc;
}

void names_add(struct names *n, struct slice name)
{
	for (size_t i = 0; i < n->count; i++)
		if (slice_is(name, n->items[i]))
			return;
	n->items = mem_realloc(n->items, (n->count + 1) * sizeof(*n->items));
	n->items[n->count++] = slice_dup(name);
}

void names_free(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		mem_free(n->items[i]);
	mem_free(n->items);
	*n = (struct names){ NULL, 0 };
}

static int id_add(void *ctx, struct json element, struct fault *fault)
{
	struct buf text;

	(void)fault;
	buf_init(&text, 4096);
	json_text(json_get(element, "id"), &text);
	names_add(ctx, buf_slice(&text));
	buf_free(&text);
	return 0;
}

int api_ids(struct api *a, const struct api_path *path, struct names *ret, struct fault *fault)
{
	return api_each(a, path, id_add, ret, fault);
}

/* --- what every command needs --- */

/* The daemon's words pass through the terminal's filter: an error may quote what somebody posted. */
int cli_fault(const char *command, const struct fault *fault)
{
	struct buf line;

	buf_init(&line, 8192);
	buf_addf(&line, "postrider %s: ", command);
	if (fault->param[0]) {
		terminal_add(&line, slice_str(fault->param));
		buf_add_str(&line, ": ");
	}
	terminal_add(&line, slice_str(fault->message));
	fprintf(stderr, "%s\n", buf_str(&line));
	buf_free(&line);
	return 1;
}

int cli_usage_fault(const char *command, const struct fault *fault)
{
	fprintf(stderr, "postrider %s: %s\n", command, fault->message);
	return 2;
}

int cli_read_file(const char *path, size_t max, struct buf *ret, struct fault *fault)
{
	bool input = strcmp(path, "-") == 0;
	int fd = input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	char chunk[16384];
	ssize_t n = -1;
	int error;

	buf_init(ret, max);
	while (fd >= 0 && !buf_failed(ret) && (n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(ret, chunk, (size_t)n);
	error = errno;
	if (fd >= 0 && !input)
		close(fd);
	if (n < 0)
		return fault_set(fault, "invalid_param", "", "cannot read %s: %s", path, strerror(error));
	if (buf_failed(ret))
		return fault_set(fault, "too_large", "", "%s is larger than %zu bytes", path, max);
	return 0;
}
