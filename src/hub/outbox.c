/*
 * A mail as JSON text; the time of its key is eight bytes, high ones first, so that the index has the next one first.
 */
#include "hub/outbox.h"

#include "base/mem.h"

#define MAIL_MAX ((size_t)2 * 1024 * 1024)

static void put_time(uint8_t ret[8], int64_t ms)
{
	for (int i = 0; i < 8; i++)
		ret[i] = (uint8_t)((uint64_t)ms >> (56 - 8 * i));
}

static int64_t get_time(struct slice value)
{
	uint64_t v = 0;

	for (size_t i = 0; i < value.n; i++)
		v = v << 8 | (uint8_t)value.p[i];
	return (int64_t)v;
}

void outbox_put(struct book *b, const struct stored_mail *mail)
{
	struct json_writer w;
	struct buf text;
	uint8_t due[8];
	struct object_key key = { .field = FIELD_TIME, .value = { (const char *)due, sizeof(due) } };
	struct object_row row = { .kind = KIND_MAIL, .id = slice_str(mail->id), .keys = &key, .key_count = 1 };

	put_time(due, mail->due_ms);
	buf_init(&text, MAIL_MAX);
	json_writer_init(&w, &text);
	json_begin_object(&w);
	json_member_str(&w, "project", mail->project);
	json_member_str(&w, "to", mail->to);
	json_member_str(&w, "subject", mail->subject);
	json_member_str(&w, "text", mail->text);
	json_member_i64(&w, "created_ms", mail->created_ms);
	json_member_i64(&w, "tries", mail->tries);
	json_end_object(&w);
	row.project = slice_str("");
	row.text = buf_slice(&text);
	if (!buf_failed(&text))
		book_put(b, &row);
	buf_free(&text);
}

static char *member(struct json doc, const char *name)
{
	struct buf b;

	buf_init(&b, MAIL_MAX);
	json_text(json_get(doc, name), &b);
	return buf_take(&b);
}

void outbox_delete(struct book *b, const struct stored_mail *mail)
{
	book_delete(b, slice_str(""), KIND_MAIL, slice_str(mail->id));
}

void outbox_free(struct stored_mail *mail)
{
	mem_free(mail->to);
	mem_free(mail->subject);
	mem_free(mail->text);
	mem_free(mail->project);
	*mail = (struct stored_mail){ .tries = 0 };
}

static void read_mail(struct stored_mail *mail, struct slice id, struct slice text)
{
	struct json_doc doc;
	struct json root = { 0 };

	slice_copy(mail->id, sizeof(mail->id), id);
	json_doc_init(&doc);
	/* what is no JSON is an old mail to nobody, and given up */
	if (json_parse(&doc, text, &json_limits_default, NULL) == 0)
		root = json_root(&doc);
	mail->project = member(root, "project");
	mail->to = member(root, "to");
	mail->subject = member(root, "subject");
	mail->text = member(root, "text");
	json_i64(json_get(root, "created_ms"), &mail->created_ms);
	json_i64(json_get(root, "tries"), &mail->tries);
	json_doc_free(&doc);
}

struct first {
	struct stored_mail *mail;
	int64_t now_ms, due_ms;
};

static bool take_first(void *ctx, struct slice value, struct slice id, struct slice text)
{
	struct first *first = ctx;

	first->due_ms = get_time(value);
	if (first->due_ms <= first->now_ms)
		read_mail(first->mail, id, text);
	return false;
}

int64_t outbox_first(struct book *b, struct stored_mail *ret)
{
	struct object_query q = { .project = slice_str(""), .kind = KIND_MAIL, .field = FIELD_TIME };
	struct first first = { .mail = ret, .now_ms = book_now_ms(b), .due_ms = INT64_MAX };

	*ret = (struct stored_mail){ .tries = 0 };
	book_walk(b, &q, true, take_first, &first);
	return first.due_ms;
}
