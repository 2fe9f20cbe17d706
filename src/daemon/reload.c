/*
 * SIGHUP, in three steps: read and make (a wrong file ends it here, with its line in the log, and nothing has changed),
 * put in place, tell. Which settings can be put in place says their row in the table; the values of all others stay
 * those of the start, so each further reload names again what still waits for a restart.
 */
#include "daemon/reload.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "daemon/parts.h"
#include "daemon/process.h"
#include "daemon/settings_table.h"

#define DAY_MS INT64_C(86400000)

/* What a reload puts in place, made before anything is changed. */
struct fresh {
	struct serve_settings settings;
	struct guard *guard;
	struct mail_server mail;
	char *admin_key, *cert_pem, *key_pem;
};

static void fresh_drop(struct fresh *f)
{
	if (f->guard)
		guard_free(&f->guard);
	mail_server_drop(&f->mail);
	parts_secret_free(f->admin_key);
	parts_secret_free(f->key_pem);
	mem_free(f->cert_pem);
	settings_free(&f->settings);
}

static int fresh_make(struct fresh *f, const struct reload_host *h, struct fault *fault)
{
	const struct serve_settings *s = &f->settings;
	int err = settings_read(&f->settings, h->argc, h->argv, environ, fault);

	if (!err)
		err = parts_guard(s, &f->guard, fault);
	if (!err)
		err = parts_mail(s, &f->mail, fault);
	if (!err)
		err = parts_admin_key(s, &f->admin_key, fault);
	if (!err)
		err = parts_file(s, "tls_cert", s->tls_cert, "a PEM file", &f->cert_pem, fault);
	if (!err)
		err = parts_file(s, "tls_key", s->tls_key, "a PEM file", &f->key_pem, fault);
	return err;
}

/* --- what has changed --- */

static bool text_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool list_same(const struct text_list *a, const struct text_list *b)
{
	for (size_t i = 0; i < a->count && a->count == b->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return a->count == b->count;
}

static bool value_same(const struct setting *row, const struct serve_settings *a, const struct serve_settings *b)
{
	const void *x = (const char *)a + row->offset, *y = (const char *)b + row->offset;

	switch (row->kind) {
	case SETTING_TEXT:
	case SETTING_URL:
		return text_same(*(char *const *)x, *(char *const *)y);
	case SETTING_LIST:
		return list_same(x, y);
	case SETTING_NUMBER:
	case SETTING_SIZE:
		return *(const int64_t *)x == *(const int64_t *)y;
	case SETTING_CHOICE:
		return *(const int *)x == *(const int *)y;
	}
	return false;
}

static size_t value_bytes(const struct setting *row)
{
	switch (row->kind) {
	case SETTING_TEXT:
	case SETTING_URL:
		return sizeof(char *);
	case SETTING_LIST:
		return sizeof(struct text_list);
	case SETTING_NUMBER:
	case SETTING_SIZE:
		return sizeof(int64_t);
	case SETTING_CHOICE:
		return sizeof(int);
	}
	return 0;
}

static void swap_bytes(void *a, void *b, size_t n)
{
	char kept[64];

	memcpy(kept, a, n);
	memcpy(a, b, n);
	memcpy(b, kept, n);
}

static void value_swap(const struct setting *row, struct serve_settings *a, struct serve_settings *b)
{
	size_t i = setting_index(row);

	swap_bytes((char *)a + row->offset, (char *)b + row->offset, value_bytes(row));
	swap_bytes(a->where[i], b->where[i], sizeof(a->where[i]));
}

/* --- putting in place --- */

/* A key that is given counts from now on; one that was made at the first start stays. */
static void put_admin_key(const struct reload_host *h, const char *key)
{
	struct fault fault = NO_FAULT;
	char made[64];

	if (key && node_admin_key(h->node, key, made, &fault))
		log_warn(h->log, "the admin key stays", LOG_STR("detail", fault.message));
}

static void put(const struct reload_host *h, struct fresh *f, const struct serve_settings *s)
{
	const struct node_tuning tuning = { .retention_ms = s->retention_days * DAY_MS,
					    .dead_retention_ms = s->dead_retention_days * DAY_MS,
					    .stop_ms = s->stop_s > 0 ? s->stop_s * 1000 : 1 };

	log_set_level(h->log, (enum log_level)s->log_level);
	guard_replace(h->guard, f->guard);
	hub_set_mail(h->hub, &f->mail, s->mail_digest_s * 1000);
	node_tune(h->node, &tuning);
	api_set_metrics_open(h->api, parts_metrics_open(s));
	put_admin_key(h, f->admin_key);
}

/* --- telling --- */

static void needs_restart(const struct reload_host *h, const char *name, const char *where)
{
	log_warn(h->log, "setting changed, and needs a restart", LOG_STR("setting", name), LOG_STR("where", where));
}

/* Takes over what may be, row by row, and names it; returns how many. Secrets' values are in no line. */
static int64_t take_over(struct serve_settings *now, struct fresh *f, const struct reload_host *h)
{
	int64_t taken = 0;

	for (size_t i = 0; setting_at(i); i++) {
		const struct setting *row = setting_at(i);

		if (value_same(row, now, &f->settings))
			continue;
		if (!row->reload) {
			needs_restart(h, row->name, settings_where(&f->settings, row->name));
			continue;
		}
		log_info(h->log, "setting changed", LOG_STR("setting", row->name),
			 LOG_STR("where", settings_where(&f->settings, row->name)));
		value_swap(row, now, &f->settings);
		taken++;
	}
	return taken;
}

/* The paths are the same and the files are not: a certificate that was renewed. */
static void look_at_certificate(const struct serve_settings *now, const struct fresh *f, const struct reload_host *h)
{
	if (!text_same(f->cert_pem, h->cert_pem))
		needs_restart(h, "tls_cert", now->tls_cert ? now->tls_cert : "");
	else if (!text_same(f->key_pem, h->key_pem))
		needs_restart(h, "tls_key", now->tls_key ? now->tls_key : "");
}

static void reload(struct serve_settings *now, const struct reload_host *h)
{
	struct fresh f = { .guard = NULL };
	struct fault fault = NO_FAULT;
	int64_t taken;

	if (fresh_make(&f, h, &fault)) {
		log_error(h->log, "settings not reloaded, nothing has changed", LOG_STR("where", fault.param),
			  LOG_STR("detail", fault.message));
	} else {
		/* a level that hides this is said to hide it */
		taken = take_over(now, &f, h);
		put(h, &f, now);
		look_at_certificate(now, &f, h);
		log_info(h->log, "settings reloaded", LOG_INT("changed", taken));
	}
	fresh_drop(&f);
}

void reload_settings(struct serve_settings *now, const struct reload_host *host)
{
	char state[64];

	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono_us());
	process_notify(state);
	reload(now, host);
	process_notify("READY=1");
}
