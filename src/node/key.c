/*
 * Keys. A project's key is `prk_ID_SECRET`: the id finds its hash without trying all
 * of them, the secret is 192 random bits, so an unsalted SHA-256 is enough to keep it.
 * With more the key would be longer than Kannel can send as HTTP Basic: it breaks the line after 57 bytes.
 * The admin key may be the operator's own choice, and is compared by its hash as well.
 */
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "node/document.h"
#include "node/parts.h"

#define SECRET_BYTES  24
#define KEY_ID_LENGTH 15
#define ADMIN_MIN     16
#define ADMIN_MAX     200

/* prefix and 32 characters of randomness. */
static void make_key(char ret[64], const char *prefix)
{
	uint8_t secret[SECRET_BYTES];
	struct buf text;

	random_secure(secret, sizeof(secret));
	buf_init(&text, 64);
	buf_add_str(&text, prefix);
	base64url_add(&text, secret, sizeof(secret));
	slice_copy(ret, 64, buf_slice(&text));
	mem_wipe(secret, sizeof(secret));
	mem_wipe(text.p, text.n);
	buf_free(&text);
}

/* --- checking --- */

static bool is_admin(const struct directory *d, const uint8_t hash[SHA256_BYTES])
{
	return d->has_admin && mem_same(d->admin, hash, SHA256_BYTES);
}

static const struct key *find_key(const struct directory *d, struct slice key)
{
	struct slice id;

	if (!slice_starts(key, SLICE_LIT("prk_")))
		return NULL;
	id = slice_from(key, 4);
	id.n = slice_find(id, '_');
	return directory_key(d, id);
}

enum key_role node_key_check(struct node *n, struct slice key, char ret_project[256])
{
	static const uint8_t nobody[SHA256_BYTES];
	uint8_t hash[SHA256_BYTES];
	enum key_role role = KEY_NONE;
	const struct key *k;

	if (key.n < ADMIN_MIN || key.n > ADMIN_MAX)
		return KEY_NONE;
	sha256(key, hash);
	directory_read(n->directory);
	k = find_key(n->directory, key);
	/* Compared in any case, so that the time does not tell whether the id exists. */
	if (mem_same(k ? k->hash : nobody, hash, SHA256_BYTES) && k) {
		role = KEY_PROJECT;
		slice_copy(ret_project, 256, slice_str(k->project));
	}
	if (is_admin(n->directory, hash))
		role = KEY_ADMIN;
	directory_release(n->directory);
	return role;
}

/* --- the admin's --- */

struct admin_put {
	struct node *node;
	uint8_t hash[SHA256_BYTES];
	int err;
};

static void admin_job(void *ctx, struct store *store)
{
	struct admin_put *put = ctx;
	struct tx *tx;

	if (!store) {
		put->err = ERR_IO;
		return;
	}
	tx = tx_new();
	document_put_admin(tx, put->hash);
	put->err = committer_now(put->node->committer, tx, NULL);
	tx_free(&tx);
}

static void set_admin(struct directory *d, const uint8_t hash[SHA256_BYTES])
{
	directory_write(d);
	memcpy(d->admin, hash, SHA256_BYTES);
	d->has_admin = true;
	directory_release(d);
}

static int check_admin(struct slice key, struct fault *fault)
{
	if (key.n < ADMIN_MIN || key.n > ADMIN_MAX)
		return fault_param(fault, "admin_key", "must have %d to %d characters", ADMIN_MIN, ADMIN_MAX);
	for (size_t i = 0; i < key.n; i++)
		if (key.p[i] < 0x21 || key.p[i] > 0x7e)
			return fault_param(fault, "admin_key", "must be of visible ASCII characters, without blanks");
	return 0;
}

int node_admin_key(struct node *n, const char *given, char ret_made[64], struct fault *fault)
{
	struct admin_put put = { .node = n };
	bool known;

	ret_made[0] = '\0';
	if (given) {
		if (check_admin(slice_str(given), fault))
			return ERR_INVALID;
		sha256(slice_str(given), put.hash);
		set_admin(n->directory, put.hash);
		return 0;
	}
	directory_read(n->directory);
	known = n->directory->has_admin;
	directory_release(n->directory);
	if (known)
		return 0;
	make_key(ret_made, "pra_");
	sha256(slice_str(ret_made), put.hash);
	committer_run(n->committer, admin_job, &put);
	if (put.err) {
		ret_made[0] = '\0';
		return node_store_fault(put.err, fault);
	}
	set_admin(n->directory, put.hash);
	return 0;
}

/* --- a project's --- */

struct key_put {
	struct node *node;
	struct key *key;
	int err;
};

static void key_job(void *ctx, struct store *store)
{
	struct key_put *put = ctx;
	struct tx *tx;

	if (!store) {
		put->err = ERR_IO;
		return;
	}
	tx = tx_new();
	document_put_key(tx, put->key);
	put->err = committer_now(put->node->committer, tx, NULL);
	tx_free(&tx);
	if (put->err)
		return;
	directory_write(put->node->directory);
	directory_key_add(put->node->directory, put->key);
	directory_release(put->node->directory);
}

static struct key *key_new(struct node *n, struct slice project, struct slice name, char ret_id[ID_BYTES],
			   char ret_key[64])
{
	struct key *k = mem_zalloc(sizeof(*k));
	char prefix[32];

	id_make(ret_id, "k");
	ret_id[KEY_ID_LENGTH] = '\0'; /* 14 random characters name it; the whole key fits into 63 */
	snprintf(prefix, sizeof(prefix), "prk_%s_", ret_id);
	make_key(ret_key, prefix);
	k->id = mem_strdup(ret_id);
	k->project = slice_dup(project);
	k->name = slice_dup(name);
	k->created_ms = clock_ms(&n->clock);
	sha256(slice_str(ret_key), k->hash);
	return k;
}

int node_key_create(struct node *n, struct slice project, struct slice name, char ret_id[ID_BYTES], char ret_key[64],
		    struct fault *fault)
{
	struct key_put put = { .node = n };
	int err = node_may_change(n, fault);

	if (err)
		return err;
	if (name.n > 200)
		return fault_param(fault, "name", "is too long: at most 200 bytes");
	pthread_mutex_lock(&n->change_lock);
	if (!node_project_exists(n, project)) {
		fault_set(fault, "not_found", "", "there is no project \"%.*s\": PUT it first", SLICE_ARG(project));
		err = ERR_NOT_FOUND;
	} else {
		put.key = key_new(n, project, name, ret_id, ret_key);
		committer_run(n->committer, key_job, &put);
		if (put.err) {
			key_free(put.key);
			err = node_store_fault(put.err, fault);
		}
	}
	pthread_mutex_unlock(&n->change_lock);
	return err;
}

struct key_delete {
	struct node *node;
	struct slice id;
	int err;
};

static void key_delete_job(void *ctx, struct store *store)
{
	struct key_delete *del = ctx;
	struct tx *tx;

	if (!store) {
		del->err = ERR_IO;
		return;
	}
	tx = tx_new();
	tx_doc_delete(tx, SLICE_LIT("key"), del->id);
	del->err = committer_now(del->node->committer, tx, NULL);
	tx_free(&tx);
	if (del->err)
		return;
	directory_write(del->node->directory);
	directory_key_remove(del->node->directory, del->id);
	directory_release(del->node->directory);
}

int node_key_delete(struct node *n, struct slice project, struct slice id, struct fault *fault)
{
	struct key_delete del = { .node = n, .id = id };
	const struct key *k;
	bool known;
	int err = node_may_change(n, fault);

	if (err)
		return err;
	pthread_mutex_lock(&n->change_lock);
	directory_read(n->directory);
	k = directory_key(n->directory, id);
	known = k && slice_is(project, k->project);
	directory_release(n->directory);
	if (known) {
		committer_run(n->committer, key_delete_job, &del);
		err = del.err ? node_store_fault(del.err, fault) : 0;
	} else {
		fault_set(fault, "not_found", "", "the project has no key \"%.*s\"", SLICE_ARG(id));
		err = ERR_NOT_FOUND;
	}
	pthread_mutex_unlock(&n->change_lock);
	return err;
}

static void write_key(const struct key *k, struct json_writer *w)
{
	json_begin_object(w);
	json_member_str(w, "id", k->id);
	json_member_str(w, "name", k->name);
	json_member_i64(w, "time_created", k->created_ms / 1000);
	json_end_object(w);
}

size_t node_key_list(struct node *n, struct slice project, struct slice marker, size_t limit, struct json_writer *w,
		     bool *ret_more)
{
	struct directory *d = n->directory;
	size_t written = 0;

	*ret_more = false;
	directory_read(d);
	for (size_t i = directory_key_after(d, marker); i < d->keys.count; i++) {
		const struct key *k = d->keys.items[i];

		if (!slice_is(project, k->project))
			continue;
		*ret_more = written == limit;
		if (*ret_more)
			break;
		if (w)
			write_key(k, w);
		written++;
	}
	directory_release(d);
	return written;
}
