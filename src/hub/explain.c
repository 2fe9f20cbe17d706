/*
 * Why a webhook failed, for whoever wrote it: what was seen, what that means, what to do. After Telerivet's section on
 * debugging webhooks, which names 403, redirects and time-outs, and went on with what else happens.
 *
 * net/client_reason.c has said already what happened on the way there, with addresses and times; here that sentence
 * is passed on, behind the word for it.
 */
#include "base/failure.h"
#include "hub/service.h"

static const struct status_row {
	int from, to;
	const char *text;
} statuses[] = {
	{ 200, 200, "the answer was 200 but did not count" },
	{ 201, 299, "only exactly 200 counts as success; let the script answer 200" },
	{ 400, 400,
	  "the script did not understand the request, which is a form "
	  "(application/x-www-form-urlencoded), not JSON; look at the script's log" },
	{ 401, 401, "the URL wants a login; let the script check the parameter `secret` instead" },
	{ 403, 403,
	  "the secret in the script and the one of the service differ, if the script is Telerivet's example; "
	  "make them the same" },
	{ 404, 404, "there is nothing at this URL; correct it" },
	{ 405, 405, "the URL takes no POST; use the URL of the script itself" },
	{ 408, 408, "the server waited in vain for the request; look at its log" },
	{ 410, 410, "the URL is gone for good; correct it" },
	{ 413, 413, "the request was too large for the server; raise its limit" },
	{ 429, 429, "there are too many requests for the server; raise its limit" },
	{ 500, 500, "the script failed; look at the server's error log" },
	{ 502, 504,
	  "the server could not reach the script behind it, or the script took too long; look at the "
	  "server's error log" },
	{ 505, 599, "the server failed; look at its error log" },
	{ 400, 499, "the server refused the request; look at its log" },
	{ 0, 0, NULL },
};

static const struct failure_row {
	enum failure failure;
	const char *text; /* what to do, when no reason is known */
} failures[] = {
	{ FAILURE_DNS, "the name of the server could not be looked up; check the host of the URL" },
	{ FAILURE_CONNECT, "no connection to the server; check host and port of the URL, and that the server runs" },
	{ FAILURE_TLS, "no secure connection to the server; look at its certificate" },
	{ FAILURE_TIMEOUT, "no whole answer came in time" },
	{ FAILURE_RESET, "the connection broke before the answer was whole; look at the server's error log" },
	{ FAILURE_PROTOCOL, "the answer was no valid HTTP; check that the port of the URL is a web server's" },
	{ FAILURE_TOO_LARGE, "the answer was larger than 256 KiB; answer with the reply alone" },
	{ FAILURE_REFUSED_ADDRESS, "the address or port is not allowed; use a public address and one of the ports "
				   "80, 443, 8000, 8080, 8443" },
	{ FAILURE_EXPIRED, "the time for trying it again was over" },
	{ FAILURE_RENDER, "the request could not be made" },
	{ FAILURE_DELETED, "the webhook was deleted or changed before it could be delivered" },
	{ FAILURE_NONE, NULL },
};

static void redirect(int code, struct slice target, struct buf *out)
{
	if (target.n > 0)
		buf_addf(out, "HTTP %d: redirects to %.*s, and redirects are not followed; use that URL instead", code,
			 SLICE_HEAD(target, 1000));
	else
		buf_addf(out,
			 "HTTP %d: redirects to another URL, and redirects are not followed; use the target of the "
			 "redirect as URL",
			 code);
}

static void status(int code, struct buf *out)
{
	const struct status_row *row = statuses;

	while (row->text && (code < row->from || code > row->to))
		row++;
	buf_addf(out, "HTTP %d: %s", code, row->text ? row->text : "no answer that counts; only exactly 200 does");
}

static void failure(enum failure f, struct slice reason, struct buf *out)
{
	const struct failure_row *row = failures;

	while (row->text && row->failure != f)
		row++;
	if (f == FAILURE_TIMEOUT)
		buf_add_str(out, "timed out: answer sooner, and do what takes long after the answer, for instance over "
				 "the REST API");
	else
		buf_add_str(out, failure_word(f));
	if (reason.n > 0)
		buf_addf(out, "%s%.*s", f == FAILURE_TIMEOUT ? " - " : ": ", SLICE_HEAD(reason, 1000));
	else if (row->text && f != FAILURE_TIMEOUT)
		buf_addf(out, ": %s", row->text);
}

void explain_failure(int code, struct slice reason, struct slice url, struct buf *out)
{
	if (url.n > 0)
		buf_addf(out, "%.*s: ", SLICE_HEAD(url, 1000));
	if (code >= 300 && code <= 399)
		redirect(code, reason, out);
	else if (code > 0)
		status(code, out);
	else if (code < 0)
		failure((enum failure) - code, reason, out);
	else
		buf_add_slice(out, reason);
}
