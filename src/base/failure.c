/* The words of failures, as the API, the metrics and the log write them. */
#include "base/failure.h"

#include <stdio.h>

const char *failure_word(enum failure f)
{
	static const char *const words[FAILURE_COUNT] = {
		[FAILURE_NONE] = "none",
		[FAILURE_DNS] = "dns",
		[FAILURE_CONNECT] = "connect",
		[FAILURE_TLS] = "tls",
		[FAILURE_TIMEOUT] = "timeout",
		[FAILURE_RESET] = "reset",
		[FAILURE_PROTOCOL] = "protocol",
		[FAILURE_TOO_LARGE] = "too_large",
		[FAILURE_REFUSED_ADDRESS] = "refused_address",
		[FAILURE_BAD_ACK] = "bad_ack",
		[FAILURE_INTERNAL] = "internal",
		[FAILURE_EXPIRED] = "expired",
		[FAILURE_RENDER] = "render",
		[FAILURE_SUPERSEDED] = "superseded",
		[FAILURE_FINAL] = "final",
		[FAILURE_DELETED] = "deleted",
		[FAILURE_DAMAGED] = "damaged",
		[FAILURE_CANCELLED] = "cancelled",
	};

	return (unsigned)f < FAILURE_COUNT ? words[f] : "unknown";
}

void failure_code_text(int code, char ret[20])
{
	if (code < 0)
		snprintf(ret, 20, "%s", failure_word((enum failure) - code));
	else
		snprintf(ret, 20, "%d", code);
}
