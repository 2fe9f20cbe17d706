/*
 * Our URL reader against libcurl's: whatever ours takes, curl must split in the same way, or what was checked would not
 * be what is connected to. Curl keeps the case of a host and its trailing dot, and the long spelling of some IPv6
 * addresses; ours has one spelling. The other direction is open: ours refuses much that curl mends.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <curl/curl.h>

#include "base/mem.h"
#include "base/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A part of curl's reading, to be freed with curl_free; NULL when there is none. */
static char *part(CURLU *handle, CURLUPart which, unsigned flags)
{
	char *text = NULL;

	return curl_url_get(handle, which, &text, flags) == CURLUE_OK ? text : NULL;
}

static void compare_v6(struct slice theirs, const char *ours)
{
	struct in6_addr a, b;
	char *bare = slice_dup(slice_of(theirs.p + 1, theirs.n - 2));

	assert(inet_pton(AF_INET6, bare, &a) == 1 && inet_pton(AF_INET6, ours, &b) == 1);
	assert(memcmp(&a, &b, sizeof(a)) == 0);
	mem_free(bare);
}

static void compare_host(const struct url *ours, CURLU *handle)
{
	char *host = part(handle, CURLUPART_HOST, 0);
	struct slice theirs = slice_str(host);

	assert(theirs.n > 0);
	if (theirs.p[0] == '[') {
		compare_v6(theirs, ours->host);
	} else {
		if (theirs.p[theirs.n - 1] == '.')
			theirs.n--;
		assert(slice_eq_nocase(theirs, slice_str(ours->host)));
	}
	curl_free(host);
}

static void compare_port(const struct url *ours, CURLU *handle)
{
	char *port = part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT), *given = part(handle, CURLUPART_PORT, 0);
	long long number;

	assert(slice_to_i64(slice_str(port), &number) && number == ours->port);
	assert(ours->port_given == (given != NULL));
	curl_free(given);
	curl_free(port);
}

static void compare_target(const struct url *ours, CURLU *handle)
{
	char *path = part(handle, CURLUPART_PATH, 0), *query = part(handle, CURLUPART_QUERY, 0);
	size_t question = slice_find(ours->target, '?');
	struct slice our_path = slice_of(ours->target.p, question);

	assert(slice_is(our_path.n > 0 ? our_path : SLICE_LIT("/"), path));
	if (question < ours->target.n)
		assert(slice_is(slice_from(ours->target, question + 1), query ? query : ""));
	else
		assert(!query);
	curl_free(query);
	curl_free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);
	struct fault fault = { 0 };
	struct url ours;
	CURLU *handle;
	char *copy, *scheme;

	if (url_parse(text, &ours, &fault)) {
		assert(fault.message[0] && fault.position >= 0 && (size_t)fault.position <= size);
		return 0;
	}
	copy = slice_dup(text);
	handle = curl_url();
	assert(curl_url_set(handle, CURLUPART_URL, copy, CURLU_PATH_AS_IS) == CURLUE_OK);
	scheme = part(handle, CURLUPART_SCHEME, 0);
	assert(scheme && slice_is(slice_str(scheme), ours.https ? "https" : "http"));
	compare_host(&ours, handle);
	compare_port(&ours, handle);
	compare_target(&ours, handle);
	curl_free(scheme);
	curl_url_cleanup(handle);
	mem_free(copy);
	return 0;
}
