/*
 * The answer that lists what was taken: <response><id_sms>1001</id_sms></response>, or [1001]. A body that cannot be
 * read gets an answer that takes nothing, which is what a careful receiver says; the reason is shown on the terminal.
 */
#include "listen/ack.h"

#include <math.h>

#include "base/mem.h"

int ack_kind_read(const char *word)
{
	static const char *const words[] = { "none", "xml", "json" };

	for (int i = 0; i < 3; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -1;
}

const char *ack_media_type(enum ack_kind kind)
{
	return kind == ACK_WITH_XML ? "text/xml; charset=utf-8" : "application/json";
}

/* Every time share * seen passes a whole number; the first id always, unless nothing is taken. */
static bool ack_choose(struct ack_choice *c)
{
	double before = ceil((double)c->seen * c->share), after = ceil((double)++c->seen * c->share);

	return after > before;
}

static void xml_text_escape(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '<')
			buf_add_str(out, "&lt;");
		else if (s.p[i] == '&')
			buf_add_str(out, "&amp;");
		else if (s.p[i] == '>')
			buf_add_str(out, "&gt;");
		else
			buf_add_char(out, s.p[i]);
	}
}

static void id_add(struct ack_answer *a, struct slice id)
{
	if (a->kind == ACK_WITH_XML) {
		buf_add_str(&a->body, "<id_sms>");
		xml_text_escape(&a->body, id);
		buf_add_str(&a->body, "</id_sms>");
		return;
	}
	if (a->taken_count > 0)
		buf_add_char(&a->body, ',');
	buf_add_slice(&a->body, id);
}

void ack_answer_make(enum ack_kind kind, struct ack_choice *choice, struct slice body, struct ack_answer *ret)
{
	*ret = (struct ack_answer){ .kind = kind };
	webcom_read(kind == ACK_WITH_XML ? WEBCOM_XML : WEBCOM_JSON, body, &ret->request);
	ret->taken = mem_zalloc(ret->request.count * sizeof(*ret->taken) + 1);
	buf_init(&ret->body, 32 * body.n + 100); /* an id of n bytes takes n + 17, or 5 n where all of it is escaped */
	buf_add_str(&ret->body, kind == ACK_WITH_XML ? "<response>" : "[");
	for (size_t i = 0; i < ret->request.count; i++) {
		ret->taken[i] = ack_choose(choice);
		if (!ret->taken[i])
			continue;
		id_add(ret, ret->request.items[i].id);
		ret->taken_count++;
	}
	buf_add_str(&ret->body, kind == ACK_WITH_XML ? "</response>" : "]");
}

void ack_answer_free(struct ack_answer *a)
{
	webcom_free(&a->request);
	mem_free(a->taken);
	buf_free(&a->body);
}
