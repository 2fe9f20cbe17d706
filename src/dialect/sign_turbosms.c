/*
 * TurboSMS's signature: the body's field `signature` is the hex SHA-1 of the secret followed
 * by the field `id`. Its place is in the body, so the endpoint's template writes it, with
 * the pipe |secret_sha1; here it is only checked. It covers the id alone, and SHA-1 with the
 * secret in front is no MAC: it is spoken because receivers of TurboSMS expect it.
 */
#include "base/json.h"
#include "base/text.h"
#include "dialect/sign_parts.h"

static void add_form_value(struct slice form, struct slice name, struct buf *out)
{
	while (form.n > 0) {
		struct slice piece = slice_of(form.p, slice_find(form, '&'));
		size_t equals = slice_find(piece, '=');

		form = slice_from(form, piece.n < form.n ? piece.n + 1 : piece.n);
		if (equals < piece.n && slice_eq(slice_of(piece.p, equals), name)) {
			percent_decode(out, slice_from(piece, equals + 1), true);
			return;
		}
	}
}

static void add_member(struct json root, const char *name, struct buf *out)
{
	struct json v = json_get(root, name);

	if (json_type(v) == JSON_STRING)
		json_text(v, out);
	else if (json_type(v) == JSON_NUMBER)
		buf_add_slice(out, json_raw(v));
}

static void read_fields(const struct signed_request *sr, struct buf *id, struct buf *signature)
{
	struct slice body = sr->rq->body;
	struct json_doc doc;

	if (signed_is_form(sr)) {
		add_form_value(body, SLICE_LIT("id"), id);
		add_form_value(body, SLICE_LIT("signature"), signature);
		return;
	}
	json_doc_init(&doc);
	if (json_parse(&doc, body, &json_limits_default, NULL) == 0) {
		add_member(json_root(&doc), "id", id);
		add_member(json_root(&doc), "signature", signature);
	}
	json_doc_free(&doc);
}

static bool digest_fits(const char *secret, struct slice id, struct slice signature)
{
	struct slice parts[2] = { slice_str(secret), id };
	uint8_t given[SHA1_BYTES], digest[SHA1_BYTES];

	sha1_parts(parts, 2, digest);
	return hex_read(signature, given, sizeof(given)) && mem_same(given, digest, sizeof(digest));
}

static const char *turbosms_verify(const struct signed_request *sr)
{
	const char *reason = NULL;
	struct buf id, signature;

	buf_init(&id, sr->rq->body.n);
	buf_init(&signature, sr->rq->body.n);
	read_fields(sr, &id, &signature);
	if (id.n == 0 || signature.n == 0)
		reason = "the body has no fields id and signature, or is neither JSON nor a form";
	else if (!digest_fits(sr->secret, buf_slice(&id), buf_slice(&signature)))
		reason = "the signature does not fit: another secret, or the id was changed";
	buf_free(&id);
	buf_free(&signature);
	return reason;
}

const struct sign_kind sign_turbosms_kind = { .word = "turbosms", .verify = turbosms_verify };
