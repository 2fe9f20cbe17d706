/* Plain descriptions of one HTTP exchange, shared by those who render requests, those who send them and those who
 * judge answers. No behaviour. */
#ifndef BASE_HTTP_H
#define BASE_HTTP_H

#include <stdint.h>

#include "base/failure.h"
#include "base/slice.h"

struct http_header {
	struct slice name, value;
};

enum http_method { HTTP_GET, HTTP_POST };

struct http_request {
	enum http_method method;
	struct slice url;
	const struct http_header *headers; /* all of them but Host, Content-Length, Authorization of basic auth */
	size_t header_count;
	struct slice body;
};

#define HTTP_BODY_MAX	 (256 * 1024) /* an answer's body; more is FAILURE_TOO_LARGE */
#define HTTP_HEADERS_MAX (16 * 1024)  /* an answer's header block */

/* Microseconds since the attempt began; -1 where a phase was not reached or not needed. */
struct http_timings {
	int64_t dns, connect, tls, first_byte, total;
};

struct http_answer {
	enum failure failure; /* FAILURE_NONE: status, headers and body are whole */
	int status;	      /* 0 when none came */
	struct slice headers; /* as received, lines ended by CRLF, without the status line */
	struct slice body;
	struct http_timings timings;
	/*
	 * SHA-256 of the DER SubjectPublicKeyInfo of the receiver that answered over TLS, as in http_peer.pin; not
	 * known when no answer began, or the connection was refused for its certificate (reason names the key then).
	 */
	bool tls_key_known;
	uint8_t tls_key[32];
	struct slice reason; /* a sentence for the attempt log: cause and cure; empty on success */
};

enum tls_verify { TLS_STRICT, TLS_SELF_SIGNED, TLS_PIN, TLS_OFF };

/*
 * How to talk to one endpoint; owned by the endpoint's compiled
 * settings, immutable. Strings are NUL-terminated, NULL when unset.
 */
struct http_peer {
	enum tls_verify verify;
	int tls_min;	 /* 12 or 13 */
	uint8_t pin[32]; /* SHA-256 of the DER SubjectPublicKeyInfo, for TLS_PIN */
	const char *ca_pem, *client_cert_pem, *client_key_pem;
	const char *username, *password; /* basic authentication; both or neither */
	int64_t timeout_ms;		 /* absolute, from the name look-up to the last byte */
	int connections_max;		 /* at most this many at once */
	/* The ports allowed for this endpoint, NULL for the daemon's own list. */
	const uint16_t *ports;
	size_t port_count;
};

/* The value of a header in a block of lines as in http_answer; false when it is not there. The first one counts. */
bool http_header_find(struct slice block, const char *name, struct slice *ret);

#endif
