/*
 * Short links. A message that asks for track_clicks has its URLs replaced by short ones of ours; whoever opens one is
 * sent on, and the first click is told as a status of the message.
 *
 * A link is an object under its code. Who clicks names no project, so links belong to the project "", and know the one
 * of their message themselves. The code is chance alone: 59 bits of it, so nobody finds a link by trying.
 *
 * A link leads as long as its message is there. Nobody tells links that a message was deleted, alone or with its whole
 * project: whoever follows one looks, and once in a while each is looked at, so that those nobody follows go too.
 */
#include "hub/links.h"

#include "base/digest.h"
#include "base/text.h"
#include "base/url.h"
#include "hub/hub.h"
#include "hub/message.h"

#define CODE_CHARS   10
#define LINKS_MAX    20 /* of one message */
#define CONTENT_MAX  ((size_t)1024 * 1024)
#define LOOK_MS	     (INT64_C(30) * 24 * 3600 * 1000)
#define SHORT_URLS   "short_urls"
#define LINK_PROJECT "_project"

/* Links are kept where no project is. */
static struct deed of_nobody(const struct deed *d)
{
	struct deed other = *d;

	other.project = SLICE_LIT("");
	return other;
}

/* --- finding URLs in a text --- */

static bool begins_url(struct slice s)
{
	return slice_starts(s, SLICE_LIT("http://")) || slice_starts(s, SLICE_LIT("https://"));
}

static bool in_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool ends_url(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f || strchr("<>\"", c) != NULL;
}

static bool is_balanced(struct slice s)
{
	int open = 0;

	for (size_t i = 0; i < s.n; i++)
		open += (s.p[i] == '(') - (s.p[i] == ')');
	return open >= 0;
}

/* A sentence's punctuation behind a URL is the sentence's; a bracket is the URL's when it was opened there. */
static struct slice without_punctuation(struct slice s)
{
	while (s.n > 0) {
		char last = s.p[s.n - 1];

		if (!strchr(".,;:!?')]}", last) || (last == ')' && is_balanced(s)))
			break;
		s.n--;
	}
	return s;
}

/* What a browser could not go to is left as it stands. What is behind # stays with the browser, so it is no matter. */
static bool is_url(struct slice s)
{
	struct url url;

	return url_parse(slice_of(s.p, slice_find(s, '#')), &url, NULL) == 0;
}

/* The first URL at or behind `at`; its place in the text, or text.n. */
static size_t next_url(struct slice text, size_t at, struct slice *ret)
{
	for (; at < text.n; at++) {
		struct slice rest = slice_from(text, at);
		size_t n = 0;

		if (!begins_url(rest) || (at > 0 && in_word(text.p[at - 1])))
			continue;
		while (n < rest.n && !ends_url(rest.p[n]))
			n++;
		*ret = without_punctuation(slice_of(rest.p, n));
		if (is_url(*ret))
			return at;
	}
	return text.n;
}

/* --- making short ones --- */

static void make_code(struct deed *d, char ret[CODE_CHARS + 1])
{
	char id[ID_BYTES];

	do {
		id_make(id, "");
		slice_copy(ret, CODE_CHARS + 1, slice_str(id));
	} while (record_load(d, KIND_LINK, slice_str(ret)));
}

/* Browsers write what is beyond ASCII in bytes of UTF-8; so does the header that will lead there. */
static void set_target(struct record *link, struct slice url)
{
	struct buf target;

	buf_init(&target, 3 * url.n + 1);
	for (size_t i = 0; i < url.n; i++)
		if ((unsigned char)url.p[i] < 0x80)
			buf_add_char(&target, url.p[i]);
		else
			percent_add(&target, slice_of(url.p + i, 1));
	record_set_text(link, "target", buf_slice(&target));
	buf_free(&target);
}

/* Stores a link to url and returns the short URL, in the arena. */
static struct slice make_link(struct deed *d, struct record *message, struct slice url)
{
	const char *base = hub_public_url(d->hub);
	struct deed nobody = of_nobody(d);
	char code[CODE_CHARS + 1];
	struct record *link;
	struct buf out;

	make_code(&nobody, code);
	link = record_new(&nobody, KIND_LINK, code);
	set_target(link, url);
	record_set_text(link, LINK_PROJECT, d->project);
	record_set_text(link, "message_id", record_id(message));
	record_set_due(link, d->now_ms + LOOK_MS);
	record_save(&nobody, link);
	buf_init(&out, strlen(base) + sizeof(LINKS_PATH) + CODE_CHARS);
	buf_addf(&out, "%s" LINKS_PATH "%s", base, code);
	return arena_take_buf(d->arena, &out);
}

static void write_link(struct json_writer *w, struct slice short_url, struct slice destination, struct slice clicked)
{
	json_begin_object(w);
	json_member_string(w, "short_url", short_url);
	json_member_str(w, "link_type", "redirect");
	json_member_string(w, "destination_url", destination);
	json_key(w, "time_clicked");
	json_put_raw(w, clicked);
	json_key(w, "expiration_time");
	json_put_null(w);
	json_end_object(w);
}

static bool is_ours(struct deed *d, struct slice url)
{
	struct slice base = slice_str(hub_public_url(d->hub));

	return slice_starts(url, base) && slice_starts(slice_from(url, base.n), SLICE_LIT(LINKS_PATH));
}

struct slice links_shorten(struct deed *d, struct record *message, struct slice content)
{
	struct slice url, result = content;
	struct json_writer w;
	struct buf text, list;
	size_t at = 0, found;
	int left = LINKS_MAX;

	if (hub_public_url(d->hub)[0] == '\0')
		return content;
	buf_init(&text, CONTENT_MAX);
	buf_init(&list, CONTENT_MAX);
	json_writer_init(&w, &list);
	json_begin_array(&w);
	while (left > 0 && (found = next_url(content, at, &url)) < content.n) {
		struct slice short_url = url;

		if (!is_ours(d, url)) {
			short_url = make_link(d, message, url);
			write_link(&w, short_url, url, SLICE_LIT("null"));
			left--;
		}
		buf_add(&text, content.p + at, found - at);
		buf_add_slice(&text, short_url);
		at = found + url.n;
	}
	buf_add_slice(&text, slice_from(content, at));
	json_end_array(&w);
	if (left < LINKS_MAX && !buf_failed(&list) && !buf_failed(&text)) {
		record_set(message, SHORT_URLS, buf_slice(&list));
		result = arena_slice(d->arena, buf_slice(&text));
	}
	buf_free(&text);
	buf_free(&list);
	return result;
}

/* --- following --- */

static struct slice member(struct deed *d, struct json object, const char *name)
{
	struct slice text;
	struct buf scratch;

	buf_init(&scratch, CONTENT_MAX);
	text = arena_slice(d->arena, json_text_slice(json_get(object, name), &scratch));
	buf_free(&scratch);
	return text;
}

/* Is this the URL with that code? Others of the message have other codes. */
static bool has_code(struct slice short_url, struct slice code)
{
	return short_url.n > code.n && slice_eq(slice_from(short_url, short_url.n - code.n), code);
}

/* Writes the message's short_urls once more, with the time of this click. */
static void note_click(struct deed *d, struct record *message, struct slice code)
{
	struct json_writer w;
	struct json_iter it;
	struct json_doc doc;
	struct buf list, now;

	json_doc_init(&doc);
	buf_init(&list, CONTENT_MAX);
	buf_init(&now, 32);
	buf_add_i64(&now, d->now_ms / 1000);
	json_writer_init(&w, &list);
	json_begin_array(&w);
	if (json_parse(&doc, record_raw(message, SHORT_URLS), &json_limits_default, NULL) == 0) {
		for (it = json_each(json_root(&doc)); json_next(&it);) {
			struct slice short_url = member(d, it.value, "short_url");

			write_link(&w, short_url, member(d, it.value, "destination_url"),
				   has_code(short_url, code) ? buf_slice(&now)
							     : json_raw(json_get(it.value, "time_clicked")));
		}
	}
	json_end_array(&w);
	if (!buf_failed(&list))
		record_set(message, SHORT_URLS, buf_slice(&list));
	buf_free(&now);
	buf_free(&list);
	json_doc_free(&doc);
}

static struct deed of_owner(const struct deed *d, struct record *link)
{
	struct deed owner = *d;

	owner.project = record_text(link, LINK_PROJECT);
	return owner;
}

/* NULL when it is gone. A deleted project's messages are, though it takes a while until they are off the disk. */
static struct record *message_of(struct deed *owner, struct record *link)
{
	struct buf settings;
	bool there;

	buf_init(&settings, CONTENT_MAX);
	there = book_project(owner->book, owner->project, &settings);
	buf_free(&settings);
	return there ? record_load(owner, KIND_MESSAGE, record_text(link, "message_id")) : NULL;
}

static void tell_click(struct deed *owner, struct record *message, struct record *link)
{
	note_click(owner, message, record_id(link));
	if (record_raw(message, "time_clicked").n > 0)
		record_save(owner, message);
	else
		message_clicked(owner, message);
}

struct slice links_follow(struct deed *d, struct slice code)
{
	struct deed nobody = of_nobody(d), owner;
	struct record *link = code.n == CODE_CHARS ? record_load(&nobody, KIND_LINK, code) : NULL, *message;

	if (!link)
		return SLICE_LIT("");
	owner = of_owner(d, link);
	message = message_of(&owner, link);
	if (!message)
		return SLICE_LIT("");
	if (d->origin == ORIGIN_PLATFORM && !record_true(link, "_clicked")) {
		record_set_bool(link, "_clicked", true);
		record_save(&nobody, link);
		tell_click(&owner, message, link);
	}
	return record_text(link, "target");
}

void links_step(struct deed *d, struct record *link)
{
	struct deed owner = of_owner(d, link);

	if (!message_of(&owner, link)) {
		record_delete(d, link);
		return;
	}
	record_set_due(link, d->now_ms + LOOK_MS);
	record_save(d, link);
}
