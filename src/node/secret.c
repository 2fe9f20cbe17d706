/*
 * Secrets of our own: 32 random bytes under a name, made when they are asked for the first time and kept as documents
 * of kind "meta" ever after. What is signed with one stays valid for as long as the data folder lives.
 */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "node/document.h"
#include "node/parts.h"

struct secret {
	struct node *node;
	struct slice name;
	uint8_t bytes[NODE_SECRET_BYTES];
	bool known;
	int err;
};

/* The walk is by prefix: of a longer name that begins like ours nothing is taken. */
static bool secret_read(void *ctx, const struct doc_row *row)
{
	struct secret *s = ctx;
	struct json_doc doc;
	char *hex;

	if (!slice_eq(row->id, s->name))
		return true;
	json_doc_init(&doc);
	if (json_parse(&doc, row->text, &json_limits_default, NULL) == 0) {
		hex = document_string(json_root(&doc), "secret");
		s->known = hex_read(slice_str(hex), s->bytes, sizeof(s->bytes));
		mem_wipe(hex, strlen(hex));
		mem_free(hex);
	}
	json_doc_free(&doc);
	s->err = s->known ? 0 : ERR_CORRUPT;
	return false;
}

static int secret_make(struct secret *s)
{
	struct tx *tx = tx_new();
	struct buf text;
	int err;

	random_secure(s->bytes, sizeof(s->bytes));
	buf_init(&text, 256);
	buf_add_str(&text, "{\"secret\":\"");
	hex_add(&text, s->bytes, sizeof(s->bytes));
	buf_add_str(&text, "\"}");
	tx_doc_put(tx, SLICE_LIT("meta"), s->name, buf_slice(&text));
	err = committer_now(s->node->committer, tx, NULL);
	mem_wipe(text.p, text.n);
	buf_free(&text);
	tx_free(&tx);
	return err;
}

/* On the store thread, so that two who ask at once get the same one. */
static void secret_job(void *ctx, struct store *store)
{
	struct secret *s = ctx;
	struct fault why = NO_FAULT;
	int err;

	if (!store) {
		s->err = ERR_IO;
		return;
	}
	err = store_docs(store, SLICE_LIT("meta"), s->name, secret_read, s, &why);
	if (err)
		s->err = err;
	else if (!s->known && !s->err)
		s->err = secret_make(s);
}

int node_secret(struct node *n, const char *name, uint8_t ret[NODE_SECRET_BYTES], struct fault *fault)
{
	struct secret s = { .node = n, .name = slice_str(name) };

	committer_run(n->committer, secret_job, &s);
	if (!s.err)
		memcpy(ret, s.bytes, sizeof(s.bytes));
	mem_wipe(s.bytes, sizeof(s.bytes));
	if (s.err != ERR_CORRUPT)
		return s.err ? node_store_fault(s.err, fault) : 0;
	fault_set(fault, "corrupt", "",
		  "the stored document meta \"%s\" is damaged: restore the data folder from a copy", name);
	return ERR_CORRUPT;
}
