/*
 * The hub's beginning and end, and its ear at the engine: what became of a targeted event goes to whoever sent it,
 * told apart by the id of the internal endpoint.
 *
 * The hooks exist before the node does, and reports may come as soon as it recovers, so they must work before
 * hub_attach: they use nothing but the book they are given, and the mailer's counting, which needs no node either.
 */
#include "hub/hub.h"

#include <assert.h>

#include "base/digest.h"
#include "base/mem.h"
#include "hub/hub_impl.h"
#include "hub/intake.h"
#include "hub/route.h"
#include "hub/service.h"

#define TEST_STEP_MS	 1000
#define LOG_RETENTION_MS (31 * INT64_C(86400000))
#define DIGEST_MS	 INT64_C(3600000)

/* --- what the engine says --- */

struct report_row {
	const char *prefix;
	void (*fn)(struct deed *d, const struct report *r);
};

static const struct report_row report_rows[] = {
	{ "_service.", run_report },
	{ "_action.", run_report },
	{ "_route.", route_report },
	{ "_status.", run_report },
};

static const struct report_row *report_row(struct slice id)
{
	for (size_t i = 0; i < sizeof(report_rows) / sizeof(report_rows[0]); i++)
		if (slice_starts(id, slice_str(report_rows[i].prefix)))
			return &report_rows[i];
	return NULL;
}

static void on_report(void *ctx, struct book *b, const struct report *r)
{
	const struct report_row *row = report_row(slice_str(r->endpoint->id));
	struct hub *h = ctx;
	struct fault fault = NO_FAULT;
	struct arena arena;
	struct deed d = { .hub = h,
			  .book = b,
			  .project = r->event->project,
			  .origin = ORIGIN_SCRIPT,
			  .now_ms = book_now_ms(b),
			  .arena = &arena,
			  .fault = &fault };

	arena_init(&arena);
	/* A customer's own endpoint whose answers are obeyed ("actions": "telerivet") has any id. */
	(row ? row->fn : run_report)(&d, r);
	arena_free(&arena);
}

static void on_trouble(void *ctx, const struct endpoint *ep, bool ok, int code, struct slice reason)
{
	struct hub *h = ctx;

	mailer_trouble(h->mailer, ep, ok, code, reason);
}

/* --- life --- */

struct hub *hub_new(const struct hub_options *options)
{
	struct hub *h = mem_zalloc(sizeof(*h));
	struct hub_options *o = &h->options;
	struct mailer_options mailer;

	*o = *options;
	o->public_url = mem_strdup(options->public_url ? options->public_url : "");
	if (!o->test_step_ms)
		o->test_step_ms = TEST_STEP_MS;
	if (!o->log_retention_ms)
		o->log_retention_ms = LOG_RETENTION_MS;
	if (!o->digest_ms)
		o->digest_ms = DIGEST_MS;
	h->log = options->log;
	pthread_rwlock_init(&h->projects_lock, NULL);
	map_init(&h->projects);
	mailer = (struct mailer_options){ .server = options->mail,
					  .log = h->log,
					  .public_url = o->public_url,
					  .digest_ms = o->digest_ms,
					  .retry_ms = o->mail_retry_ms };
	h->mailer = mailer_new(&mailer);
	o->mail = (struct mail_server){ .host = NULL }; /* the mailer's */
	h->tick = tick_new();
	h->hooks = (struct node_hooks){ .ctx = h, .secret = h->sign_key, .report = on_report, .trouble = on_trouble };
	return h;
}

const struct node_hooks *hub_hooks(struct hub *h)
{
	return &h->hooks;
}

int hub_attach(struct hub *h, struct node *node, struct fault *fault)
{
	int err;

	assert(!h->node);
	h->node = node;
	err = tick_start(h->tick, h, node, fault);
	if (!err)
		err = mailer_start(h->mailer, h, node, fault);
	if (err)
		hub_detach(h);
	return err;
}

void hub_detach(struct hub *h)
{
	if (!h->node)
		return;
	mailer_stop(h->mailer);
	tick_stop(h->tick);
	h->node = NULL;
}

void hub_free(struct hub **hp)
{
	struct hub *h = *hp;

	assert(!h->node);
	tick_free(&h->tick);
	mailer_free(&h->mailer);
	intake_forget(h);
	map_free(&h->projects);
	pthread_rwlock_destroy(&h->projects_lock);
	mem_wipe(h->sign_key, sizeof(h->sign_key));
	mem_free((char *)h->options.public_url);
	mem_free(h);
	*hp = NULL;
}

void hub_set_mail(struct hub *h, const struct mail_server *server, int64_t digest_ms)
{
	mailer_change(h->mailer, server, digest_ms ? digest_ms : DIGEST_MS);
}

const char *hub_public_url(const struct hub *h)
{
	return h->options.public_url;
}
