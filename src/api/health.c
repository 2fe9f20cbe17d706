/* For load balancers and supervisors: is it alive, may it be sent work? Neither waits for anything. */
#include "api/answer.h"
#include "api/handlers.h"

void health_live(struct call *c)
{
	struct json_writer *w = answer_begin(c);

	json_begin_object(w);
	json_member_str(w, "status", "ok");
	json_member_str(w, "version", POSTRIDER_VERSION);
	json_end_object(w);
	answer_json(c, 200);
}

void health_ready(struct call *c)
{
	const char *reason = "postrider is stopping";
	struct json_writer *w;

	if (!c->node) {
		answer_error(c, 503, "not_ready", NULL, "postrider is starting");
		return;
	}
	if (atomic_load(&c->api->stopping) || !node_ready(c->node, &reason)) {
		answer_error(c, 503, "not_ready", NULL, "%s", reason);
		return;
	}
	w = answer_begin(c);
	json_begin_object(w);
	json_member_str(w, "status", "ready");
	json_end_object(w);
	answer_json(c, 200);
}
