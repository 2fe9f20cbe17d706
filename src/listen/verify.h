/* Does a request carry a valid Standard Webhooks signature? */
#ifndef LISTEN_VERIFY_H
#define LISTEN_VERIFY_H

#include <stdint.h>

#include "base/slice.h"

#define VERIFY_TOLERANCE_S 300

struct verify_input {
	struct slice id, timestamp, signatures; /* webhook-id, webhook-timestamp, webhook-signature as received */
	struct slice body;
	int64_t now_s;
};

/* NULL when one of the signatures is right and the time is near; otherwise the reason, a constant. secret: "whsec_…". */
const char *verify_standard(const char *secret, const struct verify_input *in);

#endif
