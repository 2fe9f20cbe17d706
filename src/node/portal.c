/*
 * A token is `prl_` and base64url of
 *
 *	version, flags, ends (varint, seconds), made (varint, milliseconds), project, HMAC-SHA256 of all that
 *
 * The key is derived from the node's secret by a label of its own, so nothing that the hub signs with the secret can
 * pass for a link. A link counts when it was made at or after the project's `links_from_ms`: at first the moment the
 * project was made, so that a new project does not open to the links of a deleted one that had its id; later the moment
 * when its links were ended.
 */
#include "node/portal.h"

#include <assert.h>

#include "base/mem.h"
#include "base/text.h"
#include "node/document.h"
#include "node/parts.h"

#define VERSION	    1
#define FLAG_WRITE  1
#define PROJECT_MAX 64
#define RAW_MAX	    144
#define LABEL	    SLICE_LIT("postrider portal link 1")

static void sign(const struct node *n, struct slice text, uint8_t ret[SHA256_BYTES])
{
	uint8_t key[SHA256_BYTES];

	hmac_sha256(slice_of(n->hooks.secret, NODE_SECRET_BYTES), LABEL, key);
	hmac_sha256(slice_of(key, sizeof(key)), text, ret);
	mem_wipe(key, sizeof(key));
}

/* From when on links of this project count; false when there is no such project. */
static bool links_from(struct node *n, struct slice project, int64_t *ret_ms)
{
	const struct project *p;

	directory_read(n->directory);
	p = directory_project(n->directory, project);
	if (p)
		*ret_ms = p->links_from_ms > p->created_ms ? p->links_from_ms : p->created_ms;
	directory_release(n->directory);
	return p != NULL;
}

/* --- making --- */

int node_portal_make(struct node *n, const struct portal_link *link, char ret_token[PORTAL_TOKEN_BYTES],
		     struct fault *fault)
{
	struct slice project = slice_str(link->project);
	int64_t made_ms = clock_ms(&n->clock), from_ms;
	uint8_t mac[SHA256_BYTES];
	struct buf raw, text;

	assert(n->hooks.secret);
	if (project.n > PROJECT_MAX)
		return fault_param(fault, "", "the project's id is too long for a link: at most %d characters",
				   PROJECT_MAX);
	if (!links_from(n, project, &from_ms)) {
		fault_set(fault, "not_found", "", "there is no project \"%.*s\"", SLICE_ARG(project));
		return ERR_NOT_FOUND;
	}
	buf_init(&raw, RAW_MAX);
	buf_init(&text, PORTAL_TOKEN_BYTES - 1);
	buf_add_char(&raw, VERSION);
	buf_add_char(&raw, link->write ? FLAG_WRITE : 0);
	buf_add_varint(&raw, (uint64_t)link->ends_s);
	buf_add_varint(&raw, (uint64_t)(made_ms > from_ms ? made_ms : from_ms)); /* the clock may have been set back */
	buf_add_slice(&raw, project);
	sign(n, buf_slice(&raw), mac);
	buf_add(&raw, mac, sizeof(mac));
	buf_add_str(&text, PORTAL_PREFIX);
	base64url_add(&text, raw.p, raw.n);
	assert(!buf_failed(&raw) && !buf_failed(&text));
	slice_copy(ret_token, PORTAL_TOKEN_BYTES, buf_slice(&text));
	buf_free(&raw);
	buf_free(&text);
	return 0;
}

/* --- checking --- */

/* Unpadded base64url; false for anything else. */
static bool read_base64url(struct slice s, struct buf *out)
{
	struct buf plain;
	bool good = true;

	buf_init(&plain, PORTAL_TOKEN_BYTES + 4);
	for (size_t i = 0; i < s.n && good; i++) {
		good = s.p[i] != '+' && s.p[i] != '/' && s.p[i] != '=';
		buf_add_char(&plain, (char)(s.p[i] == '-' ? '+' : s.p[i] == '_' ? '/' : s.p[i]));
	}
	while (plain.n % 4 != 0 && !buf_failed(&plain))
		buf_add_char(&plain, '=');
	good = good && !buf_failed(&plain) && base64_read(buf_slice(&plain), out);
	buf_free(&plain);
	return good;
}

/* What a token says whose signature is ours; nothing of it is looked at before. */
static bool read_signed(struct slice text, struct portal_link *ret, int64_t *ret_made_ms)
{
	uint64_t ends, made;

	if (text.n < 2 || text.p[0] != VERSION)
		return false;
	ret->write = text.p[1] & FLAG_WRITE;
	text = slice_from(text, 2);
	if (!varint_read(&text, &ends) || !varint_read(&text, &made) || text.n == 0 || text.n > PROJECT_MAX)
		return false;
	ret->ends_s = (int64_t)ends;
	*ret_made_ms = (int64_t)made;
	slice_copy(ret->project, sizeof(ret->project), text);
	return true;
}

static enum portal_answer check_raw(struct node *n, struct slice raw, struct portal_link *ret)
{
	struct portal_link link = { 0 };
	uint8_t mac[SHA256_BYTES];
	int64_t made_ms, from_ms;
	struct slice text;

	if (raw.n <= sizeof(mac))
		return PORTAL_UNKNOWN;
	text = slice_of(raw.p, raw.n - sizeof(mac));
	sign(n, text, mac);
	if (!mem_same(mac, raw.p + text.n, sizeof(mac)) || !read_signed(text, &link, &made_ms))
		return PORTAL_UNKNOWN;
	if (!links_from(n, slice_str(link.project), &from_ms) || made_ms < from_ms)
		return PORTAL_UNKNOWN;
	*ret = link;
	return clock_ms(&n->clock) >= link.ends_s * 1000 ? PORTAL_EXPIRED : PORTAL_VALID;
}

enum portal_answer node_portal_check(struct node *n, struct slice token, struct portal_link *ret)
{
	static const struct slice prefix = SLICE_LIT(PORTAL_PREFIX);
	enum portal_answer answer = PORTAL_UNKNOWN;
	struct buf raw;

	if (!n->hooks.secret || token.n >= PORTAL_TOKEN_BYTES || !slice_starts(token, prefix))
		return PORTAL_UNKNOWN;
	buf_init(&raw, RAW_MAX);
	if (read_base64url(slice_from(token, prefix.n), &raw))
		answer = check_raw(n, buf_slice(&raw), ret);
	buf_free(&raw);
	return answer;
}

/* --- ending --- */

struct end {
	struct node *node;
	struct slice project;
	int64_t from_ms;
	int err;
};

/* In memory only after it is on disk; the job is alone, so nobody changes the project between the two. */
static void end_job(void *ctx, struct store *store)
{
	struct end *e = ctx;
	struct directory *d = e->node->directory;
	struct project *p, as;
	struct tx *tx;

	if (!store) {
		e->err = ERR_IO;
		return;
	}
	tx = tx_new();
	directory_read(d);
	p = directory_project(d, e->project);
	if (p) {
		as = *p;
		as.links_from_ms = e->from_ms;
		document_put_project(tx, &as);
	}
	directory_release(d);
	e->err = p ? committer_now(e->node->committer, tx, NULL) : ERR_NOT_FOUND;
	tx_free(&tx);
	if (e->err)
		return;
	directory_write(d);
	p->links_from_ms = e->from_ms;
	directory_release(d);
}

int node_portal_end(struct node *n, struct slice project, struct fault *fault)
{
	struct end e = { .node = n, .project = project };
	int64_t before_ms = 0;
	int err = node_may_change(n, fault);

	if (err)
		return err;
	pthread_mutex_lock(&n->change_lock);
	links_from(n, project, &before_ms);
	e.from_ms = clock_ms(&n->clock) + 1;
	if (e.from_ms <= before_ms)
		e.from_ms = before_ms + 1;
	committer_run(n->committer, end_job, &e);
	pthread_mutex_unlock(&n->change_lock);
	if (e.err == ERR_NOT_FOUND) {
		fault_set(fault, "not_found", "", "there is no project \"%.*s\"", SLICE_ARG(project));
		return e.err;
	}
	return e.err ? node_store_fault(e.err, fault) : 0;
}
