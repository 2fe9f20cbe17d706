/*
 * Makes key and certificate with libcrypto at start, in memory: there is no file to forget somewhere, and each run has
 * another pin, as a renewed certificate would.
 */
#include "listen/certificate.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/text.h"

#define VALID_S (7 * 24 * 3600L)
#define EARLY_S 3600L /* clocks differ */

static bool extension_add(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = extension && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

static bool certificate_fill(X509 *cert, EVP_PKEY *key)
{
	static const unsigned char name[] = "localhost";
	X509_NAME *subject = X509_get_subject_name(cert);
	uint32_t serial;

	random_secure(&serial, sizeof(serial));
	return X509_set_version(cert, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set(X509_get_serialNumber(cert), (long)(serial >> 1)) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), -EARLY_S) &&
	       X509_gmtime_adj(X509_getm_notAfter(cert), VALID_S) &&
	       X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC, name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(cert, subject) == 1 && X509_set_pubkey(cert, key) == 1 &&
	       extension_add(cert, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
	       extension_add(cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       X509_sign(cert, key, EVP_sha256()) > 0;
}

static void bio_take(BIO *bio, struct buf *out)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);

	buf_add(out, p, (size_t)n);
}

static bool pem_write(X509 *cert, EVP_PKEY *key, struct certificate *ret)
{
	BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());
	bool ok = cert_bio && key_bio && PEM_write_bio_X509(cert_bio, cert) == 1 &&
		  PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1;

	if (ok) {
		bio_take(cert_bio, &ret->cert_pem);
		bio_take(key_bio, &ret->key_pem);
	}
	BIO_free(cert_bio);
	BIO_free(key_bio);
	return ok;
}

static bool pin_write(EVP_PKEY *key, char ret[2 * SHA256_BYTES + 1])
{
	unsigned char *der = NULL;
	uint8_t digest[SHA256_BYTES];
	struct buf hex;
	int n = i2d_PUBKEY(key, &der);

	if (n <= 0)
		return false;
	sha256(slice_of(der, (size_t)n), digest);
	OPENSSL_free(der);
	buf_init(&hex, sizeof(digest) * 2);
	hex_add(&hex, digest, sizeof(digest));
	slice_copy(ret, 2 * SHA256_BYTES + 1, buf_slice(&hex));
	buf_free(&hex);
	return true;
}

int certificate_make(struct certificate *ret, struct fault *fault)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *cert = X509_new();
	bool ok;

	buf_init(&ret->cert_pem, 64 * 1024);
	buf_init(&ret->key_pem, 64 * 1024);
	ok = key && cert && certificate_fill(cert, key) && pem_write(cert, key, ret) && pin_write(key, ret->pin);
	X509_free(cert);
	EVP_PKEY_free(key);
	if (ok)
		return 0;
	certificate_free(ret);
	fault_set(fault, "tls", "", "libcrypto made no certificate; listen without --tls");
	return ERR_SYSTEM;
}

void certificate_free(struct certificate *c)
{
	if (c->key_pem.p)
		mem_wipe(c->key_pem.p, c->key_pem.n);
	buf_free(&c->key_pem);
	buf_free(&c->cert_pem);
}
