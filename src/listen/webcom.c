/*
 * Webcom's status webhook from its receiver's side: <response> with one <state id_sms="…"> for each message, or a bare
 * array of {"id_sms","time","state"}. A reader of its own, which shares nothing with what writes these documents. A
 * document that breaks off or declares a document type gives no items at all, so that a receiver built after this one
 * acknowledges nothing that it has not read to the end.
 */
#include "listen/webcom.h"

#include <expat.h>

#include "base/json.h"
#include "base/mem.h"

#define NOT_WEBCOM_XML	"it is no XML document of <state id_sms=\"…\"> elements below its root"
#define NOT_WEBCOM_JSON "it is no JSON array of objects with id_sms"

static struct webcom_item *item_new(struct webcom *w)
{
	w->items = mem_realloc(w->items, (w->count + 1) * sizeof(*w->items));
	w->items[w->count] = (struct webcom_item){ .id = { NULL, 0 } };
	return &w->items[w->count++];
}

/* The text has its full size from the beginning, so it never moves. */
static struct slice keep(struct webcom *w, struct slice s)
{
	size_t at = w->text.n;

	buf_add_slice(&w->text, s);
	return slice_of(buf_str(&w->text) + at, w->text.n - at);
}

/* --- XML --- */

struct reading {
	XML_Parser parser;
	struct webcom *w;
	size_t depth;
	bool in_state, doctype;
};

static void attribute_keep(struct webcom *w, struct webcom_item *item, const char *name, const char *value)
{
	if (strcmp(name, "id_sms") == 0)
		item->id = keep(w, slice_str(value));
	else if (strcmp(name, "time") == 0)
		item->time = keep(w, slice_str(value));
	else if (strcmp(name, "sms") == 0)
		item->sms = keep(w, slice_str(value));
	else if (strcmp(name, "viber") == 0)
		item->viber = keep(w, slice_str(value));
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *r = ctx;
	struct webcom_item *item;

	if (r->depth++ != 1 || strcmp(name, "state") != 0)
		return;
	item = item_new(r->w);
	for (; *attributes; attributes += 2)
		attribute_keep(r->w, item, attributes[0], attributes[1]);
	item->state = keep(r->w, slice_of("", 0));
	r->in_state = true;
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
	struct reading *r = ctx;

	(void)name;
	if (--r->depth == 1)
		r->in_state = false;
}

static void XMLCALL on_text(void *ctx, const XML_Char *p, int n)
{
	struct reading *r = ctx;

	if (r->in_state)
		r->w->items[r->w->count - 1].state.n += keep(r->w, slice_of(p, (size_t)n)).n;
}

static void XMLCALL on_doctype(void *ctx, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
			       int internal)
{
	struct reading *r = ctx;

	(void)name, (void)system_id, (void)public_id, (void)internal;
	r->doctype = true;
	XML_StopParser(r->parser, XML_FALSE);
}

static const char *xml_fault(const struct reading *r, bool whole)
{
	if (r->doctype)
		return "it has a document type definition, which is not read here";
	if (!whole)
		return r->parser ? XML_ErrorString(XML_GetErrorCode(r->parser)) : "expat has no memory";
	for (size_t i = 0; i < r->w->count; i++)
		if (r->w->items[i].id.n == 0)
			return "a <state> has no id_sms";
	return r->w->count > 0 ? NULL : NOT_WEBCOM_XML;
}

static void xml_read(struct slice body, struct webcom *w)
{
	struct reading r = { .parser = XML_ParserCreate(NULL), .w = w };
	bool whole = false;

	if (r.parser && body.n <= INT32_MAX) {
		XML_SetUserData(r.parser, &r);
		XML_SetElementHandler(r.parser, on_start, on_end);
		XML_SetCharacterDataHandler(r.parser, on_text);
		XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
		whole = XML_Parse(r.parser, body.p, (int)body.n, 1) == XML_STATUS_OK;
	}
	w->fault = xml_fault(&r, whole);
	if (r.parser)
		XML_ParserFree(r.parser);
}

/* --- JSON --- */

static struct slice member_keep(struct webcom *w, struct json object, const char *name)
{
	size_t at = w->text.n;

	if (json_type(json_get(object, name)) == JSON_STRING)
		json_text(json_get(object, name), &w->text);
	return slice_of(buf_str(&w->text) + at, w->text.n - at);
}

/* The array itself, or the only thing in an object around it. */
static struct json list_of(struct json root)
{
	struct json_iter it = json_each(root);

	return json_type(root) == JSON_OBJECT && json_next(&it) ? it.value : root;
}

static const char *items_read(struct json list, struct webcom *w)
{
	for (struct json_iter it = json_each(list); json_next(&it);) {
		struct json id = json_get(it.value, "id_sms");
		struct webcom_item *item;

		if (json_type(id) != JSON_STRING && json_type(id) != JSON_NUMBER)
			return NOT_WEBCOM_JSON;
		item = item_new(w);
		item->id = keep(w, json_raw(id));
		item->time = member_keep(w, it.value, "time");
		item->sms = member_keep(w, it.value, "sms");
		item->viber = member_keep(w, it.value, "viber");
		item->state = member_keep(w, it.value, "state");
	}
	return w->count > 0 ? NULL : NOT_WEBCOM_JSON;
}

static void json_read(struct slice body, struct webcom *w)
{
	struct json_doc doc;

	json_doc_init(&doc);
	if (json_parse(&doc, body, &json_limits_default, NULL) != 0)
		w->fault = "it is no valid JSON";
	else if (json_type(list_of(json_root(&doc))) != JSON_ARRAY)
		w->fault = NOT_WEBCOM_JSON;
	else
		w->fault = items_read(list_of(json_root(&doc)), w);
	json_doc_free(&doc);
}

void webcom_read(enum webcom_form form, struct slice body, struct webcom *ret)
{
	*ret = (struct webcom){ .fault = NULL };
	buf_init(&ret->text, 2 * body.n + 1); /* expat makes UTF-8 of any encoding, which at most doubles it */
	buf_extend(&ret->text, ret->text.max);
	buf_truncate(&ret->text, 0);
	if (form == WEBCOM_XML)
		xml_read(body, ret);
	else
		json_read(body, ret);
	if (ret->fault)
		ret->count = 0;
}

void webcom_free(struct webcom *w)
{
	mem_free(w->items);
	buf_free(&w->text);
}
