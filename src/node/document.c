/*
 * Documents: what is written here is read by a later version of this program, so members are
 * only ever added. Numbers in ids have leading zeroes, so that the store's order is that of
 * the numbers. An endpoint's document says who it is and which revision is in force; the
 * settings are in the revisions' documents, which stay as long as a row may name them.
 */
#include "node/document.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/object.h"

#define KIND_PROJECT  SLICE_LIT("project")
#define KIND_ENDPOINT SLICE_LIT("endpoint")
#define KIND_REVISION SLICE_LIT("revision")
#define KIND_KEY      SLICE_LIT("key")
#define KIND_META     SLICE_LIT("meta")
#define META_NUMBERS  SLICE_LIT("numbers")
#define META_ADMIN    SLICE_LIT("admin_key")

static void revision_id(char ret[REVISION_ID_BYTES], uint64_t number, uint32_t revision)
{
	snprintf(ret, REVISION_ID_BYTES, "%020" PRIu64 "/%010" PRIu32, number, revision);
}

static void number_id(char ret[REVISION_ID_BYTES], uint64_t number)
{
	snprintf(ret, REVISION_ID_BYTES, "%020" PRIu64, number);
}

/* --- writing --- */

struct draft {
	struct buf text;
	struct json_writer w;
};

static void draft_begin(struct draft *dr)
{
	buf_init(&dr->text, DOCUMENT_MAX);
	json_writer_init(&dr->w, &dr->text);
	json_begin_object(&dr->w);
}

static void draft_put(struct draft *dr, struct tx *tx, struct slice kind, struct slice id)
{
	json_end_object(&dr->w);
	tx_doc_put(tx, kind, id, buf_slice(&dr->text));
	buf_free(&dr->text);
}

static void draft_hash(struct draft *dr, const uint8_t hash[SHA256_BYTES])
{
	struct buf hex;

	buf_init(&hex, 2 * SHA256_BYTES);
	hex_add(&hex, hash, SHA256_BYTES);
	json_member_string(&dr->w, "hash", buf_slice(&hex));
	buf_free(&hex);
}

void document_put_project(struct tx *tx, const struct project *p)
{
	struct draft dr;

	draft_begin(&dr);
	json_member_i64(&dr.w, "created_ms", p->created_ms);
	json_member_i64(&dr.w, "changed_ms", p->changed_ms);
	json_member_str(&dr.w, "organization_before", p->organization_before);
	json_member_i64(&dr.w, "organization_from", p->organization_from);
	json_member_i64(&dr.w, "links_from_ms", p->links_from_ms);
	json_key(&dr.w, "settings");
	json_put_raw(&dr.w, slice_str(p->settings));
	draft_put(&dr, tx, KIND_PROJECT, slice_str(p->id));
}

void document_put_key(struct tx *tx, const struct key *k)
{
	struct draft dr;

	draft_begin(&dr);
	json_member_str(&dr.w, "project", k->project);
	json_member_str(&dr.w, "name", k->name);
	json_member_i64(&dr.w, "created_ms", k->created_ms);
	draft_hash(&dr, k->hash);
	draft_put(&dr, tx, KIND_KEY, slice_str(k->id));
}

void document_put_entry(struct tx *tx, const struct entry *en)
{
	char id[REVISION_ID_BYTES];
	struct draft dr;

	number_id(id, en->number);
	draft_begin(&dr);
	json_member_i64(&dr.w, "revision", en->current->revision);
	json_member_i64(&dr.w, "from_seq", en->from_seq);
	json_member_i64(&dr.w, "created_ms", en->created_ms);
	json_member_i64(&dr.w, "changed_ms", en->changed_ms);
	json_member_str(&dr.w, "disabled_reason", en->disabled_reason);
	json_member_i64(&dr.w, "disabled_ms", en->disabled_ms);
	json_member_bool(&dr.w, "deleted", en->deleted);
	draft_put(&dr, tx, KIND_ENDPOINT, slice_str(id));
}

void document_delete_entry(struct tx *tx, uint64_t number)
{
	char id[REVISION_ID_BYTES];

	number_id(id, number);
	tx_doc_delete(tx, KIND_ENDPOINT, slice_str(id));
}

void document_put_revision(struct tx *tx, const struct endpoint *ep, int64_t superseded_ms)
{
	char id[REVISION_ID_BYTES];
	struct draft dr;

	revision_id(id, ep->number, ep->revision);
	draft_begin(&dr);
	json_member_str(&dr.w, "owner", ep->owner);
	json_member_bool(&dr.w, "of_organization", ep->of_organization);
	json_member_str(&dr.w, "id", ep->id);
	json_member_str(&dr.w, "organization_id", ep->organization_id);
	if (ep->internal)
		json_member_bool(&dr.w, "internal", true);
	json_member_i64(&dr.w, "superseded_ms", superseded_ms);
	json_key(&dr.w, "settings");
	json_put_raw(&dr.w, ep->source);
	draft_put(&dr, tx, KIND_REVISION, slice_str(id));
}

void document_delete_revision(struct tx *tx, uint64_t number, uint32_t revision)
{
	char id[REVISION_ID_BYTES];

	revision_id(id, number, revision);
	tx_doc_delete(tx, KIND_REVISION, slice_str(id));
}

void document_put_numbers(struct tx *tx, uint64_t last_endpoint, uint64_t last_replay)
{
	struct draft dr;

	draft_begin(&dr);
	json_member_i64(&dr.w, "endpoint", (int64_t)last_endpoint);
	json_member_i64(&dr.w, "replay", (int64_t)last_replay);
	draft_put(&dr, tx, KIND_META, META_NUMBERS);
}

void document_step(struct store *store, const struct tx *tx)
{
	for (const struct change *c = tx->first; c; c = c->next) {
		assert(c->kind == CHANGE_DOC);
		step_doc(store, &c->u.doc);
	}
}

static void step_numbers(void *ctx, struct store *store)
{
	const struct directory *d = ctx;
	struct tx *tx = tx_new();

	document_put_numbers(tx, d->last_endpoint, d->last_replay);
	document_step(store, tx);
	tx_free(&tx);
}

void document_settle_numbers(struct tx *tx, struct directory *d)
{
	tx_step(tx, step_numbers, d);
}

void document_put_admin(struct tx *tx, const uint8_t hash[SHA256_BYTES])
{
	struct draft dr;

	draft_begin(&dr);
	draft_hash(&dr, hash);
	draft_put(&dr, tx, KIND_META, META_ADMIN);
}

/* --- reading --- */

char *document_string(struct json doc, const char *name)
{
	struct buf b;
	char *s;

	buf_init(&b, DOCUMENT_MAX);
	json_text(json_get(doc, name), &b);
	s = buf_take(&b);
	return s;
}

int64_t document_i64(struct json doc, const char *name)
{
	int64_t v = 0;

	json_i64(json_get(doc, name), &v);
	return v;
}

static bool document_bool(struct json doc, const char *name)
{
	return json_type(json_get(doc, name)) == JSON_TRUE;
}

/* The strings of a revision's identity live in buffers of the caller. */
static struct endpoint *revision_compile(struct json doc, uint64_t number, uint32_t revision, struct fault *fault)
{
	char *owner = document_string(doc, "owner"), *id = document_string(doc, "id");
	char *organization = document_string(doc, "organization_id");
	struct endpoint_identity who = { .number = number,
					 .revision = revision,
					 .of_organization = document_bool(doc, "of_organization"),
					 .internal = document_bool(doc, "internal"),
					 .owner = slice_str(owner),
					 .id = slice_str(id),
					 .organization_id = slice_str(organization) };
	struct endpoint *ep = NULL;

	if (endpoint_compile(json_get(doc, "settings"), &who, &ep, fault))
		ep = NULL;
	mem_free(owner);
	mem_free(id);
	mem_free(organization);
	return ep;
}

struct revision_reader {
	struct json_doc doc;
	uint64_t number;
	uint32_t revision;
	struct endpoint *ep;
	struct fault *fault;
};

static bool revision_read(void *ctx, const struct doc_row *row)
{
	struct revision_reader *r = ctx;

	if (json_parse(&r->doc, row->text, &json_limits_default, r->fault) == 0)
		r->ep = revision_compile(json_root(&r->doc), r->number, r->revision, r->fault);
	return false;
}

static struct endpoint *read_revision(struct store *store, uint64_t number, uint32_t revision, struct fault *fault)
{
	struct revision_reader r = { .number = number, .revision = revision, .fault = fault };
	char id[REVISION_ID_BYTES];

	revision_id(id, number, revision);
	json_doc_init(&r.doc);
	store_docs(store, KIND_REVISION, slice_str(id), revision_read, &r, fault);
	json_doc_free(&r.doc);
	return r.ep;
}

struct endpoint *document_read_revision(struct store *store, uint64_t number, uint32_t revision)
{
	struct fault fault = NO_FAULT;

	return read_revision(store, number, revision, &fault);
}

/* --- loading all of it --- */

struct loader {
	struct directory *d;
	struct json_doc doc;
	struct json root; /* of the document at hand */
	struct fault *fault;
	int err;
};

/* Parses the row into ld->root; false ends the walk. */
static bool loader_parse(struct loader *ld, const struct doc_row *row)
{
	struct fault why = NO_FAULT;

	if (json_parse(&ld->doc, row->text, &json_limits_default, &why)) {
		fault_set(ld->fault, "corrupt", "",
			  "the stored document %.*s \"%.*s\" is damaged (%s): restore the data folder from a copy",
			  SLICE_ARG(row->kind), SLICE_ARG(row->id), why.message);
		ld->err = ERR_CORRUPT;
		return false;
	}
	ld->root = json_root(&ld->doc);
	return true;
}

static bool load_project(void *ctx, const struct doc_row *row)
{
	struct loader *ld = ctx;
	struct project *p;

	if (!loader_parse(ld, row))
		return false;
	p = mem_zalloc(sizeof(*p));
	p->id = slice_dup(row->id);
	p->settings = slice_dup(json_raw(json_get(ld->root, "settings")));
	p->organization = document_string(json_get(ld->root, "settings"), "organization_id");
	p->organization_before = document_string(ld->root, "organization_before");
	p->organization_from = document_i64(ld->root, "organization_from");
	p->links_from_ms = document_i64(ld->root, "links_from_ms");
	p->created_ms = document_i64(ld->root, "created_ms");
	p->changed_ms = document_i64(ld->root, "changed_ms");
	directory_project_set(ld->d, p);
	return true;
}

static bool load_key(void *ctx, const struct doc_row *row)
{
	struct loader *ld = ctx;
	struct key *k;
	char *hash;

	if (!loader_parse(ld, row))
		return false;
	k = mem_zalloc(sizeof(*k));
	hash = document_string(ld->root, "hash");
	k->id = slice_dup(row->id);
	k->project = document_string(ld->root, "project");
	k->name = document_string(ld->root, "name");
	k->created_ms = document_i64(ld->root, "created_ms");
	if (hex_read(slice_str(hash), k->hash, sizeof(k->hash)))
		directory_key_add(ld->d, k);
	else
		key_free(k); /* a key that nothing matches is no key */
	mem_free(hash);
	return true;
}

static bool load_meta(void *ctx, const struct doc_row *row)
{
	struct loader *ld = ctx;

	if (!loader_parse(ld, row))
		return false;
	if (slice_eq(row->id, META_NUMBERS)) {
		ld->d->last_endpoint = (uint64_t)document_i64(ld->root, "endpoint");
		ld->d->last_replay = (uint64_t)document_i64(ld->root, "replay");
	} else if (slice_eq(row->id, META_ADMIN)) {
		char *hash = document_string(ld->root, "hash");

		ld->d->has_admin = hex_read(slice_str(hash), ld->d->admin, sizeof(ld->d->admin));
		mem_free(hash);
	}
	return true;
}

/* Entries as the documents have them; their revisions are compiled afterwards, outside the walk. */
struct known_entry {
	struct entry entry;
	uint32_t revision;
};

struct entry_loader {
	struct loader ld;
	struct known_entry *known;
	size_t count, cap;
};

static bool load_entry(void *ctx, const struct doc_row *row)
{
	struct entry_loader *el = ctx;
	struct known_entry *ke;
	long long number;
	char *reason;

	if (!loader_parse(&el->ld, row) || !slice_to_i64(row->id, &number))
		return false;
	if (el->count == el->cap) {
		el->cap = el->cap ? el->cap * 2 : 64;
		el->known = mem_realloc(el->known, el->cap * sizeof(*el->known));
	}
	ke = &el->known[el->count++];
	*ke = (struct known_entry){ 0 };
	ke->revision = (uint32_t)document_i64(el->ld.root, "revision");
	ke->entry.number = (uint64_t)number;
	ke->entry.from_seq = document_i64(el->ld.root, "from_seq");
	ke->entry.created_ms = document_i64(el->ld.root, "created_ms");
	ke->entry.changed_ms = document_i64(el->ld.root, "changed_ms");
	ke->entry.disabled_ms = document_i64(el->ld.root, "disabled_ms");
	ke->entry.deleted = document_bool(el->ld.root, "deleted");
	reason = document_string(el->ld.root, "disabled_reason");
	slice_copy(ke->entry.disabled_reason, sizeof(ke->entry.disabled_reason), slice_str(reason));
	mem_free(reason);
	return true;
}

static int add_entry(struct directory *d, struct store *store, const struct known_entry *ke, struct fault *fault)
{
	struct fault why = NO_FAULT;
	struct endpoint *ep = read_revision(store, ke->entry.number, ke->revision, &why);
	struct entry *en;

	if (!ep) {
		fault_set(fault, "corrupt", "",
			  "the stored settings of endpoint number %" PRIu64 " cannot be used: %s: %s", ke->entry.number,
			  why.param, why.message);
		return ERR_CORRUPT;
	}
	en = mem_dup(&ke->entry, sizeof(ke->entry));
	en->current = ep;
	en->stats = endpoint_stats_new();
	directory_add(d, en);
	return 0;
}

static bool load_superseded(void *ctx, const struct doc_row *row)
{
	struct loader *ld = ctx;
	long long number, revision;
	int64_t superseded_ms;
	size_t slash = slice_find(row->id, '/');

	if (!loader_parse(ld, row))
		return false;
	superseded_ms = document_i64(ld->root, "superseded_ms");
	if (superseded_ms && slash < row->id.n && slice_to_i64(slice_of(row->id.p, slash), &number) &&
	    slice_to_i64(slice_from(row->id, slash + 1), &revision))
		directory_add_revision(ld->d, (uint64_t)number, (uint32_t)revision, superseded_ms);
	return true;
}

static int load_entries(struct loader *ld, struct store *store)
{
	struct entry_loader el = { .ld = *ld };
	int err;

	json_doc_init(&el.ld.doc);
	err = store_docs(store, KIND_ENDPOINT, SLICE_LIT(""), load_entry, &el, ld->fault);
	if (!err)
		err = el.ld.err;
	for (size_t i = 0; i < el.count && !err; i++)
		err = add_entry(ld->d, store, &el.known[i], ld->fault);
	json_doc_free(&el.ld.doc);
	mem_free(el.known);
	return err;
}

int document_load(struct directory *d, struct store *store, struct fault *fault)
{
	const struct {
		struct slice kind;
		store_doc_fn *fn;
	} kinds[] = { { KIND_META, load_meta },
		      { KIND_PROJECT, load_project },
		      { KIND_KEY, load_key },
		      { KIND_REVISION, load_superseded } };
	struct loader ld = { .d = d, .fault = fault };
	int err = 0;

	json_doc_init(&ld.doc);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !err; i++) {
		err = store_docs(store, kinds[i].kind, SLICE_LIT(""), kinds[i].fn, &ld, fault);
		if (!err)
			err = ld.err;
	}
	if (!err)
		err = load_entries(&ld, store);
	json_doc_free(&ld.doc);
	return err;
}
