/*
 * What an operator reads in the attempt log when no answer came: the cause and what to do about it. One table turns
 * libcurl's results into postrider's failures. Sentences name host address and port, never the URL's path or query nor
 * credentials; of libcurl's own text only what it says about the transport is passed on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "net/client_impl.h"

static const struct row {
	CURLcode code;
	enum failure failure;
	bool detail; /* libcurl's own words are worth passing on */
	const char *cause, *cure;
} rows[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, FAILURE_DNS, false, "the name could not be looked up",
	  "check the host of the URL" },
	{ CURLE_COULDNT_CONNECT, FAILURE_CONNECT, true, "no connection", "check host and port of the URL" },
	{ CURLE_SSL_CONNECT_ERROR, FAILURE_TLS, true, "the TLS handshake failed",
	  "compare TLS versions and client certificate with what the receiver wants" },
	{ CURLE_PEER_FAILED_VERIFICATION, FAILURE_TLS, true, "the certificate was not accepted", "look at tls.verify" },
	{ CURLE_SSL_CERTPROBLEM, FAILURE_TLS, true, "the client certificate or its key cannot be used",
	  "correct tls.client_cert and tls.client_key" },
	{ CURLE_SSL_CIPHER, FAILURE_TLS, true, "no common cipher", "look at the receiver's TLS settings" },
	{ CURLE_SSL_CACERT_BADFILE, FAILURE_TLS, true, "the trusted certificates cannot be used", "correct tls.ca" },
	{ CURLE_SSL_ISSUER_ERROR, FAILURE_TLS, true, "the certificate was not accepted", "look at tls.verify" },
	{ CURLE_SSL_INVALIDCERTSTATUS, FAILURE_TLS, true, "the certificate was not accepted", "look at tls.verify" },
	{ CURLE_USE_SSL_FAILED, FAILURE_TLS, true, "the TLS handshake failed", "look at the receiver's TLS settings" },
	{ CURLE_GOT_NOTHING, FAILURE_RESET, false, "the receiver closed the connection without an answer",
	  "look at the receiver's log" },
	{ CURLE_PARTIAL_FILE, FAILURE_RESET, false, "the connection was closed before the answer was whole",
	  "look at the receiver's log" },
	{ CURLE_SEND_ERROR, FAILURE_RESET, true, "the connection broke while the request was sent",
	  "look at the receiver's log" },
	{ CURLE_RECV_ERROR, FAILURE_RESET, true, "the connection broke before the answer was whole",
	  "look at the receiver's log" },
	{ CURLE_UNSUPPORTED_PROTOCOL, FAILURE_PROTOCOL, false, "the answer is no HTTP/1.x",
	  "check that the port of the URL speaks HTTP" },
	{ CURLE_WEIRD_SERVER_REPLY, FAILURE_PROTOCOL, true, "the answer is no valid HTTP", "mend the receiver" },
	{ CURLE_BAD_CONTENT_ENCODING, FAILURE_PROTOCOL, false, "the answer's coding is broken", "mend the receiver" },
	{ CURLE_HTTP_RETURNED_ERROR, FAILURE_PROTOCOL, false, "the answer is no valid HTTP", "mend the receiver" },
	{ CURLE_FILESIZE_EXCEEDED, FAILURE_TOO_LARGE, false, "the answer is too large", "mend the receiver" },
	{ CURLE_INTERFACE_FAILED, FAILURE_INTERNAL, true, "the source address cannot be used",
	  "look at --bind-address" },
	{ CURLE_OUT_OF_MEMORY, FAILURE_INTERNAL, false, "libcurl ran out of memory", "look at this machine's memory" },
};

static const struct row other = { CURLE_OK, FAILURE_INTERNAL, false, "libcurl could not do the exchange",
				  "report this with the attempt's time" };

void client_reason_address(const union resolve_address *address, char *ret, size_t cap)
{
	char text[INET6_ADDRSTRLEN] = "";
	bool v6 = address->sa.sa_family == AF_INET6;

	if (uv_ip_name(&address->sa, text, sizeof(text)) == 0)
		snprintf(ret, cap, v6 ? "[%s] port %u" : "%s port %u", text,
			 ntohs(v6 ? address->in6.sin6_port : address->in.sin_port));
	else
		snprintf(ret, cap, "the receiver");
}

static const struct row *row_find(CURLcode code)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == code)
			return &rows[i];
	return &other;
}

/* Some results of libcurl mean several things; its text or the state of the exchange tells them apart. */
static enum failure failure_of(const struct client_slot *slot, const struct row *row)
{
	curl_off_t first = 0;

	if (row->code == CURLE_RECV_ERROR && strstr(slot->error, "chunk"))
		return FAILURE_PROTOCOL;
	if (row->code == CURLE_RECV_ERROR && strstr(slot->error, "alert"))
		return FAILURE_TLS;
	/* A header line longer than libcurl's own buffer takes. */
	curl_easy_getinfo(slot->easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
	if (row->code == CURLE_OUT_OF_MEMORY && first > 0 && !slot->headers_done)
		return FAILURE_TOO_LARGE;
	return row->failure;
}

/* The words of OpenSSL and libcurl may quote the receiver. */
static void clean(char *text)
{
	for (; *text; text++)
		if ((uint8_t)*text < ' ' || (uint8_t)*text > '~')
			*text = '?';
}

static void connect_write(struct client_slot *slot, const char *address)
{
	long error = 0;

	curl_easy_getinfo(slot->easy, CURLINFO_OS_ERRNO, &error);
	if (error == ECONNREFUSED)
		snprintf(slot->reason, sizeof(slot->reason),
			 "connection to %s refused: nothing listens there; check host and port of the URL and the "
			 "receiver",
			 address);
	else
		snprintf(slot->reason, sizeof(slot->reason),
			 "connection to %s failed: %s; check host and port of the URL and the way there", address,
			 error ? strerrordesc_np((int)error) : "no address of the name could be reached");
}

static const char *phase(const struct client_call *call)
{
	curl_off_t pre = 0, first = 0;
	char *ip = NULL;

	if (!call->placed)
		return "it waited for a free connection";
	if (!call->slot)
		return "the name was being looked up";
	curl_easy_getinfo(call->slot->easy, CURLINFO_PRETRANSFER_TIME_T, &pre);
	curl_easy_getinfo(call->slot->easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
	curl_easy_getinfo(call->slot->easy, CURLINFO_PRIMARY_IP, &ip);
	if (first > 0)
		return "the answer was arriving";
	if (pre > 0)
		return "the receiver was silent";
	return "the connection was being made";
}

void client_reason_timeout(const struct client_call *call, char *reason, size_t cap)
{
	snprintf(reason, cap,
		 "no whole answer within %lld ms, and when they were over %s; look at the receiver, or raise the "
		 "endpoint's timeout",
		 (long long)call->peer->settings->timeout_ms, phase(call));
}

void client_reason_fill(struct client_slot *slot, CURLcode result)
{
	const struct row *row = row_find(result);
	char address[80];

	if (slot->failure != FAILURE_NONE)
		return;
	/* libcurl's time-out for the connection is set to ours and may be told first. */
	if (result == CURLE_OPERATION_TIMEDOUT) {
		slot->failure = FAILURE_TIMEOUT;
		client_reason_timeout(slot->call, slot->reason, sizeof(slot->reason));
		return;
	}
	slot->failure = failure_of(slot, row);
	client_reason_address(&slot->tried, address, sizeof(address));
	if (row->code == CURLE_COULDNT_CONNECT) {
		connect_write(slot, address);
		return;
	}
	clean(slot->error);
	if (slot->failure == FAILURE_TOO_LARGE)
		snprintf(slot->reason, sizeof(slot->reason),
			 "%s: the answer's headers are too large; mend the receiver", address);
	else
		snprintf(slot->reason, sizeof(slot->reason), "%s: %s%s%.250s; %s", address, row->cause,
			 row->detail && slot->error[0] ? ": " : "", row->detail ? slot->error : "", row->cure);
}
