/*
 * Readers of who we are and whom we trust: TLS policy, certificates and keys as PEM
 * text, basic authentication. Everything is parsed once when it is saved, so that a
 * wrong paste is a refusal with a reason then and not a failing handshake at night.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "dialect/endpoint_field.h"

int read_verify(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	static const struct slice pin = SLICE_LIT("pin:");
	struct slice text = json_escaped_text(v);

	(void)f;
	if (json_is(v, "strict"))
		ep->peer.verify = TLS_STRICT;
	else if (json_is(v, "self_signed"))
		ep->peer.verify = TLS_SELF_SIGNED;
	else if (json_is(v, "off"))
		ep->peer.verify = TLS_OFF;
	else if (slice_starts(text, pin) && hex_read(slice_from(text, pin.n), ep->peer.pin, sizeof(ep->peer.pin)))
		ep->peer.verify = TLS_PIN;
	else
		return fault_param(
			fault, "",
			"must be strict, self_signed, off, or pin: and the SHA-256 of the server's public key "
			"(DER SubjectPublicKeyInfo) as 64 hex digits");
	return 0;
}

static BIO *bio_of(const char *text)
{
	return BIO_new_mem_buf(text, (int)strlen(text));
}

/* OpenSSL leaves its errors in a queue of the thread; the next one who looks must not find ours. */
static void bio_done(BIO *bio)
{
	BIO_free(bio);
	ERR_clear_error();
}

/* Counts the certificates of a PEM text; -1 when one of them is broken. */
static int certificates(const char *text)
{
	BIO *bio = bio_of(text);
	int count = 0;
	X509 *cert;

	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		X509_free(cert);
		count++;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		count = -1;
	bio_done(bio);
	return count;
}

static int check_certificates(const char *text, struct fault *fault)
{
	int count = text ? certificates(text) : 1;

	if (count > 0)
		return 0;
	return fault_param(
		fault, "",
		count ? "holds a certificate that can't be read; paste it again, whole, with its BEGIN and END lines"
		      : "holds no certificate; give PEM text, which begins with -----BEGIN CERTIFICATE-----, not "
			"the name of a file");
}

int read_ca(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	int err = read_text(f, v, ep, fault);

	return err ? err : check_certificates(ep->peer.ca_pem, fault);
}

int read_client_cert(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	int err = read_text(f, v, ep, fault);

	return err ? err : check_certificates(ep->peer.client_cert_pem, fault);
}

/* Never a prompt on the daemon's terminal for the passphrase of an encrypted key. */
static int no_passphrase(char *buf, int size, int writing, void *context)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static EVP_PKEY *key_of(const char *text)
{
	BIO *bio = bio_of(text);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);

	bio_done(bio);
	return key;
}

int read_client_key(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	int err = read_text(f, v, ep, fault);
	EVP_PKEY *key;

	if (err || !ep->peer.client_key_pem)
		return err;
	key = key_of(ep->peer.client_key_pem);
	if (!key && strstr(ep->peer.client_key_pem, "ENCRYPTED"))
		return fault_param(fault, "", "is encrypted; give it without a passphrase (openssl pkey -in key.pem)");
	if (!key)
		return fault_param(
			fault, "",
			"holds no private key that can be read; give PEM text, which begins with -----BEGIN PRIVATE "
			"KEY-----, not the name of a file");
	EVP_PKEY_free(key);
	return 0;
}

static bool key_matches(const struct http_peer *peer)
{
	BIO *bio = bio_of(peer->client_cert_pem);
	X509 *leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	EVP_PKEY *key = key_of(peer->client_key_pem);
	bool match = leaf && key && X509_check_private_key(leaf, key) == 1;

	EVP_PKEY_free(key);
	X509_free(leaf);
	bio_done(bio);
	return match;
}

int check_client_cert(const struct endpoint *ep, struct fault *fault)
{
	const struct http_peer *peer = &ep->peer;

	if (!peer->client_cert_pem && !peer->client_key_pem)
		return 0;
	if (!peer->client_cert_pem)
		return fault_param(fault, "tls.client_cert", "is missing; client_key needs its certificate");
	if (!peer->client_key_pem)
		return fault_param(fault, "tls.client_key", "is missing; client_cert needs its private key");
	if (!key_matches(peer))
		return fault_param(fault, "tls.client_key",
				   "does not belong to the first certificate of client_cert; give the key it was made "
				   "with, and put the endpoint's own certificate before its issuers");
	return 0;
}

int check_auth(const struct endpoint *ep, struct fault *fault)
{
	const struct http_peer *peer = &ep->peer;

	if (!peer->username && !peer->password)
		return 0;
	if (!peer->username)
		return fault_param(fault, "auth.username",
				   "is missing; basic authentication needs a user name and a password");
	if (!peer->password)
		return fault_param(fault, "auth.password",
				   "is missing; basic authentication needs a user name and a password (which may be "
				   "empty)");
	if (strchr(peer->username, ':'))
		return fault_param(fault, "auth.username",
				   "holds a colon, which basic authentication can't carry in a user name");
	return 0;
}
