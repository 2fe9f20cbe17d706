/* The daemon's HTTP API for the commands: blocking, one call after the other. */
#ifndef CLI_API_CLIENT_H
#define CLI_API_CLIENT_H

#include <curl/curl.h>

#include "base/json.h"
#include "base/option.h"

#define API_URL_DEFAULT "http://127.0.0.1:8420"
#define API_PAGE	500

struct api_options {
	const char *url, *key;
};
/* The two rows that every command of the API has. o: struct api_options * */
#define API_OPTION_ROWS(o)                                                                                             \
	{ "--url", "URL",	   "the daemon's address (default " API_URL_DEFAULT ")", OPTION_TEXT, &(o)->url, 0,    \
	  0,	   "POSTRIDER_URL" },                                                                                  \
	{                                                                                                              \
		"--key", "KEY", "an admin key, or a project's key", OPTION_TEXT, &(o)->key, 0, 0, "POSTRIDER_KEY"      \
	}

struct api {
	CURL *easy;
	struct curl_slist *headers;
	char *url;	     /* without a slash at its end */
	struct buf answer;   /* of the last call */
	struct json_doc doc; /* the same, parsed */
	int status;
};

/* Never sends anything. */
int api_open(struct api *a, const struct api_options *o, struct fault *fault);
void api_close(struct api *a);

/* A path with ids percent-encoded: each %s of the pattern takes one. */
struct api_path {
	char text[2048];
};
struct api_path api_path(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

/*
 * One call. body is sent when its p is set, as content_type (NULL: JSON). 0: a 2xx answer, in
 * a->answer and a->doc until the next call. Otherwise the fault is the daemon's own, or says
 * why there was no answer: ERR_NOT_FOUND for 404, ERR_INVALID for other refusals, ERR_BUSY for
 * 429 and 503, ERR_SYSTEM when the daemon was not reached or did not answer as postrider does.
 */
int api_call(struct api *a, const char *method, const struct api_path *path, struct slice body,
	     const char *content_type, struct fault *fault);
int api_get(struct api *a, const struct api_path *path, struct fault *fault);

/*
 * One call whose answer does not end: fn gets its body as it comes, and returns 0 to go on, anything else to end the
 * call. 0: the daemon ended it; what fn said; or a fault as of api_call, also when nothing comes for API_SILENCE_S.
 */
#define API_SILENCE_S 60L
typedef int api_stream_fn(void *ctx, struct slice bytes);
int api_stream(struct api *a, const struct api_path *path, api_stream_fn *fn, void *ctx, struct fault *fault);

/*
 * Walks a list page by page. fn gets each element (its memory ends
 * with the page) and returns 0 to go on; it must not call the API.
 */
typedef int api_each_fn(void *ctx, struct json element, struct fault *fault);
int api_each(struct api *a, const struct api_path *path, api_each_fn *fn, void *ctx, struct fault *fault);

/* A list of ids, as text: what api_each is most often walked for. */
struct names {
	char **items;
	size_t count;
};
/* The member `id` of every element. */
int api_ids(struct api *a, const struct api_path *path, struct names *ret, struct fault *fault);
void names_add(struct names *n, struct slice name); /* once */
void names_free(struct names *n);

/* One line on stderr; the exit code: 2 for wrong input before any call, 1 for what the daemon said. */
int cli_usage_fault(const char *command, const struct fault *fault);
int cli_fault(const char *command, const struct fault *fault);
/* All of a file, "-" is standard input, up to max bytes. */
int cli_read_file(const char *path, size_t max, struct buf *ret, struct fault *fault);

#endif
