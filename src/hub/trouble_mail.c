/*
 * What a mail about failing endpoints says: which, since when, how often, the last error with its cause and cure, in
 * the time of the project's zone. Of URLs the query is left out, because keys tend to stand there.
 */
#include <inttypes.h>

#include "base/text.h"
#include "dialect/zone.h"
#include "hub/service.h"
#include "hub/trouble.h"

struct letter {
	const struct trouble_writer *writer;
	struct zone *zone;
	struct buf zone_name;
	struct buf *text;
};

/* --- pieces --- */

static void add_time(struct letter *le, int64_t unix_ms)
{
	int64_t s = unix_ms / 1000;

	time_add_datetime(le->text, s + zone_offset_s(le->zone, s));
}

/* "_service.SV123" is the service SV123; whatever follows the next dot is nobody's name. */
struct sort_row {
	const char *prefix, *word;
	bool digest; /* behind the last dot */
};

static const struct sort_row sorts[] = {
	{ "_service.", "service", false }, { "_action.", "a rule of service", true },
	{ "_route.", "phone", false },	   { "_status.", "the status_url", false },
	{ "", "endpoint", false },
};

static const struct sort_row *sort_of(const struct endpoint *ep)
{
	const struct sort_row *row = sorts;

	while (!slice_starts(slice_str(ep->id), slice_str(row->prefix)))
		row++;
	return row;
}

static bool is_status_url(const struct sort_row *row)
{
	return strcmp(row->prefix, "_status.") == 0;
}

/* The settings' URL without its query. */
static void add_url(const struct endpoint *ep, struct buf *out)
{
	struct json_doc doc;
	struct buf url;
	struct slice text;

	buf_init(&url, 64 * 1024);
	json_doc_init(&doc);
	if (json_parse(&doc, ep->source, &json_limits_default, NULL) == 0)
		json_text(json_get(json_root(&doc), "url"), &url);
	text = buf_slice(&url);
	text.n = slice_find(text, '?');
	buf_add_slice(out, text.n > 0 ? text : slice_str(ep->host));
	json_doc_free(&doc);
	buf_free(&url);
}

/* Ids may hold dots, digests don't. */
static struct slice without_digest(struct slice id)
{
	size_t n = id.n;

	while (n > 0 && id.p[n - 1] != '.')
		n--;
	return slice_of(id.p, n > 0 ? n - 1 : id.n);
}

/* endpoint "crm", service "Orders" (SV123), the status_url at https://… */
static void add_what(const struct trouble_writer *w, const struct endpoint *ep, struct buf *out)
{
	const struct sort_row *row = sort_of(ep);
	struct slice id = slice_from(slice_str(ep->id), strlen(row->prefix));
	struct buf name;

	buf_addf(out, "%s ", row->word);
	if (is_status_url(row)) {
		buf_add_str(out, "at ");
		add_url(ep, out);
		return;
	}
	if (row->digest)
		id = without_digest(id);
	buf_init(&name, 1024);
	if (row->prefix[0] && w->name(w->ctx, id, &name) && name.n > 0)
		buf_addf(out, "\"%s\" (%.*s)", buf_str(&name), SLICE_ARG(id));
	else
		buf_addf(out, "\"%.*s\"", SLICE_ARG(id));
	buf_free(&name);
}

static void add_times(struct buf *out, uint32_t n)
{
	if (n == 1)
		buf_add_str(out, "once");
	else
		buf_addf(out, "%" PRIu32 " times", n);
}

static void add_state(const struct trouble_news *n, struct buf *out)
{
	switch (n->what) {
	case TROUBLE_BEGINS:
		buf_add_str(out, "is failing");
		break;
	case TROUBLE_GOES_ON:
		buf_add_str(out, "is still failing");
		break;
	case TROUBLE_RECOVERS:
		buf_add_str(out, "works again");
		break;
	case TROUBLE_PASSED:
		buf_add_str(out, "failed ");
		add_times(out, n->failures);
		buf_add_str(out, " and works again");
		break;
	}
}

/* --- the whole --- */

/* explain_failure speaks to the author of a webhook script in Telerivet's manner; other receivers have other rules. */
static bool is_webhook(const struct endpoint *ep)
{
	return (ep->internal && !slice_starts(slice_str(ep->id), SLICE_LIT("_route."))) ||
	       (ep->preset && strcmp(ep->preset, "telerivet") == 0);
}

static void add_error(struct letter *le, const struct trouble_news *n)
{
	struct slice reason = slice_str(n->reason);
	bool refused = n->code >= 400 || (n->code >= 200 && n->code < 300);

	buf_add_str(le->text, "  Last error: ");
	if (!refused || is_webhook(n->endpoint))
		explain_failure(n->code, reason, slice_str(""), le->text);
	else if (reason.n > 0)
		buf_addf(le->text, "HTTP %d: %.*s", n->code, SLICE_ARG(reason));
	else
		buf_addf(le->text, "HTTP %d, which does not count as success there; look at the receiver's log",
			 n->code);
	buf_add_char(le->text, '\n');
}

static void add_counts(struct letter *le, const struct trouble_news *n)
{
	buf_add_str(le->text, n->what == TROUBLE_RECOVERS ? "  Failed from: " : "  Failing since: ");
	add_time(le, n->first_ms);
	buf_addf(le->text, " (%s)\n  Last failure: ", buf_str(&le->zone_name));
	add_time(le, n->last_ms);
	buf_add_char(le->text, '\n');
	if (n->failures > 0) {
		buf_add_str(le->text, "  Failed attempts: ");
		add_times(le->text, n->failures);
		buf_add_str(le->text, n->what == TROUBLE_BEGINS ? "\n" : ", since the mail before\n");
	}
}

static void add_news(struct letter *le, const struct trouble_news *n)
{
	size_t begin = le->text->n;

	add_what(le->writer, n->endpoint, le->text);
	if (le->text->n > begin && le->text->p[begin] >= 'a' && le->text->p[begin] <= 'z')
		le->text->p[begin] = (char)(le->text->p[begin] - 'a' + 'A');
	buf_add_char(le->text, ' ');
	add_state(n, le->text);
	buf_add_str(le->text, ".\n\n  URL: ");
	add_url(n->endpoint, le->text);
	buf_add_char(le->text, '\n');
	add_counts(le, n);
	add_error(le, n);
	if (!n->endpoint->internal)
		buf_addf(le->text, "  Each attempt: %s/v1/projects/%s/attempts?endpoint_id=%s\n",
			 le->writer->public_url, n->endpoint->owner, n->endpoint->id);
	buf_add_char(le->text, '\n');
}

static void add_end(struct letter *le, const struct trouble_letter *l)
{
	bool failing = false;

	for (size_t i = 0; i < l->count; i++)
		failing = failing || l->news[i].what == TROUBLE_BEGINS || l->news[i].what == TROUBLE_GOES_ON;
	if (l->more > 0)
		buf_addf(le->text, "And %zu more.\n\n", l->more);
	if (failing)
		buf_add_str(le->text,
			    "What was not taken is tried again as the settings say, and nothing has to be "
			    "posted anew.\nWhile it goes on failing there is a mail now and then, and one when "
			    "it works again.\n");
}

static void add_subject(const struct trouble_writer *w, const struct trouble_letter *l, struct buf *out)
{
	const struct trouble_news *first = &l->news[0];
	struct buf name;

	buf_init(&name, 1024);
	json_text(json_get(w->project, "name"), &name);
	buf_addf(out, "[%s] ", name.n > 0 ? buf_str(&name) : first->endpoint->owner);
	buf_free(&name);
	if (l->count + l->more > 1) {
		buf_addf(out, "%zu endpoints failed or work again", l->count + l->more);
		return;
	}
	add_what(w, first->endpoint, out);
	buf_add_char(out, ' ');
	add_state(first, out);
}

/* A zone that this machine does not know any more is UTC. */
static void zone_of(struct letter *le)
{
	json_text(json_get(le->writer->project, "timezone"), &le->zone_name);
	if (le->zone_name.n > 0 && zone_read(buf_slice(&le->zone_name), &le->zone, NULL) == 0)
		return;
	buf_reset(&le->zone_name);
	buf_add_str(&le->zone_name, "UTC");
}

void trouble_mail(const struct trouble_writer *w, const struct trouble_letter *l, struct buf *subject, struct buf *text)
{
	struct letter le = { .writer = w, .text = text };

	buf_init(&le.zone_name, 1024);
	zone_of(&le);
	add_subject(w, l, subject);
	for (size_t i = 0; i < l->count; i++)
		add_news(&le, &l->news[i]);
	add_end(&le, l);
	buf_free(&le.zone_name);
	if (le.zone)
		zone_free(&le.zone);
}
