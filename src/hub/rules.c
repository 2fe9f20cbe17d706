/*
 * The rules engine: actions one after the other. Where it stands is a stack of lists, one for each `if` it is inside,
 * and in each the number of the next action; so a webhook can interrupt it anywhere, and after its answer the stack is
 * built again from these numbers and from which branch was taken, without asking a condition twice.
 */
#include "hub/group.h"
#include "hub/hub_impl.h"
#include "hub/service_parts.h"
#include "hub/variables.h"

#define NOTES_MAX ((size_t)16384)
#define NAME_MAX  255 /* of a group or a label, as over REST */
/* Of all texts in one commit: a service of a thousand actions, each with a long variable, would hold up everybody. */
#define EXPANDED_MAX ((size_t)1024 * 1024)

struct frame {
	struct json list;
	uint32_t next;	/* the action to be done next */
	bool otherwise; /* the list is the `else` of the action before `next` in the frame below */
};

struct rules {
	struct run *run;
	struct frame frames[RULES_DEPTH + 1];
	uint32_t depth;	  /* frames in use */
	bool stopped;	  /* by the action `stop` */
	struct buf notes; /* of the action at hand */
};

/* --- texts --- */

static struct slice text_of(struct rules *u, struct json action, const char *name)
{
	struct slice text = reply_text(&u->run->deed, &u->run->scope, json_get(action, name), &u->notes);

	u->run->expanded += text.n;
	return text;
}

/* --- actions --- */

typedef enum run_step action_fn(struct rules *u, struct json action);

static enum run_step do_webhook(struct rules *u, struct json action)
{
	enum run_step step;
	struct buf id;

	buf_init(&id, 255);
	webhook_action_id(record_id(u->run->scope.service), action, &id);
	step = webhook_call(u->run, buf_slice(&id), action);
	buf_free(&id);
	return step;
}

static enum run_step do_log(struct rules *u, struct json action)
{
	run_log(u->run, "log_message", text_of(u, action, "text"), false);
	return RUN_ENDS;
}

static enum run_step do_set(struct rules *u, struct json action)
{
	struct run *r = u->run;
	struct slice name = slice_trim(text_of(u, action, "name"));
	struct json value = json_get(action, "value");
	struct fault fault = NO_FAULT;
	int err;

	if (json_type(value) == JSON_STRING)
		err = variable_set_text(&r->deed, &r->scope, name, text_of(u, action, "value"), &fault);
	else
		err = variable_set(&r->deed, &r->scope, name, value, &fault);
	if (err)
		buf_addf(&u->notes, "%.*s was not set: %s\n", SLICE_HEAD(name, 80), fault.message);
	return RUN_ENDS;
}

static struct slice sender(const struct run *r)
{
	const struct reply_scope *s = &r->scope;

	if (s->message)
		return record_text(s->message, "from_number");
	return s->contact ? record_text(s->contact, "phone_number") : SLICE_LIT("");
}

static enum run_step do_reply(struct rules *u, struct json action)
{
	struct message_send s = { .to_number = sender(u->run), .content = text_of(u, action, "content") };

	run_send(u->run, &s);
	return RUN_ENDS;
}

static enum run_step do_send(struct rules *u, struct json action)
{
	struct message_send s = { .to_number = slice_trim(text_of(u, action, "to_number")),
				  .content = text_of(u, action, "content") };

	run_send(u->run, &s);
	return RUN_ENDS;
}

/* What subscribers write may make groups and labels, so it is looked at as if it came over REST. */
static bool is_name(struct slice s)
{
	return s.n > 0 && s.n <= NAME_MAX;
}

static void change_group(struct rules *u, struct json action, bool in)
{
	struct run *r = u->run;
	struct slice name = slice_trim(text_of(u, action, "group"));
	struct record *group = is_name(name) ? group_find(&r->deed, name, in) : NULL;

	if (!r->scope.contact || !group)
		buf_addf(&u->notes, "there is no %s\n", group ? "contact" : "such group");
	else
		r->acted |= contact_group(&r->deed, r->scope.contact, group, in);
}

static enum run_step do_add_group(struct rules *u, struct json action)
{
	change_group(u, action, true);
	return RUN_ENDS;
}

static enum run_step do_remove_group(struct rules *u, struct json action)
{
	change_group(u, action, false);
	return RUN_ENDS;
}

static enum run_step do_add_label(struct rules *u, struct json action)
{
	struct run *r = u->run;
	struct slice name = slice_trim(text_of(u, action, "label"));
	struct record *label = is_name(name) ? label_find(&r->deed, name, true) : NULL;

	if (!r->scope.message || !label)
		buf_addf(&u->notes, "there is no %s\n", label ? "message" : "such label");
	else
		message_label(&r->deed, r->scope.message, label, true);
	return RUN_ENDS;
}

/* Those of the addresses that a mail can go to, with commas between; the others are noted. */
static void good_addresses(struct rules *u, struct slice to, struct buf *out)
{
	int count = 0;

	for (struct slice one; mail_address_next(&to, &one);) {
		if (!mail_address(one)) {
			buf_addf(&u->notes, "no mail to \"%.*s\": that is no mail address\n", SLICE_HEAD(one, 80));
		} else if (count == MAILER_ADDRESSES_MAX) {
			buf_addf(&u->notes, "no mail to \"%.*s\" and those behind it: one mail goes to at most %d\n",
				 SLICE_HEAD(one, 80), MAILER_ADDRESSES_MAX);
			return;
		} else {
			buf_add_str(out, count++ > 0 ? ", " : "");
			buf_add_slice(out, one);
		}
	}
}

static enum run_step do_email(struct rules *u, struct json action)
{
	struct slice subject = text_of(u, action, "subject");
	struct buf to, line;

	buf_init(&to, NOTES_MAX);
	good_addresses(u, text_of(u, action, "to"), &to);
	if (mailer_queue(&u->run->deed, buf_slice(&to), subject, text_of(u, action, "text"))) {
		buf_init(&line, to.n + subject.n + 20);
		buf_addf(&line, "a mail to %s: ", buf_str(&to));
		buf_add_slice(&line, subject);
		run_log(u->run, "email", buf_slice(&line), false);
		buf_free(&line);
	} else if (to.n == 0)
		buf_add_str(&u->notes, "the mail was not sent: there is nobody to send it to\n");
	else if (mailer_works(u->run->deed.hub->mailer))
		buf_add_str(&u->notes, "the mail was not sent: too many wait already\n");
	else
		buf_add_str(&u->notes, "the mail was not sent: no mail server is set up (smtp_host)\n");
	buf_free(&to);
	return RUN_ENDS;
}

static enum run_step do_stop(struct rules *u, struct json action)
{
	(void)action;
	u->stopped = true;
	return RUN_ENDS;
}

static struct json branch(struct json action, bool otherwise)
{
	return json_get(action, otherwise ? "else" : "then");
}

static enum run_step do_if(struct rules *u, struct json action)
{
	bool otherwise = !condition_holds(u->run, json_get(action, "condition"));

	/* rules_check has seen how deep it is */
	u->frames[u->depth++] = (struct frame){ .list = branch(action, otherwise), .otherwise = otherwise };
	return RUN_ENDS;
}

static const struct action_row {
	const char *type;
	action_fn *fn;
} rows[] = {
	{ "notify_webhook", do_webhook },
	{ "log_message", do_log },
	{ "set_variable", do_set },
	{ "send_reply", do_reply },
	{ "send_message", do_send },
	{ "add_group", do_add_group },
	{ "remove_group", do_remove_group },
	{ "add_label", do_add_label },
	{ "email", do_email },
	{ "stop", do_stop },
	{ "if", do_if },
};

static enum run_step act(struct rules *u, struct json action)
{
	enum run_step step = RUN_ENDS;

	buf_reset(&u->notes);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (json_is(json_get(action, "type"), rows[i].type))
			step = rows[i].fn(u, action);
	if (u->notes.n > 0)
		run_log(u->run, "error", buf_slice(&u->notes), true);
	return step;
}

/* Enough work for one message? */
static bool is_too_much(const struct run *r)
{
	return r->expanded > EXPANDED_MAX;
}

/* --- where it stands --- */

static struct json element(struct json list, uint32_t index)
{
	struct json_iter it = json_each(list);
	struct json found = { 0 };

	while (json_next(&it))
		if (it.index == index)
			return it.value;
	return found;
}

/* [3,0,1]: behind the third action, an if whose `then` was taken (0), behind the first one there. */
static void save(const struct rules *u)
{
	struct run *r = u->run;
	struct buf out;

	buf_init(&out, 1024);
	for (uint32_t i = 0; i < u->depth; i++) {
		buf_add_char(&out, i == 0 ? '[' : ',');
		if (i > 0)
			buf_addf(&out, "%d,", u->frames[i].otherwise);
		buf_add_i64(&out, u->frames[i].next);
	}
	buf_add_char(&out, ']');
	r->path = arena_take_buf(r->deed.arena, &out);
}

static void restore(struct rules *u, struct json path)
{
	struct json list = u->frames[0].list;
	bool otherwise = false;
	int64_t number;

	u->depth = 0;
	for (struct json_iter it = json_each(path); json_next(&it) && json_i64(it.value, &number);) {
		if (it.index % 2 == 1) {
			struct frame *below = &u->frames[u->depth - 1];

			otherwise = number != 0;
			list = branch(element(below->list, below->next - 1), otherwise);
		} else if (u->depth <= RULES_DEPTH) {
			u->frames[u->depth++] =
				(struct frame){ .list = list, .next = (uint32_t)number, .otherwise = otherwise };
		}
	}
}

static enum run_step go_on(struct rules *u)
{
	while (u->depth > 0 && !u->stopped) {
		struct frame *top = &u->frames[u->depth - 1];
		struct json action = element(top->list, top->next);

		if (json_type(action) == JSON_NONE) {
			u->depth--;
			continue;
		}
		if (is_too_much(u->run)) {
			run_logf(u->run, "error", true,
				 "the rest of the actions was skipped: the texts so far have, with their variables, "
				 "more than %zu bytes",
				 EXPANDED_MAX);
			return RUN_ENDS;
		}
		top->next++;
		if (act(u, action) == RUN_WAITS) {
			save(u);
			return RUN_WAITS;
		}
	}
	return RUN_ENDS;
}

enum run_step rules_begin(struct run *r, struct json actions)
{
	struct rules u = { .run = r, .frames = { { .list = actions } }, .depth = 1 };
	enum run_step step;

	buf_init(&u.notes, NOTES_MAX);
	r->expanded = 0;
	step = go_on(&u);
	buf_free(&u.notes);
	return step;
}

enum run_step rules_resume(struct run *r, struct json actions)
{
	struct rules u = { .run = r, .frames = { { .list = actions } }, .depth = 1 };
	struct json_doc path;
	enum run_step step;

	json_doc_init(&path);
	buf_init(&u.notes, NOTES_MAX);
	r->expanded = 0;
	if (!json_parse(&path, r->path, &json_limits_default, NULL))
		restore(&u, json_root(&path));
	step = go_on(&u);
	buf_free(&u.notes);
	json_doc_free(&path);
	return step;
}
