/* What is done to an endpoint with one word: each is a small change of its settings. */
#include "api/endpoint_intake.h"
#include "api/endpoint_show.h"
#include "api/handlers.h"
#include "api/owner.h"

static int merge(struct call *c, struct slice patch, struct fault *fault)
{
	struct json_doc doc;
	int err;

	json_doc_init(&doc);
	err = json_parse(&doc, patch, &json_limits_default, fault);
	if (!err)
		err = node_endpoint_change(c->node, call_owner(c), c->params[1], json_root(&doc), ENDPOINT_MERGE, NULL,
					   fault);
	json_doc_free(&doc);
	return err;
}

static void set_active(struct call *c, const char *patch)
{
	struct fault fault = NO_FAULT;
	struct endpoint_view v;
	int err = merge(c, slice_str(patch), &fault);

	if (err) {
		answer_err(c, err, &fault);
		return;
	}
	if (!call_endpoint(c, &v))
		return;
	endpoint_show(answer_begin(c), &v, node_now_ms(c->node), false, NULL);
	node_endpoint_view_free(&v);
	answer_json(c, 200);
}

void endpoint_enable(struct call *c)
{
	set_active(c, "{\"active\":true}");
}

void endpoint_disable(struct call *c)
{
	set_active(c, "{\"active\":false}");
}

static void answer_secret(struct call *c, const char *secret)
{
	struct json_writer *w = answer_begin(c);

	json_begin_object(w);
	json_member_string(w, "id", c->params[1]);
	json_member_str(w, "secret", secret);
	public_key_write(w, secret);
	json_end_object(w);
	answer_json(c, 200);
}

void endpoint_rotate_secret(struct call *c)
{
	struct fault fault = NO_FAULT;
	char secret[SECRET_MADE_BYTES];
	struct endpoint_view v;
	struct json_writer w;
	struct buf patch;
	int err;

	if (!call_endpoint(c, &v))
		return;
	secret_make(v.endpoint->secrets[0], secret);
	buf_init(&patch, 4096);
	json_writer_init(&w, &patch);
	json_begin_object(&w);
	json_member_str(&w, "secret", secret);
	json_member_str(&w, "previous_secret", v.endpoint->secrets[0]);
	json_end_object(&w);
	node_endpoint_view_free(&v);
	err = merge(c, buf_slice(&patch), &fault);
	if (err)
		answer_err(c, err, &fault);
	else
		answer_secret(c, secret);
	mem_wipe(secret, sizeof(secret));
	mem_wipe(patch.p, patch.n);
	buf_free(&patch);
}
