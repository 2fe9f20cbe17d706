/*
 * Takes in an answer and holds it to its bounds: the header block, the body, the number of interim answers. libcurl
 * reads the framing; what it is lenient about and RFC 9112 calls an error is caught here: lengths that contradict each
 * other, codings we did not ask for. A bound ends the transfer, and libcurl closes the connection.
 *
 * The receiver need not be friendly, but it must be understood
 * exactly: an acknowledgement decides whether an event is sent again.
 */
#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>

#include "net/client_impl.h"

void client_answer_reset(struct client_slot *slot)
{
	buf_reset(&slot->headers);
	buf_reset(&slot->body);
	slot->header_bytes = slot->dropped_bytes = 0;
	slot->status = slot->interim = 0;
	slot->block_begun = slot->headers_done = slot->encoded = slot->length_seen = slot->chunked = false;
	slot->failure = FAILURE_NONE;
	slot->reason[0] = '\0';
	slot->tls_key_known = false;
	if (slot->unclean)
		curl_easy_setopt(slot->easy, CURLOPT_FORBID_REUSE, 0L);
	slot->unclean = false;
}

static bool refuse(struct client_slot *slot, enum failure failure, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static bool refuse(struct client_slot *slot, enum failure failure, const char *fmt, ...)
{
	va_list ap;

	slot->failure = failure;
	va_start(ap, fmt);
	vsnprintf(slot->reason, sizeof(slot->reason), fmt, ap);
	va_end(ap);
	return false;
}

static bool take_length(struct client_slot *slot, struct slice value)
{
	long long length;

	if (!slice_to_i64(value, &length) || length < 0)
		return refuse(slot, FAILURE_PROTOCOL, "the answer's Content-Length is no number; mend the receiver");
	if (slot->length_seen && slot->length != length)
		return refuse(slot, FAILURE_PROTOCOL,
			      "the answer has two different Content-Length headers; mend the receiver");
	slot->length_seen = true;
	slot->length = length;
	return true;
}

static bool take_transfer_coding(struct client_slot *slot, struct slice value)
{
	slot->chunked = true;
	if (slice_eq_nocase(value, SLICE_LIT("chunked")) || slice_eq_nocase(value, SLICE_LIT("identity")))
		return true;
	return refuse(slot, FAILURE_PROTOCOL,
		      "the answer has a transfer coding other than chunked; the receiver must not "
		      "compress what was not asked for");
}

static bool take_field(struct client_slot *slot, struct slice line)
{
	size_t colon = slice_find(line, ':');
	struct slice name = slice_of(line.p, colon), value;

	if (colon == line.n)
		return true;
	value = slice_trim(slice_from(line, colon + 1));
	if (slice_eq_nocase(name, SLICE_LIT("content-length")) && !take_length(slot, value))
		return false;
	if (slice_eq_nocase(name, SLICE_LIT("transfer-encoding")) && !take_transfer_coding(slot, value))
		return false;
	if (slice_eq_nocase(name, SLICE_LIT("content-encoding")) && !slice_eq_nocase(value, SLICE_LIT("identity")))
		slot->encoded = value.n > 0;
	return true;
}

/* "HTTP/1.1 200 OK"; libcurl has read it already. */
static bool take_status(struct client_slot *slot, struct slice line)
{
	size_t blank = slice_find(line, ' ');
	long long status = 0;

	if (!slice_starts(line, SLICE_LIT("HTTP/1.")))
		return refuse(slot, FAILURE_PROTOCOL,
			      "the answer is no HTTP/1.x; check that the port of the URL speaks it");
	if (blank + 4 > line.n || !slice_to_i64(slice_of(line.p + blank + 1, 3), &status))
		return refuse(slot, FAILURE_PROTOCOL, "the answer's first line has no status; mend the receiver");
	if (status < 100 || status > 599)
		return refuse(slot, FAILURE_PROTOCOL, "the answer's status %lld is none of HTTP's; mend the receiver",
			      status);
	if (slot->https && !slot->tls_key_known)
		client_tls_key(slot);
	slot->status = (int)status;
	slot->block_begun = true;
	buf_reset(&slot->headers);
	slot->header_bytes = line.n;
	slot->encoded = slot->length_seen = slot->chunked = false;
	if (status >= 200)
		return true;
	slot->status = 0;
	if (++slot->interim > INTERIM_MAX)
		return refuse(slot, FAILURE_PROTOCOL,
			      "more than %d interim answers (1xx) before the real one; mend the receiver", INTERIM_MAX);
	return true;
}

/*
 * The empty line. Chunked and a length at once is how answers
 * are smuggled: the body is read, the connection not used again.
 */
static void take_end(struct client_slot *slot)
{
	slot->block_begun = false;
	slot->headers_done = slot->status != 0;
	if (!slot->chunked || !slot->length_seen)
		return;
	slot->unclean = true;
	curl_easy_setopt(slot->easy, CURLOPT_FORBID_REUSE, 1L);
}

/*
 * A blank for each control byte, as RFC 9110 has it in 5.5: what is kept is shown to people and split into lines again.
 */
static void clean(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((uint8_t)p[i] < ' ' && p[i] != '\t') || p[i] == 0x7f)
			p[i] = ' ';
}

/* A line that begins with a blank continues the one before (RFC 9112, 5.2). */
static void keep_line(struct client_slot *slot, struct slice line)
{
	bool folded = (line.p[0] == ' ' || line.p[0] == '\t') && slot->headers.n >= 2;
	size_t before;

	if (folded) {
		buf_truncate(&slot->headers, slot->headers.n - 2);
		buf_add_char(&slot->headers, ' ');
		line = slice_trim(line);
	}
	before = slot->headers.n;
	buf_add_slice(&slot->headers, line);
	clean(slot->headers.p + before, slot->headers.n - before);
	buf_add(&slot->headers, "\r\n", 2);
}

static struct slice line_trim(struct slice line)
{
	if (line.n > 0 && line.p[line.n - 1] == '\n')
		line.n--;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static bool take_line(struct client_slot *slot, struct slice raw)
{
	struct slice line = line_trim(raw);

	slot->header_bytes += raw.n;
	if (slot->header_bytes > HTTP_HEADERS_MAX)
		return refuse(slot, FAILURE_TOO_LARGE,
			      "the answer's headers are larger than %d bytes; mend the receiver", HTTP_HEADERS_MAX);
	if (slot->headers_done) /* a trailer */
		return true;
	if (!slot->block_begun)
		return take_status(slot, line);
	if (line.n == 0) {
		take_end(slot);
		return true;
	}
	keep_line(slot, line);
	return take_field(slot, line);
}

size_t client_answer_header(char *data, size_t size, size_t count, void *ctx)
{
	return take_line(ctx, slice_of(data, size * count)) ? size * count : 0;
}

size_t client_answer_body(char *data, size_t size, size_t count, void *ctx)
{
	struct client_slot *slot = ctx;
	size_t n = size * count;

	/* Compressed though we did not ask for it: the status counts, the body is counted and dropped. */
	if (slot->encoded)
		slot->dropped_bytes += n;
	else
		buf_add(&slot->body, data, n);
	if (!buf_failed(&slot->body) && slot->dropped_bytes <= HTTP_BODY_MAX)
		return n;
	refuse(slot, FAILURE_TOO_LARGE, "the answer's body is larger than %d bytes; let the receiver answer shortly",
	       HTTP_BODY_MAX);
	return 0;
}
