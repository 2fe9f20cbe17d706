/*
 * What a developer wants to see of a request: first a rule with number, time, method, target and the answer, then
 * arguments, headers that say something, then the body. Everything from outside goes through terminal_add.
 */
#include "listen/show.h"

#include <stdio.h>

#include "base/json.h"
#include "base/terminal.h"
#include "base/text.h"
#include "listen/body_text.h"
#include "listen/paint.h"

/* A request can hold thousands of either; nobody reads so many, and comparing each with each would take long. */
#define HEADERS_SHOWN	((size_t)100)
#define ARGUMENTS_SHOWN ((size_t)1000)

/* True of every request, or said elsewhere. */
static const char *const dull[] = { "Host",	      "Connection", "Accept",		"Accept-Encoding",
				    "Content-Length", "Expect",	    "Transfer-Encoding" };

static bool is_dull(struct slice name)
{
	for (size_t i = 0; i < sizeof(dull) / sizeof(dull[0]); i++)
		if (slice_eq_nocase(name, slice_str(dull[i])))
			return true;
	return false;
}

static void label_add(struct buf *out, bool colours, const char *label)
{
	paint(out, colours, PAINT_DIM, label);
}

static void rule_add(struct buf *out, const struct arrival *a, bool colours)
{
	char text[60];

	snprintf(text, sizeof(text), "#%llu ", (unsigned long long)a->number);
	paint(out, colours, PAINT_BOLD, text);
	time_add_iso_ms(out, a->time_ms);
	buf_add_char(out, ' ');
	if (colours)
		buf_add_str(out, PAINT_CYAN);
	terminal_add(out, server_method(a->rq));
	buf_add_char(out, ' ');
	terminal_add(out, server_path(a->rq));
	if (colours)
		buf_add_str(out, "\x1b[0m");
	buf_addf(out, " · %zu bytes · ", server_body(a->rq).n);
	snprintf(text, sizeof(text), "answered %d", a->status);
	paint(out, colours, a->status < 300 ? PAINT_GREEN : PAINT_RED, text);
	if (a->delay_ms > 0)
		buf_addf(out, " after %lld ms", (long long)a->delay_ms);
	buf_add_char(out, '\n');
}

static void arguments_add(struct buf *out, const struct arrival *a, bool colours)
{
	struct slice name, value;

	for (size_t i = 0; i < ARGUMENTS_SHOWN && server_argument_at(a->rq, i, &name, &value); i++) {
		label_add(out, colours, "query   ");
		terminal_add(out, name);
		buf_add_str(out, " = ");
		terminal_add(out, value);
		buf_add_char(out, '\n');
	}
}

/* "user:password" out of basic credentials: who develops a receiver wants to see what its sender was set to. */
static bool basic_add(struct buf *out, struct slice name, struct slice value)
{
	static const struct slice basic = SLICE_LIT("Basic ");
	struct buf plain;
	bool ok;

	if (!slice_eq_nocase(name, SLICE_LIT("Authorization")) || !slice_starts(value, basic))
		return false;
	buf_init(&plain, value.n);
	ok = base64_read(slice_from(value, basic.n), &plain);
	if (ok) {
		buf_add_str(out, "Basic ");
		terminal_add(out, buf_slice(&plain));
	}
	buf_free(&plain);
	return ok;
}

static void headers_add(struct buf *out, const struct arrival *a, bool colours)
{
	struct slice name, value;

	for (size_t i = 0; i < HEADERS_SHOWN && server_header_at(a->rq, i, &name, &value); i++) {
		if (is_dull(name))
			continue;
		label_add(out, colours, "header  ");
		terminal_add(out, name);
		buf_add_str(out, ": ");
		if (!basic_add(out, name, value))
			terminal_add(out, value);
		buf_add_char(out, '\n');
	}
}

static void signature_add(struct buf *out, const struct arrival *a, bool colours)
{
	if (!a->verified)
		return;
	label_add(out, colours, "signed  ");
	if (a->signature_fault) {
		paint(out, colours, PAINT_RED, "BAD");
		buf_addf(out, ": %s\n", a->signature_fault);
	} else {
		paint(out, colours, PAINT_GREEN, "OK");
		buf_add_char(out, '\n');
	}
}

static void ack_add(struct buf *out, const struct arrival *a, bool colours)
{
	const struct ack_answer *ack = a->ack;

	if (!ack)
		return;
	label_add(out, colours, "acked   ");
	if (ack->request.fault)
		buf_addf(out, "nothing: %s", ack->request.fault);
	else
		buf_addf(out, "%zu of %zu:", ack->taken_count, ack->request.count);
	for (size_t i = 0; i < ack->request.count; i++) {
		if (!ack->taken[i])
			continue;
		buf_add_char(out, ' ');
		terminal_add(out, ack->request.items[i].id);
	}
	buf_add_char(out, '\n');
}

void show_text(struct buf *out, const struct arrival *a, bool colours)
{
	rule_add(out, a, colours);
	arguments_add(out, a, colours);
	headers_add(out, a, colours);
	signature_add(out, a, colours);
	ack_add(out, a, colours);
	body_text_add(out, server_header(a->rq, "Content-Type"), server_body(a->rq), colours);
	buf_add_char(out, '\n');
}

/* --- for scripts --- */

/* Names may come twice: each has a list. The first occurrence writes the values of all. */
static void query_json(struct json_writer *w, const struct arrival *a)
{
	struct slice name, value, other, before;

	json_key(w, "query");
	json_begin_object(w);
	for (size_t i = 0; i < ARGUMENTS_SHOWN && server_argument_at(a->rq, i, &name, &value); i++) {
		bool seen = false;

		for (size_t j = 0; j < i && !seen; j++)
			seen = server_argument_at(a->rq, j, &before, &value) && slice_eq(before, name);
		if (seen)
			continue;
		json_key_slice(w, name);
		json_begin_array(w);
		for (size_t j = i; server_argument_at(a->rq, j, &other, &value); j++)
			if (slice_eq(other, name))
				json_put_string(w, value);
		json_end_array(w);
	}
	json_end_object(w);
}

static void lower_key(struct json_writer *w, struct slice name)
{
	char lower[256];

	slice_copy(lower, sizeof(lower), name);
	for (char *p = lower; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 'a' - 'A' : *p);
	json_key(w, lower);
}

/* A header sent twice shows its first value, as server_header would. */
static void headers_json(struct json_writer *w, const struct arrival *a)
{
	struct slice name, value, before, ignored;

	json_key(w, "headers");
	json_begin_object(w);
	for (size_t i = 0; i < HEADERS_SHOWN && server_header_at(a->rq, i, &name, &value); i++) {
		bool seen = false;

		for (size_t j = 0; j < i && !seen; j++)
			seen = server_header_at(a->rq, j, &before, &ignored) && slice_eq_nocase(before, name);
		if (seen)
			continue;
		lower_key(w, name);
		json_put_string(w, value);
	}
	json_end_object(w);
}

static void body_json(struct json_writer *w, struct slice body)
{
	struct buf text;

	if (utf8_valid(body)) {
		json_member_string(w, "body", body);
		return;
	}
	buf_init(&text, body.n / 3 * 4 + 8);
	base64_add(&text, body.p, body.n);
	json_member_string(w, "body_base64", buf_slice(&text));
	buf_free(&text);
}

static void ack_json(struct json_writer *w, const struct ack_answer *ack)
{
	json_key(w, "acked");
	if (!ack) {
		json_put_null(w);
		json_member_str(w, "ack_fault", NULL);
		return;
	}
	json_begin_array(w);
	for (size_t i = 0; i < ack->request.count; i++) {
		struct slice id = ack->request.items[i].id;

		if (ack->taken[i] && ack->kind == ACK_WITH_JSON)
			json_put_raw(w, id);
		else if (ack->taken[i])
			json_put_string(w, id);
	}
	json_end_array(w);
	json_member_str(w, "ack_fault", ack->request.fault);
}

void show_json(struct buf *out, const struct arrival *a)
{
	struct slice body = server_body(a->rq);
	struct json_writer w;
	struct buf time;

	buf_init(&time, 64);
	time_add_iso_ms(&time, a->time_ms);
	json_writer_init(&w, out);
	json_begin_object(&w);
	json_member_i64(&w, "n", (int64_t)a->number);
	json_member_string(&w, "time", buf_slice(&time));
	json_member_string(&w, "method", server_method(a->rq));
	json_member_string(&w, "path", server_path(a->rq));
	query_json(&w, a);
	headers_json(&w, a);
	json_member_i64(&w, "items", (int64_t)body_items(server_header(a->rq, "Content-Type"), body));
	body_json(&w, body);
	json_member_i64(&w, "answered", a->status);
	json_member_i64(&w, "delay_ms", a->delay_ms);
	json_member_str(&w, "signature", !a->verified ? NULL : a->signature_fault ? "bad" : "ok");
	json_member_str(&w, "signature_fault", a->verified ? a->signature_fault : NULL);
	ack_json(&w, a->ack);
	json_end_object(&w);
	buf_add_char(out, '\n');
	buf_free(&time);
}
