/*
 * Projects. A change is one job on the store thread: checked before, written, then put into the directory, so that
 * memory never shows what is not on disk.
 *
 * Which organization a project belongs to decides which endpoints get its events. The job knows the last seq that was
 * routed by the old one and writes it down, so that recovery routes each event as it was routed when it was accepted.
 */
#include <stdio.h>

#include "base/mem.h"
#include "dialect/zone.h"
#include "node/change.h"
#include "node/document.h"
#include "node/drop.h"
#include "node/parts.h"

/* --- settings --- */

static int check_string(struct json v, const char *name, size_t max, struct fault *fault)
{
	if (json_is_nil(v))
		return 0;
	if (json_type(v) != JSON_STRING)
		return fault_param(fault, name, "must be a string, not %s", json_type_name(json_type(v)));
	if (json_raw(v).n > max + 2)
		return fault_param(fault, name, "is too long: at most %zu characters", max);
	return 0;
}

/*
 * The organization is named in paths, as /v1/organizations/{oid}/endpoints: what could not
 * stand there would be an organization that nobody can ever give an endpoint.
 */
static int check_organization(struct json v, struct fault *fault)
{
	struct slice id = json_escaped_text(v);
	bool good = id.n <= 64 && !slice_is(id, ".") && !slice_is(id, "..");

	if (check_string(v, "organization_id", 100, fault))
		return ERR_INVALID;
	for (size_t i = 0; i < id.n && good; i++) {
		char c = id.p[i];

		good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("_.-", c);
	}
	return good ? 0
		    : fault_param(fault, "organization_id",
				  "is no id: write 1 to 64 characters of A-Z a-z 0-9 _ . - that are not . or ..");
}

static int check_emails(struct json v, struct fault *fault)
{
	struct json_iter it = json_each(v);
	int err = 0;

	if (!json_is_nil(v) && json_type(v) != JSON_ARRAY)
		return fault_param(fault, "notify_emails", "must be an array of addresses");
	while (!err && json_next(&it)) {
		if (json_type(it.value) != JSON_STRING || slice_find(json_raw(it.value), '@') == json_raw(it.value).n)
			err = fault_param(fault, "notify_emails", "element %u is no mail address", it.index);
	}
	return err;
}

static int check_timezone(struct json v, struct fault *fault)
{
	struct zone *zone = NULL;
	struct slice name;
	struct buf scratch;
	int err = check_string(v, "timezone", 64, fault);

	if (err || json_is_nil(v))
		return err;
	buf_init(&scratch, 6 * 64 + 1);
	name = json_text_slice(v, &scratch);
	err = name.n > 0 ? zone_read(name, &zone, fault) : 0;
	if (err)
		slice_copy(fault->param, sizeof(fault->param), SLICE_LIT("timezone"));
	zone_free(&zone);
	buf_free(&scratch);
	return err;
}

static int check_member(struct slice key, struct json v, struct fault *fault)
{
	char name[sizeof(fault->param)];

	if (slice_is(key, "name"))
		return check_string(v, "name", 200, fault);
	if (slice_is(key, "organization_id"))
		return check_organization(v, fault);
	if (slice_is(key, "timezone"))
		return check_timezone(v, fault);
	if (slice_is(key, "notify_emails"))
		return check_emails(v, fault);
	if (slice_is(key, "id"))
		return 0;
	slice_copy(name, sizeof(name), key);
	return fault_param(fault, name,
			   "is no property of a project: name, organization_id, notify_emails and timezone are");
}

static int check_settings(struct json settings, struct fault *fault)
{
	struct json_iter it = json_each(settings);
	struct buf key;
	int err = 0;

	if (json_type(settings) != JSON_OBJECT)
		return fault_param(fault, "", "a project is an object, not %s", json_type_name(json_type(settings)));
	buf_init(&key, 4096);
	while (!err && json_next(&it))
		err = check_member(json_text_slice(it.key, &key), it.value, fault);
	buf_free(&key);
	return err;
}

/* The members that count, from the new settings, else (merging) from the old ones. */
static char *settled_settings(struct json settings, struct json old)
{
	static const char *const names[] = { "name", "organization_id", "notify_emails", "timezone" };
	struct json_writer w;
	struct buf out;

	buf_init(&out, DOCUMENT_MAX / 2);
	json_writer_init(&w, &out);
	json_begin_object(&w);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct json v = json_get(settings, names[i]);

		if (json_type(v) == JSON_NONE)
			v = json_get(old, names[i]);
		json_key(&w, names[i]);
		if (json_is_nil(v))
			json_put_null(&w);
		else
			json_put_raw(&w, json_raw(v));
	}
	json_end_object(&w);
	return buf_take(&out);
}

/* --- writing --- */

struct project_put {
	struct node *node;
	struct project *project; /* taken into the directory when err is 0 */
	bool moved;
	bool dropping; /* objects of a project of this id that was deleted are still there; err is 0, nothing is put */
	int err;
};

static void put_job(void *ctx, struct store *store)
{
	struct project_put *put = ctx;
	struct node *n = put->node;
	struct tx *tx;

	if (!store) {
		put->err = ERR_IO;
		return;
	}
	put->dropping = drop_pending(store, slice_str(put->project->id));
	if (put->dropping)
		return;
	if (put->moved)
		put->project->organization_from = store_last_seq(store);
	tx = tx_new();
	document_put_project(tx, put->project);
	put->err = committer_now(n->committer, tx, NULL);
	tx_free(&tx);
	if (put->err)
		return;
	directory_write(n->directory);
	directory_project_set(n->directory, put->project);
	directory_release(n->directory);
}

static struct project *project_new(struct node *n, struct slice id, struct json settings, bool merge, bool *ret_created)
{
	struct project *p = mem_zalloc(sizeof(*p)), *old;
	struct json_doc old_doc, doc;

	p->id = slice_dup(id);
	p->created_ms = p->changed_ms = clock_ms(&n->clock);
	json_doc_init(&old_doc);
	json_doc_init(&doc);
	directory_read(n->directory);
	old = directory_project(n->directory, id);
	*ret_created = !old;
	if (old) {
		json_parse(&old_doc, slice_str(old->settings), &json_limits_default, NULL);
		p->created_ms = old->created_ms;
		p->organization_from = old->organization_from;
		p->links_from_ms = old->links_from_ms;
	}
	p->settings = settled_settings(settings, old && merge ? json_root(&old_doc) : (struct json){ 0 });
	p->organization_before = mem_strdup(old ? old->organization_before : "");
	json_parse(&doc, slice_str(p->settings), &json_limits_default, NULL);
	p->organization = document_string(json_root(&doc), "organization_id");
	if (old && strcmp(old->organization, p->organization) != 0) {
		mem_free(p->organization_before);
		p->organization_before = mem_strdup(old->organization);
	}
	directory_release(n->directory);
	json_doc_free(&old_doc);
	json_doc_free(&doc);
	return p;
}

static bool organization_moved(struct node *n, const struct project *p)
{
	const struct project *old;
	bool moved;

	directory_read(n->directory);
	old = directory_project(n->directory, slice_str(p->id));
	moved = old && strcmp(old->organization, p->organization) != 0;
	directory_release(n->directory);
	return moved;
}

/* Puts it; what an earlier project of this id has left goes first. */
static int write_put(struct node *n, struct project_put *put)
{
	bool more = true;
	int err = 0;

	committer_run(n->committer, put_job, put);
	if (!put->dropping)
		return put->err;
	while (!err && more)
		err = drop_some(n, slice_str(put->project->id), &more);
	if (!err) {
		committer_run(n->committer, put_job, put);
		err = put->err;
	}
	return err;
}

static int put_project(struct node *n, struct slice id, struct json settings, bool merge, bool *ret_created,
		       struct fault *fault)
{
	struct project_put put = { .node = n };
	bool created;
	int err = node_may_change(n, fault);

	if (err)
		return err;
	put.project = project_new(n, id, settings, merge, &created);
	if (created && merge) {
		project_free(put.project);
		fault_set(fault, "not_found", "", "there is no project \"%.*s\": PUT it first", SLICE_ARG(id));
		return ERR_NOT_FOUND;
	}
	put.moved = organization_moved(n, put.project);
	err = write_put(n, &put);
	if (err) {
		project_free(put.project);
		return node_store_fault(err, fault);
	}
	if (ret_created)
		*ret_created = created;
	if (put.moved)
		clerk_organization(n->clerk, put.project->id);
	return 0;
}

int node_project_put(struct node *n, struct slice id, struct json settings, bool merge, bool *ret_created,
		     struct fault *fault)
{
	int err = directory_check_name(id, "id", fault);

	if (!err)
		err = check_settings(settings, fault);
	if (err)
		return err;
	pthread_mutex_lock(&n->change_lock);
	err = put_project(n, id, settings, merge, ret_created, fault);
	pthread_mutex_unlock(&n->change_lock);
	return err;
}

/* --- deleting --- */

struct project_delete {
	struct node *node;
	struct slice id;
	bool again; /* the hub has made another endpoint in the meantime */
	int err;
};

/* The first key of the project, NULL when it has none. */
static const struct key *key_of(const struct directory *d, struct slice project)
{
	for (size_t i = 0; i < d->keys.count; i++) {
		const struct key *k = d->keys.items[i];

		if (slice_is(project, k->project))
			return k;
	}
	return NULL;
}

static void add_deletes(const struct directory *d, struct slice id, struct tx *tx)
{
	tx_doc_delete(tx, SLICE_LIT("project"), id);
	drop_mark(tx, id);
	for (size_t i = 0; i < d->keys.count; i++) {
		const struct key *k = d->keys.items[i];

		if (slice_is(id, k->project))
			tx_doc_delete(tx, SLICE_LIT("key"), slice_str(k->id));
	}
}

static void delete_job(void *ctx, struct store *store)
{
	struct project_delete *del = ctx;
	struct directory *d = del->node->directory;
	const struct key *k;
	struct tx *tx;

	if (!store) {
		del->err = ERR_IO;
		return;
	}
	del->again = change_any_left(del->node, (struct owner){ del->id, false });
	if (del->again)
		return;
	tx = tx_new();
	directory_read(d);
	add_deletes(d, del->id, tx);
	directory_release(d);
	del->err = committer_now(del->node->committer, tx, NULL);
	tx_free(&tx);
	if (del->err)
		return;
	directory_write(d);
	while ((k = key_of(d, del->id)))
		directory_key_remove(d, slice_str(k->id));
	directory_project_remove(d, del->id);
	directory_release(d);
}

static int delete_project(struct node *n, struct slice id, struct fault *fault)
{
	struct project_delete del = { .node = n, .id = id };
	int err;

	do {
		err = change_delete_all(n, (struct owner){ id, false }, fault);
		if (err)
			return err;
		committer_run(n->committer, delete_job, &del);
	} while (!del.err && del.again);
	return del.err ? node_store_fault(del.err, fault) : 0;
}

int node_project_delete(struct node *n, struct slice id, struct fault *fault)
{
	char name[256];
	int err = node_may_change(n, fault);

	if (err)
		return err;
	pthread_mutex_lock(&n->change_lock);
	if (!node_project_exists(n, id)) {
		fault_set(fault, "not_found", "", "there is no project \"%.*s\"", SLICE_ARG(id));
		err = ERR_NOT_FOUND;
	} else {
		err = delete_project(n, id, fault);
	}
	pthread_mutex_unlock(&n->change_lock);
	if (!err) {
		slice_copy(name, sizeof(name), id);
		clerk_drop(n->clerk, name);
	}
	return err;
}

/* --- showing --- */

static void write_project(const struct project *p, struct json_writer *w)
{
	struct json_doc doc;
	struct json_iter it;

	json_doc_init(&doc);
	json_parse(&doc, slice_str(p->settings), &json_limits_default, NULL);
	it = json_each(json_root(&doc));
	json_begin_object(w);
	json_member_str(w, "id", p->id);
	while (json_next(&it)) {
		json_key_slice(w, json_escaped_text(it.key));
		json_put_raw(w, json_raw(it.value));
	}
	json_member_i64(w, "time_created", p->created_ms / 1000);
	json_member_i64(w, "time_updated", p->changed_ms / 1000);
	json_end_object(w);
	json_doc_free(&doc);
}

int node_project_write(struct node *n, struct slice id, struct json_writer *w)
{
	const struct project *p;

	directory_read(n->directory);
	p = directory_project(n->directory, id);
	if (p)
		write_project(p, w);
	directory_release(n->directory);
	return p ? 0 : ERR_NOT_FOUND;
}

void node_project_list(struct node *n, struct slice organization, struct slice marker, size_t limit,
		       struct json_writer *w, bool *ret_more)
{
	struct directory *d = n->directory;

	*ret_more = false;
	directory_read(d);
	for (size_t i = directory_project_after(d, marker); i < d->projects.count && !*ret_more; i++) {
		const struct project *p = d->projects.items[i];

		if (organization.n > 0 && !slice_is(organization, p->organization))
			continue;
		if (limit == 0) {
			*ret_more = true;
		} else {
			write_project(p, w);
			limit--;
		}
	}
	directory_release(d);
}

bool node_project_exists(struct node *n, struct slice id)
{
	bool exists;

	directory_read(n->directory);
	exists = directory_project(n->directory, id) != NULL;
	directory_release(n->directory);
	return exists;
}
