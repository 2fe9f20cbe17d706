/*
 * What an answer that was no success means, in words that name the setting to look at. Headers and masking are not
 * its business: who shows an exchange adds what the answer itself said.
 */
#include "dialect/meaning.h"

#include <stddef.h>

/* What a status means to whoever set the endpoint up, and where to look. The first row that fits. */
static const struct {
	int from, to;
	const char *text;
} meanings[] = {
	{ 200, 299, "success.statuses does not count that as a success" },
	{ 300, 399, "redirects are never followed; look at url" },
	{ 400, 400, "the receiver does not understand the request; look at its answer and at body" },
	{ 401, 401, "the receiver wants other credentials; look at auth and headers" },
	{ 403, 403,
	  "the receiver lets nobody in like this; look at auth, at secrets, and at the addresses that it allows" },
	{ 404, 404, "the receiver has nothing there; look at url" },
	{ 405, 405, "the receiver takes no such method there; look at method" },
	{ 410, 410, "the receiver says that it is gone for good" },
	{ 413, 413, "the receiver takes no body of this size; look at batch" },
	{ 415, 415, "the receiver does not take this kind of body; look at content_type" },
	{ 422, 422, "the receiver refuses what the body says; look at its answer and at body" },
	{ 429, 429, "the receiver asks to be sent less; look at rate_per_s" },
	{ 400, 499, "the receiver refuses the request; look at its answer" },
	{ 503, 503, "the receiver has no time just now" },
	{ 500, 599, "the receiver failed; look at its log" },
};

const char *meaning_of_status(int status)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (status >= meanings[i].from && status <= meanings[i].to)
			return meanings[i].text;
	return "that is no answer to a request";
}
