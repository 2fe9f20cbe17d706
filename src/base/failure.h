/*
 * Why a delivery attempt did not succeed, when there is no HTTP status to say it.
 * One table gives the word that the API, the metrics and the log use. In rows and
 * structs a `code` is an HTTP status (100 - 599) or, below zero, -enum failure.
 */
#ifndef BASE_FAILURE_H
#define BASE_FAILURE_H

enum failure {
	FAILURE_NONE,
	FAILURE_DNS,		 /* the name could not be looked up */
	FAILURE_CONNECT,	 /* no connection: refused, unreachable */
	FAILURE_TLS,		 /* handshake, certificate, pin, version */
	FAILURE_TIMEOUT,	 /* the absolute deadline passed */
	FAILURE_RESET,		 /* the connection broke before the answer was whole */
	FAILURE_PROTOCOL,	 /* the answer is no valid HTTP */
	FAILURE_TOO_LARGE,	 /* answer or header block over its bound */
	FAILURE_REFUSED_ADDRESS, /* the address guard or the port list said no */
	FAILURE_BAD_ACK,	 /* 2xx, but the body does not acknowledge */
	FAILURE_INTERNAL,	 /* postrider's own trouble: out of descriptors, … */
	/* ends without an exchange: */
	FAILURE_EXPIRED,    /* max_age_s passed */
	FAILURE_RENDER,	    /* the request could not be made from the event */
	FAILURE_SUPERSEDED, /* a newer status took its place */
	FAILURE_FINAL,	    /* a final status was acknowledged before */
	FAILURE_DELETED,    /* the endpoint was deleted */
	FAILURE_DAMAGED,    /* the stored event is not what was written */
	FAILURE_CANCELLED,  /* the replay that it belonged to was cancelled */
	FAILURE_COUNT
};

/* The word: "dns", "refused_address", … A constant; "unknown" for anything outside the table. */
const char *failure_word(enum failure f);
/* Writes the word, or the HTTP status as digits, for a code as described above. ret has room for 20 bytes. */
void failure_code_text(int code, char ret[20]);

#endif
