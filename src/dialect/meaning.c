/*
 * What an outcome that was no success means, in words that name the setting to look at. Headers and masking are not
 * its business: who shows an exchange adds what the answer itself said; and what really happened on the way, with
 * addresses and times, is an attempt's reason (net/client_reason.c).
 */
#include "dialect/meaning.h"

#include <stddef.h>

#include "base/failure.h"

/* clang-format off: tables are read by their columns */
#define SAYS(WHAT, CURE)                                                                                               \
	{                                                                                                              \
		WHAT, CURE, WHAT "; " CURE                                                                             \
	}

/* The first row that fits. */
static const struct {
	int from, to;
	struct meaning says;
} statuses[] = {
	{ 200, 299,
	  SAYS("success.statuses does not count that as a success",
	       "let the receiver answer with one that counts, or add this one to success.statuses") },
	{ 300, 399, SAYS("redirects are never followed", "set url to where the redirect leads") },
	{ 400, 400, SAYS("the receiver does not understand the request", "look at its answer and at body") },
	{ 401, 401, SAYS("the receiver wants other credentials", "look at auth and headers") },
	{ 403, 403,
	  SAYS("the receiver lets nobody in like this",
	       "look at auth, at secrets, and at the addresses that it allows") },
	{ 404, 404, SAYS("the receiver has nothing there", "look at url") },
	{ 405, 405, SAYS("the receiver takes no such method there", "look at method") },
	{ 408, 408,
	  SAYS("the receiver waited in vain for the request", "look at its log, and at the network between") },
	{ 410, 410, SAYS("the receiver says that it is gone for good", "look at url, or delete the endpoint") },
	{ 413, 413, SAYS("the receiver takes no body of this size", "look at batch: send fewer events at once") },
	{ 415, 415, SAYS("the receiver does not take this kind of body", "look at content_type") },
	{ 422, 422, SAYS("the receiver refuses what the body says", "look at its answer and at body") },
	{ 429, 429, SAYS("the receiver asks to be sent less", "look at rate_per_s and concurrency") },
	{ 400, 499, SAYS("the receiver refuses the request", "look at its answer") },
	{ 502, 502, SAYS("the server before the receiver could not reach it", "look at that server's log") },
	{ 503, 503, SAYS("the receiver has no time just now", "wait: it is tried again") },
	{ 504, 504, SAYS("the receiver took too long for the server before it", "look at the receiver's log") },
	{ 500, 599, SAYS("the receiver failed", "look at its log") },
};

static const struct meaning no_answer =
	SAYS("that is no answer to a request", "check that the port of the URL is a web server's");

static const struct meaning failures[FAILURE_COUNT] = {
	[FAILURE_DNS] = SAYS("the receiver's name could not be looked up", "check the host of the URL"),
	[FAILURE_CONNECT] = SAYS("there is no connection to the receiver",
				 "check host and port of the URL, that the receiver runs, and the firewalls between"),
	[FAILURE_TLS] = SAYS("there is no secure connection to the receiver",
			     "look at its certificate, and at tls.verify, tls.ca and tls.min_version"),
	[FAILURE_TIMEOUT] = SAYS("no whole answer came in time",
				 "let the receiver answer first and work afterwards, or raise timeout_ms"),
	[FAILURE_RESET] = SAYS("the connection broke before the answer was whole", "look at the receiver's error log"),
	[FAILURE_PROTOCOL] = SAYS("the answer was no valid HTTP",
				  "check that the port of the URL is a web server's, and http or https as it speaks"),
	[FAILURE_TOO_LARGE] = SAYS("the answer was larger than postrider reads", "let the receiver answer with less"),
	[FAILURE_REFUSED_ADDRESS] = SAYS("the address or port is not allowed",
					 "use a public address and an allowed port, or have the operator open it with "
					 "allow_net or allow_ports"),
	[FAILURE_BAD_ACK] = SAYS("the status is a success, but the answer does not acknowledge what was sent",
				 "compare the answer with success.ack"),
	[FAILURE_INTERNAL] = SAYS("postrider itself could not make the exchange", "look at the daemon's log"),
	[FAILURE_EXPIRED] =
		SAYS("the time for trying it again was over",
		     "mend what the attempts before it say, then send it again; retry.max_age_s is that time"),
	[FAILURE_RENDER] = SAYS("the request could not be made from the event",
				"correct url, headers or body; the template editor shows where they fail"),
	[FAILURE_SUPERSEDED] =
		SAYS("a newer status of the message took its place", "nothing is wrong: newest_replaces asks for that"),
	[FAILURE_FINAL] = SAYS("a final status of the message had been acknowledged",
			       "nothing is wrong: final_statuses asks for that"),
	[FAILURE_DELETED] = SAYS("the endpoint was deleted first", "nothing is to be done"),
	[FAILURE_DAMAGED] = SAYS("the stored event is not what was written",
				 "check the disk, and post the event again under another id"),
	[FAILURE_CANCELLED] = SAYS("the replay that it belonged to was cancelled", "nothing is to be done"),
};
/* clang-format on */

static const struct meaning *of_status(int status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (status >= statuses[i].from && status <= statuses[i].to)
			return &statuses[i].says;
	return &no_answer;
}

const char *meaning_of_status(int status)
{
	return of_status(status)->both;
}

bool meaning_of_code(int code, struct meaning *ret)
{
	if (code > 0)
		*ret = *of_status(code);
	else if (code < 0 && -code < FAILURE_COUNT && failures[-code].what)
		*ret = failures[-code];
	else
		return false;
	return true;
}
