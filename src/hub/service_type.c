/* The types of services, a row each: what may stand in config, and what a service does with a message. */
#include "hub/service_parts.h"

/* --- incoming_message_webhook --- */

static int check_webhook(struct json config, struct fault *fault)
{
	static const char *const names[] = {
		"url", "secret", "on_failure", "ports", "retry", "timeout_ms", "tls", NULL
	};
	struct json on_failure = json_get(config, "on_failure");
	int err = check_members(config, names, fault);

	if (err)
		return err;
	if (!json_is_nil(on_failure) && !json_is(on_failure, "continue") && !json_is(on_failure, "hold"))
		return fault_param(fault, "on_failure", "must be \"continue\" or \"hold\"");
	return webhook_check(config, fault);
}

static enum run_step start_webhook(struct run *r)
{
	enum run_step step;
	struct buf id;

	buf_init(&id, 255);
	webhook_service_id(record_id(r->scope.service), &id);
	step = webhook_call(r, buf_slice(&id), json_root(&r->config));
	buf_free(&id);
	return step;
}

/* The answer was applied: nothing else is to be done. */
static enum run_step resume_webhook(struct run *r)
{
	(void)r;
	return RUN_ENDS;
}

static void no_webhooks(struct json config, void (*fn)(void *ctx, struct json action), void *ctx)
{
	(void)config, (void)fn, (void)ctx;
}

/* --- custom_actions --- */

static int check_actions(struct json config, struct fault *fault)
{
	static const char *const names[] = { "actions", NULL };
	int err = check_members(config, names, fault);

	if (err)
		return err;
	err = rules_check(json_get(config, "actions"), fault);
	if (err)
		fault_within(fault, "actions");
	return err;
}

static enum run_step start_actions(struct run *r)
{
	return rules_begin(r, json_get(json_root(&r->config), "actions"));
}

static enum run_step resume_actions(struct run *r)
{
	return rules_resume(r, json_get(json_root(&r->config), "actions"));
}

static void webhooks_of_actions(struct json config, void (*fn)(void *ctx, struct json action), void *ctx)
{
	rules_webhooks(json_get(config, "actions"), fn, ctx);
}

static const struct service_type types[] = {
	{ "incoming_message_webhook", "Webhook", "{\"message\":{\"incoming_message\":true}}", check_webhook,
	  start_webhook, resume_webhook, no_webhooks },
	{ "custom_actions", "Custom Actions",
	  "{\"message\":{\"default\":true,\"incoming_message\":true},\"contact\":{\"default\":true}}", check_actions,
	  start_actions, resume_actions, webhooks_of_actions },
	{ "messaging_poll", "Poll", "{\"message\":{\"incoming_message\":true},\"contact\":{\"default\":true}}",
	  poll_check, poll_start, poll_resume, webhooks_of_actions },
};

const struct service_type *service_type_of(struct slice word)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (slice_is(word, types[i].word))
			return &types[i];
	return NULL;
}
