/*
 * One change at a time, from its text to its being in force:
 *
 *	caller: compile --> loop: prepare, add documents --> store thread: commit --> loop: directory, engine --> caller
 *
 * The amendment lives on the caller's stack and makes the whole trip. The caller
 * waits even while the disk is full: the lane has stopped sending by then, and only
 * the commit starts it again. So a full disk is asked about before the first step.
 */
#include "node/change.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/latch.h"
#include "base/list.h"
#include "base/mem.h"
#include "node/document.h"
#include "node/parts.h"

struct amendment {
	struct message message;
	struct work work;
	struct latch latch;
	struct node *node;
	struct entry *entry;   /* what is changed */
	bool created;	       /* entry is new and not in the directory yet */
	struct endpoint *next; /* the new revision; NULL: it is deleted */
	const char *disabled_reason;
	int64_t now_ms, from_seq;
	int err;
};

/* --- the trip --- */

static struct shard *change_shard(const struct amendment *ch)
{
	return node_shard(ch->node, ch->entry->number);
}

/* The entry as it will be. References are borrowed. */
static struct entry after(const struct amendment *ch)
{
	struct entry en = *ch->entry;

	en.changed_ms = ch->now_ms;
	if (!ch->next) {
		en.deleted = true;
		return en;
	}
	en.current = ch->next;
	en.from_seq = ch->from_seq;
	en.disabled_ms = ch->disabled_reason ? ch->now_ms : 0;
	slice_copy(en.disabled_reason, sizeof(en.disabled_reason), slice_str(ch->disabled_reason));
	return en;
}

static void add_documents(const struct amendment *ch, struct tx *tx)
{
	struct entry en = after(ch);

	document_put_entry(tx, &en);
	if (!ch->next)
		return;
	document_put_revision(tx, ch->next, 0);
	if (!ch->created)
		document_put_revision(tx, ch->entry->current, ch->now_ms);
	else
		document_settle_numbers(tx, ch->node->directory);
}

static void change_directory(struct amendment *ch)
{
	struct directory *d = ch->node->directory;
	struct entry en = after(ch), *entry = ch->entry;

	directory_write(d);
	if (!ch->next) {
		directory_hide(d, entry);
	} else if (ch->created) {
		entry->from_seq = ch->from_seq;
		directory_add(d, entry);
	} else {
		entry->from_seq = en.from_seq;
		entry->disabled_ms = en.disabled_ms;
		memcpy(entry->disabled_reason, en.disabled_reason, sizeof(en.disabled_reason));
		directory_revise(d, entry, endpoint_ref(ch->next), ch->now_ms);
	}
	directory_release(d);
}

static void in_force(struct message *m, struct shard *sh)
{
	struct amendment *ch = CONTAINER_OF(m, struct amendment, message);

	shard_committed(sh, ch->work.tx, ch->err);
	if (!ch->err) {
		change_directory(ch);
		if (ch->next)
			engine_endpoint_set(shard_engine(sh), ch->next, ch->from_seq, ch->entry->stats);
		else
			engine_endpoint_delete(shard_engine(sh), ch->entry->number);
	}
	latch_set(&ch->latch);
}

static void committed(struct work *w, struct store *store, int err)
{
	struct amendment *ch = CONTAINER_OF(w, struct amendment, work);

	(void)store;
	ch->err = err;
	ch->message.run = in_force;
	shard_post(change_shard(ch), &ch->message);
}

static void prepare(struct message *m, struct shard *sh)
{
	struct amendment *ch = CONTAINER_OF(m, struct amendment, message);

	ch->work = (struct work){ .kind = WORK_TX, .tx = tx_new(), .done = committed };
	engine_endpoint_prepare(shard_engine(sh), ch->entry->number, ch->work.tx, &ch->from_seq);
	add_documents(ch, ch->work.tx);
	committer_add(ch->node->committer, &ch->work);
}

static int trip(struct amendment *ch, struct fault *fault)
{
	int err = node_may_change(ch->node, fault);

	if (err)
		return err;
	latch_init(&ch->latch);
	ch->message.run = prepare;
	shard_post(change_shard(ch), &ch->message);
	latch_wait(&ch->latch);
	latch_free(&ch->latch);
	return ch->err ? node_store_fault(ch->err, fault) : 0;
}

/* --- new settings --- */

struct entry *change_find(struct node *n, struct owner owner, struct slice id)
{
	struct entry *en;

	directory_read(n->directory);
	en = directory_endpoint(n->directory, owner, id);
	directory_release(n->directory);
	return en;
}

static struct entry *find_number(struct node *n, uint64_t number)
{
	struct entry *en;

	directory_read(n->directory);
	en = directory_number(n->directory, number);
	directory_release(n->directory);
	return en;
}

/* The text to compile: new settings with the secrets that were there, over the old ones when they are to be merged. */
static void settings_text(const struct entry *en, struct json settings, enum endpoint_change how, struct buf *out)
{
	struct json_doc old;

	if (!en) {
		buf_add_slice(out, json_raw(settings));
		return;
	}
	json_doc_init(&old);
	json_parse(&old, en->current->source, &json_limits_default, NULL);
	(how == ENDPOINT_MERGE ? endpoint_merge : endpoint_keep_secrets)(json_root(&old), settings, out);
	json_doc_free(&old);
}

static int check_retention(const struct node *n, const struct endpoint *ep, struct fault *fault)
{
	int64_t kept_ms = atomic_load(&n->retention_ms);

	if (ep->retry.max_age_ms <= kept_ms)
		return 0;
	return fault_param(fault, "retry.max_age_s",
			   "is longer than events are kept (%" PRId64
			   " s): choose a smaller value or keep events longer",
			   kept_ms / 1000);
}

static void organization_of(struct node *n, struct owner owner, char ret[256])
{
	struct project *p;

	ret[0] = '\0';
	if (owner.organization) {
		slice_copy(ret, 256, owner.id);
		return;
	}
	directory_read(n->directory);
	p = directory_project(n->directory, owner.id);
	if (p)
		slice_copy(ret, 256, slice_str(p->organization));
	directory_release(n->directory);
}

int change_compile(struct node *n, const struct change_wanted *want, struct slice text, struct endpoint **ret,
		   struct fault *fault)
{
	char organization[256];
	struct endpoint_identity who = { .of_organization = want->owner.organization,
					 .internal = want->internal,
					 .owner = want->owner.id,
					 .id = want->id };
	struct json_doc doc;
	int err;

	organization_of(n, want->owner, organization);
	who.organization_id = slice_str(organization);
	who.number = want->entry ? want->entry->number : ++n->directory->last_endpoint;
	who.revision = want->entry ? want->entry->current->revision + 1 : 1;
	json_doc_init(&doc);
	err = json_parse(&doc, text, &json_limits_default, fault);
	if (!err)
		err = endpoint_compile(json_root(&doc), &who, ret, fault);
	json_doc_free(&doc);
	if (!err && check_retention(n, *ret, fault)) {
		endpoint_unref(ret);
		err = ERR_INVALID;
	}
	return err;
}

struct entry *change_entry_new(struct endpoint *ep, int64_t now_ms)
{
	struct entry *en = mem_zalloc(sizeof(*en));

	en->number = ep->number;
	en->current = endpoint_ref(ep);
	en->stats = endpoint_stats_new();
	en->created_ms = en->changed_ms = now_ms;
	return en;
}

static bool same(const struct endpoint *a, const struct endpoint *b)
{
	return slice_eq(a->source, b->source) && strcmp(a->organization_id, b->organization_id) == 0;
}

/*
 * Puts the compiled settings in force; takes the reference. What
 * changes nothing makes no revision: `apply` is idempotent.
 */
static int put(struct node *n, const struct change_wanted *want, struct endpoint *next, const char *disabled_reason,
	       struct fault *fault)
{
	struct amendment ch = { .node = n,
				.entry = want->entry,
				.created = !want->entry,
				.next = next,
				.disabled_reason = disabled_reason,
				.now_ms = clock_ms(&n->clock) };
	int err = 0;

	if (!ch.created && same(next, want->entry->current)) {
		endpoint_unref(&next);
		return 0;
	}
	if (ch.created)
		ch.entry = change_entry_new(next, ch.now_ms);
	err = trip(&ch, fault);
	if (err && ch.created)
		entry_free(ch.entry);
	endpoint_unref(&next);
	return err;
}

int change_text(struct node *n, const struct change_wanted *want, struct json settings, enum endpoint_change how,
		const char *disabled_reason, struct fault *fault)
{
	struct endpoint *next;
	struct buf text;
	int err;

	buf_init(&text, DOCUMENT_MAX / 2);
	settings_text(want->entry, settings, how, &text);
	if (buf_failed(&text)) {
		fault_param(fault, "", "the settings are too large: at most %u bytes", DOCUMENT_MAX / 2);
		err = ERR_INVALID;
	} else {
		err = change_compile(n, want, buf_slice(&text), &next, fault);
	}
	buf_free(&text);
	return err ? err : put(n, want, next, disabled_reason, fault);
}

/* What the hub made is the hub's: nobody changes or deletes it from outside, or makes something that looks like it. */
static int refuse_own(const struct entry *en, struct slice id, struct fault *fault)
{
	if (en ? !en->current->internal : id.n == 0 || id.p[0] != '_')
		return 0;
	return fault_param(fault, "id", "ids that begin with _ are postrider's own");
}

static int change_named(struct node *n, struct owner owner, struct slice id, struct json settings,
			enum endpoint_change how, bool *ret_created, struct fault *fault)
{
	struct change_wanted want = { owner, id, change_find(n, owner, id), false };
	int err;

	if (refuse_own(want.entry, id, fault))
		return ERR_INVALID;
	if (!owner.organization && !node_project_exists(n, owner.id)) {
		fault_set(fault, "not_found", "", "there is no project \"%.*s\": PUT it first", SLICE_ARG(owner.id));
		return ERR_NOT_FOUND;
	}
	if (!want.entry && how == ENDPOINT_MERGE) {
		fault_set(fault, "not_found", "", "there is no endpoint \"%.*s\"", SLICE_ARG(id));
		return ERR_NOT_FOUND;
	}
	if (!want.entry && (directory_check_name(owner.id, "owner", fault) || directory_check_name(id, "id", fault)))
		return ERR_INVALID;
	err = change_text(n, &want, settings, how, NULL, fault);
	if (!err && ret_created)
		*ret_created = !want.entry;
	return err;
}

int node_endpoint_change(struct node *n, struct owner owner, struct slice id, struct json settings,
			 enum endpoint_change how, bool *ret_created, struct fault *fault)
{
	int err;

	pthread_mutex_lock(&n->change_lock);
	err = change_named(n, owner, id, settings, how, ret_created, fault);
	pthread_mutex_unlock(&n->change_lock);
	return err;
}

/* --- deleting --- */

int change_delete(struct node *n, struct entry *en, struct fault *fault)
{
	struct amendment ch = { .node = n, .entry = en, .now_ms = clock_ms(&n->clock) };

	return trip(&ch, fault);
}

int node_endpoint_delete(struct node *n, struct owner owner, struct slice id, struct fault *fault)
{
	struct entry *en;
	int err;

	pthread_mutex_lock(&n->change_lock);
	en = change_find(n, owner, id);
	if (en) {
		err = refuse_own(en, id, fault);
		if (!err)
			err = change_delete(n, en, fault);
	} else {
		fault_set(fault, "not_found", "", "there is no endpoint \"%.*s\"", SLICE_ARG(id));
		err = ERR_NOT_FOUND;
	}
	pthread_mutex_unlock(&n->change_lock);
	return err;
}

/* The first endpoint of an owner after *id; NULL at the end. */
static struct entry *next_of(struct node *n, struct owner owner, struct slice id)
{
	struct directory *d = n->directory;
	struct entry *en = NULL;

	directory_read(d);
	for (size_t i = directory_after(d, owner, id); i < d->names.count; i++) {
		struct entry *candidate = d->names.items[i];

		if (!slice_is(owner.id, candidate->current->owner))
			break;
		if (candidate->current->of_organization == owner.organization) {
			en = candidate;
			break;
		}
	}
	directory_release(d);
	return en;
}

bool change_any_left(struct node *n, struct owner owner)
{
	return next_of(n, owner, SLICE_LIT("")) != NULL;
}

int change_delete_all(struct node *n, struct owner owner, struct fault *fault)
{
	struct entry *en;
	int err = 0;

	while (!err && (en = next_of(n, owner, SLICE_LIT(""))))
		err = change_delete(n, en, fault);
	return err;
}

struct forget {
	struct node *node;
	struct entry *entry;
};

static void forget(void *ctx, struct store *store)
{
	struct forget *f = ctx;
	struct node *n = f->node;
	struct tx *tx;
	int64_t now_ms = clock_ms(&n->clock);

	if (!store)
		return;
	tx = tx_new();
	document_put_revision(tx, f->entry->current, now_ms);
	document_delete_entry(tx, f->entry->number);
	if (committer_now(n->committer, tx, NULL) == 0) {
		directory_write(n->directory);
		directory_forget(n->directory, f->entry, now_ms);
		directory_release(n->directory);
	} /* otherwise the next start ends it */
	tx_free(&tx);
}

void change_forget(struct node *n, uint64_t number, uint32_t revision)
{
	struct forget f = { n, NULL };

	pthread_mutex_lock(&n->change_lock);
	f.entry = find_number(n, number);
	if (f.entry && f.entry->deleted && f.entry->current->revision == revision)
		committer_run(n->committer, forget, &f);
	pthread_mutex_unlock(&n->change_lock);
}

/* --- changes that nobody asked the API for --- */

static int change_entry(struct node *n, struct entry *en, const char *patch, const char *disabled_reason)
{
	const struct endpoint *ep = en->current;
	struct change_wanted want = {
		{ slice_str(ep->owner), ep->of_organization }, slice_str(ep->id), en, ep->internal
	};
	struct fault fault = NO_FAULT;
	struct json_doc doc;
	int err;

	json_doc_init(&doc);
	json_parse(&doc, slice_str(patch), &json_limits_default, NULL);
	err = change_text(n, &want, json_root(&doc), ENDPOINT_MERGE, disabled_reason, &fault);
	if (err)
		log_error(n->log, "endpoint could not be changed", LOG_STR("owner", ep->owner),
			  LOG_STR("endpoint", ep->id), LOG_STR("detail", fault.message));
	json_doc_free(&doc);
	return err;
}

int change_disable(struct node *n, uint64_t number, uint32_t revision, const char *reason)
{
	struct entry *en;
	int err = 0;

	pthread_mutex_lock(&n->change_lock);
	en = find_number(n, number);
	if (en && !en->deleted && en->current->revision == revision) {
		log_warn(n->log, "endpoint disabled", LOG_STR("owner", en->current->owner),
			 LOG_STR("endpoint", en->current->id), LOG_STR("reason", reason));
		err = change_entry(n, en, "{\"active\":false}", reason);
	}
	pthread_mutex_unlock(&n->change_lock);
	return err;
}

int change_organization(struct node *n, struct slice project)
{
	struct owner owner = { project, false };
	struct slice after_id = SLICE_LIT("");
	char last[128];
	struct entry *en;
	int err = 0;

	pthread_mutex_lock(&n->change_lock);
	while (!err && (en = next_of(n, owner, after_id)) && !atomic_load(&n->stopping)) {
		slice_copy(last, sizeof(last), slice_str(en->current->id));
		after_id = slice_str(last);
		err = change_entry(n, en, "{}", en->disabled_reason[0] ? en->disabled_reason : NULL);
	}
	pthread_mutex_unlock(&n->change_lock);
	return err;
}
