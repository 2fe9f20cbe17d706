/*
 * The rules by which an answer is judged (W11 - W13): the endpoint's success statuses make a delivery, everything else
 * is tried again. A redirect is a failure like any other: it is never followed. Where only the status counts, a body
 * that is longer than we read does not unmake a success: the receiver has the event (telerivet.md, T4).
 */
#include "engine/verdict.h"

#include "base/text.h"

static int64_t retry_after_ms(const struct http_answer *answer, int64_t now_ms, int64_t max_ms)
{
	struct slice text;
	long long seconds;
	int64_t date, ms;

	if (!http_header_find(answer->headers, "retry-after", &text))
		return 0;
	text = slice_trim(text);
	if (slice_to_i64(text, &seconds))
		ms = seconds > max_ms / 1000 ? max_ms : seconds * 1000;
	else if (time_read_http(text, &date))
		ms = date * 1000 - now_ms;
	else
		return 0;
	if (ms < 0)
		return 0;
	return ms < max_ms ? ms : max_ms;
}

static bool is_cut_success(const struct endpoint *ep, const struct http_answer *answer)
{
	return answer->failure == FAILURE_TOO_LARGE && answer->body.n > 0 && ep->ack == ACK_NONE &&
	       endpoint_success(ep, answer->status);
}

struct verdict verdict_of(const struct endpoint *ep, const struct http_answer *answer, int64_t now_ms,
			  int64_t retry_after_max_ms)
{
	struct verdict v = { .kind = VERDICT_RETRY };

	if (answer->failure != FAILURE_NONE && !is_cut_success(ep, answer)) {
		v.code = -(int)answer->failure;
		return v;
	}
	v.code = answer->status;
	if (endpoint_success(ep, answer->status)) {
		v.kind = VERDICT_OK;
		return v;
	}
	v.throttle = endpoint_throttles(ep, answer->status);
	if (v.throttle || answer->status == 429 || answer->status == 503)
		v.retry_after_ms = retry_after_ms(answer, now_ms, retry_after_max_ms);
	switch (answer->status) {
	case 400:
	case 413:
	case 422:
		v.kind = VERDICT_REFUSED;
		break;
	case 410:
		v.kind = VERDICT_GONE;
		break;
	default:
		break;
	}
	return v;
}
