/*
 * One strict reading of an http(s) URL, so that what was checked is what is connected to. Refused with reason and cure:
 * other schemes, user info, control bytes, blanks, backslash, non-ASCII hosts (write punycode), hosts that only look
 * numeric (0177.1, 0x7f, 2130706433, 127.1), port 0 or above 65535 or empty, zone ids, percent signs in the host,
 * fragments. A single trailing dot of a name is dropped, letters of scheme and host become lower case.
 */
#ifndef BASE_URL_H
#define BASE_URL_H

#include <stdint.h>

#include "base/fault.h"
#include "base/slice.h"

struct url {
	bool https;
	bool host_is_ip;      /* dotted quad or [v6] */
	bool port_given;      /* the text names a port */
	uint16_t port;	      /* 80 or 443 when not given */
	char host[256];	      /* NUL-terminated; v6 without brackets, in its one short spelling */
	struct slice target;  /* path, query: points into the text; "" when the URL ends after the authority */
	size_t authority_end; /* offset in the text where target begins */
};

/*
 * Parses text; on failure ERR_INVALID and *fault (param left empty
 * for fault_within; position = offset). text must outlive *ret.
 */
int url_parse(struct slice text, struct url *ret, struct fault *fault);

#endif
