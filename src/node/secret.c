/*
 * A secret of the hub's own: random bytes, made at the first start and kept as a document of kind "meta" ever after.
 * What is signed with it stays valid for as long as the data folder lives. It is there before anything runs: what
 * recovery delivers is reported at once, and what the hub then sends may have to be signed.
 */
#include "node/secret.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "node/document.h"

#define SECRET_ID SLICE_LIT("hub_key")

struct secret {
	uint8_t *bytes;
	bool found, known;
};

/* The walk is by prefix: of a longer name that begins like ours nothing is taken. */
static bool secret_read(void *ctx, const struct doc_row *row)
{
	struct secret *s = ctx;
	struct json_doc doc;
	char *hex;

	if (!slice_eq(row->id, SECRET_ID))
		return true;
	s->found = true;
	json_doc_init(&doc);
	if (json_parse(&doc, row->text, &json_limits_default, NULL) == 0) {
		hex = document_string(json_root(&doc), "secret");
		s->known = hex_read(slice_str(hex), s->bytes, NODE_SECRET_BYTES);
		mem_wipe(hex, strlen(hex));
		mem_free(hex);
	}
	json_doc_free(&doc);
	return false;
}

static int secret_make(struct store *store, uint8_t *bytes, struct fault *fault)
{
	struct tx *tx = tx_new();
	struct buf text;
	int err;

	random_secure(bytes, NODE_SECRET_BYTES);
	buf_init(&text, 256);
	buf_add_str(&text, "{\"secret\":\"");
	hex_add(&text, bytes, NODE_SECRET_BYTES);
	buf_add_str(&text, "\"}");
	tx_doc_put(tx, SLICE_LIT("meta"), SECRET_ID, buf_slice(&text));
	err = store_commit(store, &tx, 1, fault);
	mem_wipe(text.p, text.n);
	buf_free(&text);
	tx_free(&tx);
	return err;
}

int secret_open(struct store *store, uint8_t ret[NODE_SECRET_BYTES], struct fault *fault)
{
	struct secret s = { .bytes = ret };
	int err = store_docs(store, SLICE_LIT("meta"), SECRET_ID, secret_read, &s, fault);

	if (err || s.known)
		return err;
	if (!s.found)
		return secret_make(store, ret, fault);
	fault_set(fault, "corrupt", "",
		  "the stored document meta \"%.*s\" is damaged: restore the data folder from a copy",
		  SLICE_ARG(SECRET_ID));
	return ERR_CORRUPT;
}
