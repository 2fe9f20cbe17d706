/*
 * Who may answer over TLS. OpenSSL asks verify() once per handshake; it
 * decides by the endpoint's mode and puts the precise reason into the slot:
 *
 *	strict       a chain to the system's certificates, or to the endpoint's own `ca`; name and dates right
 *	self_signed  the same, or a leaf that signed itself; name and dates still right (W14)
 *	pin          the key is the pinned one; nothing else counts
 *	off          anybody
 *
 * The stores of trusted certificates are read once and shared by reference:
 * libcurl by itself would read the system's for each new connection.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/digest.h"
#include "base/text.h"
#include "net/client_impl.h"

/* SHA-256 of the DER SubjectPublicKeyInfo. */
static bool key_digest(X509 *certificate, uint8_t ret[SHA256_BYTES])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);

	if (n <= 0)
		return false;
	sha256(slice_of(der, (size_t)n), ret);
	OPENSSL_free(der);
	return true;
}

static void time_write(struct buf *out, const ASN1_TIME *time)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm))
		buf_addf(out, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	else
		buf_add_str(out, "an unreadable date");
}

static void problem_write(struct buf *out, const struct client_slot *slot, X509 *leaf, int error)
{
	switch (error) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		buf_addf(out, "it is not made out to %s", slot->host);
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		buf_add_str(out, "it, or one above it, has expired (its own end is ");
		time_write(out, X509_get0_notAfter(leaf));
		buf_add_char(out, ')');
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		buf_add_str(out, "it, or one above it, is not valid yet (its own beginning is ");
		time_write(out, X509_get0_notBefore(leaf));
		buf_add_char(out, ')');
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		buf_add_str(out, "it signed itself");
		break;
	default:
		buf_add_str(out, X509_verify_cert_error_string(error));
	}
}

static void reason_begin(struct client_slot *slot, struct buf *out, const char *head)
{
	char address[80];

	client_reason_address(&slot->tried, address, sizeof(address));
	buf_init(out, sizeof(slot->reason) - 1);
	buf_addf(out, "%.120s at %s: %s", slot->host, address, head);
}

static void reason_end(struct client_slot *slot, struct buf *out, X509 *leaf)
{
	uint8_t digest[SHA256_BYTES];

	if (leaf && key_digest(leaf, digest)) {
		buf_add_str(out, "; presented key sha256 ");
		hex_add(out, digest, sizeof(digest));
		buf_add_str(out, "; to accept it set tls.verify to pin:");
		hex_add(out, digest, sizeof(digest));
	}
	slot->failure = FAILURE_TLS;
	slice_copy(slot->reason, sizeof(slot->reason), buf_slice(out));
	buf_free(out);
}

/* An untrusted leaf that signed itself is let pass; the checks that follow (dates, name) still run. */
static int pass_self_signed(int ok, X509_STORE_CTX *ctx)
{
	if (ok || X509_STORE_CTX_get_error(ctx) != X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT)
		return ok;
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

static bool verify_chain(X509_STORE_CTX *ctx, struct client_slot *slot)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	bool named;
	struct buf out;

	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	named = X509_VERIFY_PARAM_set1_ip_asc(param, slot->host) || X509_VERIFY_PARAM_set1_host(param, slot->host, 0);
	if (slot->peer->settings->verify == TLS_SELF_SIGNED)
		X509_STORE_CTX_set_verify_cb(ctx, pass_self_signed);
	if (named && X509_verify_cert(ctx) == 1)
		return true;
	reason_begin(slot, &out, "the certificate was not accepted: ");
	problem_write(&out, slot, X509_STORE_CTX_get0_cert(ctx), X509_STORE_CTX_get_error(ctx));
	reason_end(slot, &out, X509_STORE_CTX_get0_cert(ctx));
	return false;
}

static bool verify_pin(X509_STORE_CTX *ctx, struct client_slot *slot)
{
	X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
	uint8_t digest[SHA256_BYTES];
	struct buf out;

	if (leaf && key_digest(leaf, digest) && mem_same(digest, slot->peer->settings->pin, sizeof(digest)))
		return true;
	reason_begin(slot, &out, "its key is not the pinned one, so somebody else may be answering");
	reason_end(slot, &out, leaf);
	return false;
}

static int verify(X509_STORE_CTX *ctx, void *data)
{
	struct client_slot *slot = data;
	bool good = false;

	switch (slot->peer->settings->verify) {
	case TLS_STRICT:
	case TLS_SELF_SIGNED:
		good = verify_chain(ctx, slot);
		break;
	case TLS_PIN:
		good = verify_pin(ctx, slot);
		break;
	case TLS_OFF:
		good = true;
		break;
	}
	if (good)
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
	else if (X509_STORE_CTX_get_error(ctx) == X509_V_OK)
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
	return good;
}

/* The certificates of a PEM text; NULL when there is none in it. */
static X509_STORE *store_read(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509_STORE *store = X509_STORE_new();
	X509 *certificate;
	size_t count = 0;

	while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (X509_STORE_add_cert(store, certificate))
			count++;
		X509_free(certificate);
	}
	ERR_clear_error();
	BIO_free(bio);
	if (count == 0) {
		X509_STORE_free(store);
		return NULL;
	}
	return store;
}

static X509_STORE *store_of(struct client_peer *p)
{
	struct client *c = p->client;

	if (p->settings->ca_pem) {
		if (!p->store)
			p->store = store_read(p->settings->ca_pem);
		return p->store;
	}
	if (!c->system_store) {
		c->system_store = X509_STORE_new();
		X509_STORE_set_default_paths(c->system_store);
		ERR_clear_error();
	}
	return c->system_store;
}

CURLcode client_tls_setup(CURL *easy, void *ssl_ctx, void *data)
{
	struct client_slot *slot = data;
	SSL_CTX *ctx = ssl_ctx;
	X509_STORE *store = store_of(slot->peer);
	struct buf out;

	(void)easy;
	if (!store) {
		reason_begin(slot, &out, "the endpoint's tls.ca holds no certificate; put PEM text there");
		reason_end(slot, &out, NULL);
		return CURLE_SSL_CACERT_BADFILE;
	}
	SSL_CTX_set1_cert_store(ctx, store);
	/* With SSL_VERIFY_NONE OpenSSL would not heed what verify() says. */
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify, slot);
	/* The slot belongs to this connection only until the handshake is done; there must not be a second one. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	return CURLE_OK;
}

/*
 * The peer remembers the last certificate, because nearly always
 * it is the same one: comparing two costs a tenth of a digest.
 */
void client_tls_key(struct client_slot *slot)
{
	struct client_peer *p = slot->peer;
	const struct curl_tlssessioninfo *session = NULL;
	X509 *leaf;

	curl_easy_getinfo(slot->easy, CURLINFO_TLS_SSL_PTR, &session);
	leaf = session && session->internals ? SSL_get0_peer_certificate(session->internals) : NULL;
	if (!leaf)
		return;
	if (!p->leaf || (leaf != p->leaf && X509_cmp(leaf, p->leaf) != 0)) {
		X509_free(p->leaf);
		p->leaf = NULL;
		if (!key_digest(leaf, p->leaf_key))
			return;
		X509_up_ref(leaf);
		p->leaf = leaf;
	}
	memcpy(slot->tls_key, p->leaf_key, sizeof(slot->tls_key));
	slot->tls_key_known = true;
}

static void blob_set(CURL *easy, CURLoption option, const char *pem)
{
	struct curl_blob blob = { (void *)(uintptr_t)pem, strlen(pem), CURL_BLOB_NOCOPY };

	curl_easy_setopt(easy, option, &blob);
}

void client_tls_options(CURL *easy, const struct http_peer *settings)
{
	bool chain = settings->verify == TLS_STRICT || settings->verify == TLS_SELF_SIGNED;
	long least = settings->tls_min >= 13 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2;

	curl_easy_setopt(easy, CURLOPT_SSLVERSION, least);
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	/* libcurl's own checks stay on as a second pair of eyes where the whole certificate counts. */
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, chain ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, chain ? 2L : 0L);
	if (settings->client_cert_pem)
		blob_set(easy, CURLOPT_SSLCERT_BLOB, settings->client_cert_pem);
	if (settings->client_key_pem)
		blob_set(easy, CURLOPT_SSLKEY_BLOB, settings->client_key_pem);
	/* An encrypted key must fail, not ask for its password on the terminal. */
	curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
}
