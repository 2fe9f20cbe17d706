/*
 * One sample of each type, with numbers from ranges that belong to nobody. What an endpoint filters on cannot be
 * guessed, so a sample that does not pass is better than none.
 */
#include "api/sample.h"

#define SAMPLE_ENDPOINT                                                                                                \
	"\"endpoint\":{\"path\":\"/v1/projects/sample/endpoints/"                                                      \
	"crm\",\"project_id\":\"sample\",\"organization_id\":null,\"id\":\"crm\","                                     \
	"\"state\":\"throttled\",\"code\":503,\"reason\":\"sample\"}"

static const struct slice samples[] = {
	SLICE_LIT("{\"type\":\"send_status\",\"message\":{\"id\":\"1000007\",\"direction\":\"outgoing\",\"message_"
		  "type\":\"sms\","
		  "\"status\":\"delivered\",\"from_number\":\"ACME\",\"to_number\":\"+15005550006\",\"content\":"
		  "\"Sample message\","
		  "\"num_parts\":1,\"time_created\":1547125199,\"time_sent\":1547125200,\"time_done\":1547125204,"
		  "\"recipient_id\":\"991\",\"recipient_status\":\"EXISTS\",\"simulated\":true}}"),
	SLICE_LIT("{\"type\":\"send_status\",\"message\":{\"id\":\"1000008\",\"direction\":\"outgoing\",\"message_"
		  "type\":\"call\","
		  "\"status\":\"delivered\",\"from_number\":\"+15005550000\",\"to_number\":\"+15005550006\","
		  "\"duration\":21,"
		  "\"time_created\":1547125199,\"time_sent\":1547125200,\"time_done\":1547125221,\"simulated\":true}}"),
	SLICE_LIT("{\"type\":\"incoming_message\",\"message\":{\"id\":\"1000009\",\"direction\":\"incoming\",\"message_"
		  "type\":\"sms\","
		  "\"from_number\":\"+15005550006\",\"to_number\":\"+15005550000\",\"content\":\"Sample "
		  "reply\",\"num_parts\":1,"
		  "\"time_created\":1547125230,\"simulated\":true},\"contact\":{\"id\":\"CT1\",\"name\":\"Sample "
		  "Contact\"}}"),
	SLICE_LIT("{\"type\":\"message_metadata\",\"update_type\":\"set_variable\",\"message\":{\"id\":\"1000007\","
		  "\"vars\":{\"order\":17}}}"),
	SLICE_LIT("{\"type\":\"contact_update\",\"update_type\":\"update\",\"contact\":{\"id\":\"CT1\",\"name\":"
		  "\"Sample Contact\","
		  "\"phone_number\":\"+15005550006\"}}"),
	SLICE_LIT("{\"type\":\"send_broadcast\",\"broadcast\":{\"id\":\"BR1\",\"title\":\"Sample "
		  "broadcast\",\"message_count\":2}}"),
	SLICE_LIT("{\"type\":\"endpoint_failing\"," SAMPLE_ENDPOINT "}"),
	SLICE_LIT("{\"type\":\"endpoint_recovered\"," SAMPLE_ENDPOINT "}"),
	SLICE_LIT("{\"type\":\"endpoint_disabled\"," SAMPLE_ENDPOINT "}"),
	SLICE_LIT("{\"type\":\"dead_letter\",\"count\":1,\"event_id\":\"evt-1\"," SAMPLE_ENDPOINT "}"),
};
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

struct event *sample_event(const struct endpoint *ep, struct slice project, int64_t now_ms)
{
	struct event *fallback = NULL;

	for (size_t i = 0; i < SAMPLES; i++) {
		struct event *ev = event_make(samples[i], project, now_ms);
		bool taken = ep->event_mask & (1u << ev->type);

		if (endpoint_wants(ep, ev)) {
			event_unref(&fallback);
			return ev;
		}
		if (!fallback && taken)
			fallback = event_ref(ev);
		event_unref(&ev);
	}
	return fallback ? fallback : event_make(samples[0], project, now_ms);
}
