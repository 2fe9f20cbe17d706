/*
 * The service log: what services did, what was asked of webhooks and what they answered, and what was wrong with it.
 * Entries are objects that nobody changes; each is due when it is old, and then deleted.
 *
 * Whoever reads the log need not be who may see secrets: run.c masks a webhook's secret before it gets here.
 */
#include "base/text.h"
#include "hub/hub_impl.h"
#include "hub/service.h"

#define CONTENT_MAX ((size_t)8192)
#define ANSWER_MAX  ((size_t)2048)

/* Without the end of the last line. */
static struct slice cut(struct slice s, size_t max)
{
	while (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	return utf8_cut(s, max);
}

static void set_number(struct record *r, const char *name, int64_t v, bool known)
{
	if (known)
		record_set_i64(r, name, v);
}

void service_log_add(struct deed *d, const struct service_log *e)
{
	struct record *r = record_new(d, KIND_SERVICE_LOG, NULL);

	record_set_text(r, "type", slice_str(e->type));
	record_set_text(r, "content", cut(e->content, CONTENT_MAX));
	if (e->service)
		record_set_text(r, "service_id", record_id(e->service));
	record_set_given(r, "message_id", e->message_id);
	record_set_given(r, "contact_id", e->contact_id);
	set_number(r, "elapsed_ms", e->elapsed_ms, e->elapsed_ms >= 0);
	set_number(r, "code", e->code, e->code != 0);
	set_number(r, "attempt_seq", e->attempt_seq, e->attempt_seq != 0);
	record_set_given(r, "url", cut(e->url, ANSWER_MAX));
	record_set_given(r, "answer", cut(e->answer, ANSWER_MAX));
	record_set_bool(r, "error", e->error);
	record_set_due(r, d->now_ms + d->hub->options.log_retention_ms);
	record_save(d, r);
}

void service_log_due(struct deed *d, struct record *entry)
{
	record_delete(d, entry);
}
