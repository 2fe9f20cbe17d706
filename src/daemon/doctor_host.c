/* The doctor's look at the machine: clock, limits, time zones; and at the certificate, which is a matter of time. */
#include <inttypes.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timex.h>

#include "base/clock.h"
#include "base/mem.h"
#include "daemon/doctor_parts.h"
#include "daemon/parts.h"
#include "daemon/process.h"
#include "dialect/zone.h"

#define MIB		   1048576.0
#define YEAR_2026_S	   INT64_C(1767225600)
#define CERT_WARN	   21 /* days */
#define ID_BYTES_IN_MEMORY 40 /* of an event id known as a duplicate, and of a message known as final */

/* --- clock --- */

void doctor_clock(struct doctor *d)
{
	const char *cure = "let chrony or systemd-timesyncd keep it: retries, rates and signatures go by it";
	struct timex t = { .modes = 0 };
	int state = adjtimex(&t);

	if (clock_wall_ms() / 1000 < YEAR_2026_S)
		doctor_bad(d, "clock", cure, "it shows a time before this version was made");
	else if (state == TIME_ERROR || (t.status & STA_UNSYNC))
		doctor_wary(d, "clock", cure, "nobody keeps it in time");
	else
		doctor_fine(d, "clock", "kept in time, within %.0f ms", (double)t.maxerror / 1000);
}

/* --- limits --- */

void doctor_files(struct doctor *d)
{
	const struct serve_settings *s = d->settings;
	const char *cure = "LimitNOFILE= of the unit, or ulimit -n; 65536 is a good one";
	int64_t least = process_files_least(s->shards, s->threads), have;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	have = files.rlim_max > INT64_MAX ? INT64_MAX : (int64_t)files.rlim_max;
	if (have < least)
		doctor_bad(d, "files", cure, "%" PRId64 " may be open, and the daemon needs %" PRId64, have, least);
	else if (have / 2 < s->connections)
		doctor_wary(d, "files", cure,
			    "%" PRId64
			    " may be open; clients get half of them, which is less than connections = %" PRId64,
			    have, s->connections);
	else
		doctor_fine(d, "files", "%" PRId64 " may be open", have);
}

/* A number behind a word in a file of the kernel; -1 when it is not there. */
static int64_t kernel_number(const char *path, const char *word)
{
	FILE *f = fopen(path, "re");
	int64_t found = -1;
	char line[300];

	while (f && found < 0 && fgets(line, sizeof(line), f)) {
		struct slice s = slice_trim(slice_str(line));
		long long n;

		if (!slice_starts(s, slice_str(word)))
			continue;
		s = slice_trim(slice_from(s, strlen(word)));
		s = slice_of(s.p, slice_find(s, ' '));
		if (slice_to_i64(s, &n))
			found = n;
	}
	if (f)
		fclose(f);
	return found;
}

/* The tightest limit of the control groups above us; -1: none. The unit's own may be another one. */
static int64_t group_limit(void)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	int64_t limit = -1;
	char line[3000] = "", path[3200];

	if (f && fgets(line, sizeof(line), f) && strncmp(line, "0::", 3) == 0) {
		line[strcspn(line, "\n")] = '\0';
		for (char *end; (end = strrchr(line + 3, '/')); *end = '\0') {
			int64_t n;

			snprintf(path, sizeof(path), "/sys/fs/cgroup%.3000s/memory.max", line + 3);
			n = kernel_number(path, "");
			limit = n > 0 && (limit < 0 || n < limit) ? n : limit;
		}
	}
	if (f)
		fclose(f);
	return limit;
}

void doctor_memory(struct doctor *d)
{
	const struct serve_settings *s = d->settings;
	int64_t kb = kernel_number("/proc/meminfo", "MemTotal:"), have = kb < 0 ? -1 : kb * 1024, group = group_limit();
	int64_t most = s->memory + 5 * s->queue_memory + (s->recent_ids + s->recent_finals) * ID_BYTES_IN_MEMORY;
	bool by_group = group > 0 && (have < 0 || group < have);

	if (by_group)
		have = group;
	if (have < 0)
		return;
	if (most > have / 10 * 8)
		doctor_wary(d, "memory", "set memory, queue_memory or recent_ids lower, or give it more",
			    "%.0f MB%s, and the settings allow %.0f MB", (double)have / MIB,
			    by_group ? " by the control group" : "", (double)most / MIB);
	else
		doctor_fine(d, "memory", "%.0f MB%s; the settings allow %.0f MB", (double)have / MIB,
			    by_group ? " by the control group" : "", (double)most / MIB);
}

void doctor_zones(struct doctor *d)
{
	struct zone *zone = NULL;
	struct fault fault;

	if (zone_read(SLICE_LIT("Europe/Berlin"), &zone, &fault))
		doctor_wary(d, "zones", "install tzdata, or write zones as +02:00",
			    "this machine knows no time zones by name");
	else
		doctor_fine(d, "zones", "the time zone database is there");
	zone_free(&zone);
}

/* --- the certificate --- */

static X509 *certificate_read(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	return certificate;
}

static bool key_fits(X509 *certificate, const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	bool fits = key && X509_check_private_key(certificate, key) == 1;

	EVP_PKEY_free(key);
	BIO_free(bio);
	return fits;
}

static void look_at_dates(struct doctor *d, const X509 *certificate)
{
	const char *cure = "renew it, then restart the daemon: it reads the files at its start";
	int days = 0, seconds = 0;

	if (!ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)))
		doctor_bad(d, "certificate", cure, "%s has no end that can be read", d->settings->tls_cert);
	else if (days < 0 || seconds < 0)
		doctor_bad(d, "certificate", cure, "%s has expired", d->settings->tls_cert);
	else if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
		doctor_bad(d, "certificate", "look at the clock, and at the certificate", "%s is not valid yet",
			   d->settings->tls_cert);
	else if (days < CERT_WARN)
		doctor_wary(d, "certificate", cure, "%s ends in %d days", d->settings->tls_cert, days);
	else
		doctor_fine(d, "certificate", "%s is valid for %d more days", d->settings->tls_cert, days);
}

static void look_at_pair(struct doctor *d, const char *cert_pem, const char *key_pem)
{
	X509 *certificate = certificate_read(cert_pem);

	if (!certificate)
		doctor_bad(d, "certificate", "give the chain in PEM, the server's own certificate first",
			   "%s holds no certificate", d->settings->tls_cert);
	else if (!key_fits(certificate, key_pem))
		doctor_bad(d, "certificate", "give the key that the certificate was made for", "%s is no key of %s",
			   d->settings->tls_key, d->settings->tls_cert);
	else
		look_at_dates(d, certificate);
	X509_free(certificate);
}

void doctor_certificate(struct doctor *d)
{
	const struct serve_settings *s = d->settings;
	char *cert_pem = NULL, *key_pem = NULL;
	struct fault fault = NO_FAULT;

	if (!s->tls_cert)
		return;
	if (parts_file(s, "tls_cert", s->tls_cert, "a PEM file", &cert_pem, &fault) ||
	    parts_file(s, "tls_key", s->tls_key, "a PEM file", &key_pem, &fault))
		doctor_bad(d, "certificate", "run doctor as postrider's user, or mend the path", "%s", fault.message);
	else
		look_at_pair(d, cert_pem, key_pem);
	mem_free(cert_pem);
	parts_secret_free(key_pem);
}
