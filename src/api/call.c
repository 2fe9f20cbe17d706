/*
 * Calls come from a pool and go back to it, because the node array of a parsed body and the buffer of an answer are
 * worth keeping: on the way in of events there is then one allocation an event and next to none a request. What one
 * giant request made large is given back to the system.
 */
#include "api/call.h"

#include "api/answer.h"
#include "base/mem.h"

#define POOL_MAX       256
#define KEEP_NODES     65536 /* 1 MiB of nodes */
#define KEEP_OUT_BYTES ((size_t)256 * 1024)

struct calls {
	pthread_mutex_t lock;
	struct list free;
	size_t count;
};

struct calls *calls_new(void)
{
	struct calls *pool = mem_zalloc(sizeof(*pool));

	pthread_mutex_init(&pool->lock, NULL);
	list_init(&pool->free);
	return pool;
}

static void call_free(struct call *c)
{
	arena_free(&c->arena);
	json_doc_free(&c->doc);
	buf_free(&c->out);
	mem_free(c);
}

void calls_free(struct calls **pp)
{
	struct calls *pool = *pp;
	struct list *l;

	while ((l = list_pop(&pool->free)))
		call_free(CONTAINER_OF(l, struct call, link));
	pthread_mutex_destroy(&pool->lock);
	mem_free(pool);
	*pp = NULL;
}

static struct call *call_new(void)
{
	struct call *c = mem_zalloc(sizeof(*c));

	arena_init(&c->arena);
	json_doc_init(&c->doc);
	buf_init(&c->out, CALL_ANSWER_MAX);
	list_init(&c->link);
	return c;
}

struct call *call_begin(struct api *a, struct server_request *rq)
{
	struct list *l;
	struct call *c;

	pthread_mutex_lock(&a->calls->lock);
	l = list_pop(&a->calls->free);
	a->calls->count -= l != NULL;
	pthread_mutex_unlock(&a->calls->lock);
	c = l ? CONTAINER_OF(l, struct call, link) : call_new();
	c->api = a;
	c->node = atomic_load_explicit(&a->node, memory_order_acquire);
	c->rq = rq;
	c->route = NULL;
	c->role = KEY_NONE;
	c->key_project[0] = '\0';
	c->by_link = false;
	return c;
}

void call_end(struct call *c)
{
	struct calls *pool = c->api->calls;
	bool keep;

	arena_reset(&c->arena);
	if (c->doc.cap > KEEP_NODES)
		json_doc_free(&c->doc);
	if (c->out.cap > KEEP_OUT_BYTES)
		buf_free(&c->out);
	pthread_mutex_lock(&pool->lock);
	keep = pool->count < POOL_MAX;
	if (keep)
		list_push_front(&pool->free, &c->link);
	pool->count += keep;
	pthread_mutex_unlock(&pool->lock);
	if (!keep)
		call_free(c);
}

/* --- what handlers ask --- */

static bool is_blank(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!memchr(" \t\r\n", s.p[i], 4))
			return false;
	return true;
}

bool call_has_body(const struct call *c)
{
	return !is_blank(server_body(c->rq));
}

bool call_body(struct call *c, struct json *ret)
{
	struct slice text = server_body(c->rq);
	struct fault fault = NO_FAULT;

	if (!call_has_body(c)) {
		answer_error(c, 400, "invalid_json", NULL, "the body is empty; send a JSON object");
		return false;
	}
	if (json_parse(&c->doc, text, &json_limits_default, &fault)) {
		answer_error(c, 400, "invalid_json", NULL, "the body is no valid JSON: at offset %ld: %s",
			     fault.position, fault.message);
		return false;
	}
	*ret = json_root(&c->doc);
	if (json_type(*ret) != JSON_OBJECT) {
		answer_error(c, 400, "invalid_json", NULL, "the body is %s; send a JSON object",
			     json_type_name(json_type(*ret)));
		return false;
	}
	return true;
}

bool call_body_or_none(struct call *c, struct json *ret)
{
	if (call_has_body(c))
		return call_body(c, ret);
	json_parse(&c->doc, SLICE_LIT("{}"), &json_limits_default, NULL);
	*ret = json_root(&c->doc);
	return true;
}

struct slice call_organization(struct call *c, struct slice project)
{
	struct slice found = slice_str("");
	struct json_writer w;
	struct json_doc doc;
	struct buf text, scratch;

	buf_init(&text, (size_t)1 << 20);
	buf_init(&scratch, 4096);
	json_doc_init(&doc);
	json_writer_init(&w, &text);
	if (node_project_write(c->node, project, &w) == 0 &&
	    json_parse(&doc, buf_slice(&text), &json_limits_default, NULL) == 0)
		found = json_text_slice(json_get(json_root(&doc), "organization_id"), &scratch);
	found = arena_slice(&c->arena, found);
	json_doc_free(&doc);
	buf_free(&scratch);
	buf_free(&text);
	return found;
}

bool call_is_admin(const struct call *c)
{
	return c->role == KEY_ADMIN;
}

bool call_argument(struct call *c, const char *name, struct slice *ret)
{
	struct slice value;

	if (!server_argument(c->rq, name, &value) || value.n == 0)
		return false;
	*ret = value;
	return true;
}

bool call_flag(struct call *c, const char *name)
{
	struct slice value;

	if (!server_argument(c->rq, name, &value))
		return false;
	return value.n == 0 || slice_is(value, "1") || slice_is(value, "true") || slice_is(value, "yes");
}
