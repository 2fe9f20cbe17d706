/*
 * Standard Webhooks, version 1, from the receiver's side. Made again with the secret and compared, so that the reading of the header is the only
 * thing that can be wrong here and not in dialect/sign.c; whoever suspects the signing itself uses a library of another author.
 */
#include "listen/verify.h"

#include "base/digest.h"
#include "base/mem.h"
#include "dialect/sign.h"

static bool one_matches(struct slice list, struct slice expected)
{
	while (list.n > 0) {
		size_t blank = slice_find(list, ' ');

		if (blank == expected.n && mem_same(list.p, expected.p, blank))
			return true;
		list = slice_from(list, blank < list.n ? blank + 1 : blank);
	}
	return false;
}

const char *verify_standard(const char *secret, const struct verify_input *in)
{
	char *secrets[2] = { slice_dup(slice_str(secret)), NULL };
	struct buf expected;
	long long timestamp = 0;
	const char *reason = NULL;

	buf_init(&expected, 1024);
	if (in->id.n == 0 || in->timestamp.n == 0 || in->signatures.n == 0)
		reason = "webhook-id, webhook-timestamp or webhook-signature is missing";
	else if (!slice_to_i64(in->timestamp, &timestamp))
		reason = "webhook-timestamp is no number";
	else if (!sign_standard(secrets, in->id, timestamp, in->body, &expected))
		reason = "the secret is none: whsec_ and base64";
	else if (!one_matches(in->signatures, buf_slice(&expected)))
		reason = "no signature fits: another secret, or the body was changed";
	else if (timestamp < in->now_s - VERIFY_TOLERANCE_S || timestamp > in->now_s + VERIFY_TOLERANCE_S)
		reason = "the signature is right, but webhook-timestamp is more than 5 minutes off";
	buf_free(&expected);
	mem_wipe(secrets[0], strlen(secrets[0]));
	mem_free(secrets[0]);
	return reason;
}
