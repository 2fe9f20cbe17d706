#include "staff.h"

#include <stdio.h>
#include <string.h>

#include "hub/message.h"

int staff_begin(void **state)
{
	int err = town_begin(state);

	folk_phone(*state, STAFF_PHONE, STAFF_NUMBER);
	return err;
}

void staff_service(struct town *t, char ret[64], const char *params, ...)
{
	char text[8192];
	va_list ap;

	va_start(ap, params);
	vsnprintf(text, sizeof(text), params, ap);
	va_end(ap);
	if (town_block(t, rest_service_create, NULL, text) != 200)
		fail_msg("%s\n%s", buf_str(&t->answer), text);
	slice_copy(ret, 64, slice_str(town_text(t, "id")));
}

const char *staff_webhook(struct town *t, const char *path, const char *more)
{
	buf_reset(&t->scratch);
	buf_addf(
		&t->scratch,
		"{\"url\":\"%s%s\",\"secret\":\"s3cret\",\"ports\":null,\"retry\":{\"delays_s\":[0.2],\"jitter\":0}%s}",
		t->url, path, more);
	return buf_str(&t->scratch);
}

struct receiving {
	const char *content;
	char *ret;
	struct fault fault;
};

static void receive(struct deed *d, void *ctx)
{
	struct receiving *r = ctx;
	struct message_receive m = { .from_number = SLICE_LIT(STAFF_SENDER),
				     .to_number = SLICE_LIT(STAFF_NUMBER),
				     .content = slice_str(r->content),
				     .phone_id = SLICE_LIT(STAFF_PHONE) };
	struct record *message = NULL;

	r->ret[0] = '\0';
	if (message_receive(d, &m, &message, &r->fault) == 0)
		slice_copy(r->ret, 64, record_id(message));
}

void staff_message(struct town *t, char ret[64], const char *content)
{
	struct receiving r = { content, ret, NO_FAULT };

	town_do(t, receive, &r);
	if (!ret[0]) /* not there: failing on the store's thread would jump away from it */
		fail_msg("%s: %s", r.fault.param, r.fault.message);
}

size_t staff_sent(struct town *t, const char *content)
{
	size_t found = 0;

	assert_int_equal(town_read(t, rest_messages, NULL, "{\"direction\":\"outgoing\",\"page_size\":\"500\"}"), 200);
	for (struct json_iter it = json_each(town_at(t, "data")); json_next(&it);)
		found += json_is(json_get(it.value, "content"), content);
	return found;
}

size_t staff_logged(struct town *t, const char *service, const char *text)
{
	char params[256];
	size_t found = 0;

	snprintf(params, sizeof(params), "{%s%s%s\"page_size\":\"500\"}", service[0] ? "\"service_id\":\"" : "",
		 service, service[0] ? "\"," : "");
	assert_int_equal(town_read(t, rest_service_logs, NULL, params), 200);
	for (struct json_iter it = json_each(town_at(t, "data")); json_next(&it);) {
		buf_reset(&t->scratch);
		json_text(json_get(it.value, "content"), &t->scratch);
		found += strstr(buf_str(&t->scratch), text) != NULL;
	}
	return found;
}

void staff_settle(struct town *t, const char *message)
{
	TOWN_WAIT(folk_member(t, KIND_MESSAGE, message, "_run")[0] == '\0');
}
