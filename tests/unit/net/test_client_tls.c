/*
 * The client over TLS against Debian's nginx: every mode of verification against every kind of certificate, protocol
 * versions, client certificates, basic authentication. Certificates are made by the openssl command, which also
 * computes the pins: two independent ways to the same fingerprint.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "bench.h"

#define NGINX	 "/usr/sbin/nginx"
#define FILE_MAX (64 * 1024)

enum certificate { VALID, SELF, EXPIRED, WRONG, SELF_EXPIRED, SELF_WRONG, UNKNOWN, CERTIFICATES };

static const char *const names[CERTIFICATES] = { "valid",	 "self",       "expired", "wrong",
						 "self_expired", "self_wrong", "unknown" };

/* The servers: one for each certificate, then those of a special kind, all with the valid one. */
enum server { ONLY_12 = CERTIFICATES, ONLY_13, CLIENT, BASIC, PLAIN, SERVERS };

static const char script[] =
	"set -e\n"
	"new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
	"printf 'subjectAltName=IP:127.0.0.1,DNS:good.example\\n' >right.ext\n"
	"printf 'subjectAltName=DNS:other.example\\n' >other.ext\n"
	"for ca in ca strange; do openssl req -x509 $new -keyout $ca.key -out $ca.pem -days 9 -subj /CN=$ca "
	"-addext basicConstraints=critical,CA:TRUE; done\n"
	"request() { openssl req $new -keyout $1.key -out $1.csr -subj /CN=$1; }\n"
	"by() { request $1; openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days $3 -extfile "
	"$4.ext -out $1.pem; }\n"
	"self() { request $1; openssl x509 -req -in $1.csr -signkey $1.key -days $2 -extfile $3.ext -out $1.pem; }\n"
	"by valid ca 9 right; by expired ca -1 right; by wrong ca 9 other; by unknown strange 9 right; by user ca 9 "
	"right\n"
	"self self 9 right; self self_expired -1 right; self self_wrong 9 other\n"
	"for c in valid self expired wrong self_expired self_wrong unknown; do openssl x509 -in $c.pem -noout -pubkey "
	"|\n"
	"openssl pkey -pubin -outform DER | openssl dgst -sha256 -r | cut -c1-64 | tr -d '\\n' >$c.pin; done\n"
	"openssl ec -in user.key -aes128 -passout pass:secret -out locked.key\n"
	"printf 'anna:{PLAIN}passwort\\n' >users\n"
	"chmod 644 users\n";

struct farm {
	char dir[64];
	pid_t nginx;
	uint16_t ports[SERVERS];
	char *ca, *user_pem, *user_key, *locked_key, *pins[CERTIFICATES];
};

static char *file_read(const struct farm *f, const char *name)
{
	char path[128], *text = mem_zalloc(FILE_MAX);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fread(text, 1, FILE_MAX - 1, file) > 0);
	fclose(file);
	return text;
}

/* A child that ends when the test ends, however that happens. */
static pid_t child_start(const struct farm *f, char *const *args)
{
	pid_t parent = getpid(), pid = fork();
	int log;

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || chdir(f->dir) != 0)
		_exit(126);
	log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(log, 1);
	dup2(log, 2);
	execv(args[0], args);
	_exit(127);
}

static void child_wait(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static uint16_t port_free(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static void server_write(FILE *out, const struct farm *f, int server)
{
	const char *certificate = server < CERTIFICATES ? names[server] : "valid";

	fprintf(out, "server { listen 127.0.0.1:%u%s;\n", f->ports[server], server == PLAIN ? "" : " ssl");
	if (server != PLAIN)
		fprintf(out, "ssl_certificate %s/%s.pem; ssl_certificate_key %s/%s.key;\n", f->dir, certificate, f->dir,
			certificate);
	if (server == ONLY_12 || server == ONLY_13)
		fprintf(out, "ssl_protocols TLSv1.%d;\n", server == ONLY_12 ? 2 : 3);
	if (server == CLIENT)
		fprintf(out, "ssl_client_certificate %s/ca.pem; ssl_verify_client on;\n", f->dir);
	fprintf(out, "location / {%s try_files /none @ok; }\n",
		server == BASIC ? " auth_basic x; auth_basic_user_file users;" : "");
	fprintf(out, "location @ok { return 200 \"$ssl_protocol $ssl_client_verify $remote_user $ssl_session_reused\"; "
		     "} }\n");
}

static void config_write(const struct farm *f)
{
	static const char *const temps[] = { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" };
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/nginx.conf", f->dir);
	out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out,
		"daemon off; worker_processes 1; pid %s/pid; error_log %s/error info; events {}\nhttp { access_log "
		"off;\n",
		f->dir, f->dir);
	for (size_t i = 0; i < sizeof(temps) / sizeof(temps[0]); i++)
		fprintf(out, "%s_temp_path %s/temp;\n", temps[i], f->dir);
	for (int i = 0; i < SERVERS; i++)
		server_write(out, f, i);
	fprintf(out, "}\n");
	fclose(out);
}

static int farm_open(void **state)
{
	struct farm *f = mem_zalloc(sizeof(*f));
	char *make[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" }, mem_dup(script, sizeof(script)), NULL };
	char *serve[] = {
		(char[]){ NGINX }, (char[]){ "-p" }, f->dir, (char[]){ "-c" }, (char[]){ "nginx.conf" }, NULL
	};

	snprintf(f->dir, sizeof(f->dir), "/tmp/postrider-tls-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	/* nginx's worker is another user, and reads the users' file. */
	chmod(f->dir, 0755);
	child_wait(child_start(f, make));
	mem_free(make[2]);
	for (int i = 0; i < SERVERS; i++)
		f->ports[i] = port_free();
	config_write(f);
	f->nginx = child_start(f, serve);
	f->ca = file_read(f, "ca.pem");
	f->user_pem = file_read(f, "user.pem");
	f->user_key = file_read(f, "user.key");
	f->locked_key = file_read(f, "locked.key");
	for (int i = 0; i < CERTIFICATES; i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s.pin", names[i]);
		f->pins[i] = file_read(f, name);
	}
	*state = f;
	return 0;
}

static int farm_close(void **state)
{
	struct farm *f = *state;
	char *clean[] = { (char[]){ "/bin/rm" }, (char[]){ "-r" }, f->dir, NULL };
	int status;

	kill(f->nginx, SIGTERM);
	waitpid(f->nginx, &status, 0);
	child_wait(child_start(f, clean));
	mem_free(f->ca);
	mem_free(f->user_pem);
	mem_free(f->user_key);
	mem_free(f->locked_key);
	for (int i = 0; i < CERTIFICATES; i++)
		mem_free(f->pins[i]);
	mem_free(f);
	return 0;
}

/* One POST to a server of the farm; nginx may still be starting. */
static struct told post(struct bench *b, const struct farm *f, int server, const struct http_peer *settings,
			const char *host)
{
	struct client_peer *p = client_peer_new(b->client, settings);
	struct told t;
	char url[128];

	snprintf(url, sizeof(url), "http%s://%s:%u/secret/path", server == PLAIN ? "" : "s", host, f->ports[server]);
	do
		t = bench_post(b, p, url, "x");
	while (t.failure == FAILURE_CONNECT);
	assert_null(strstr(t.reason, "secret"));
	client_peer_free(&p);
	return t;
}

static struct http_peer settings_of(const struct farm *f, enum tls_verify verify)
{
	struct http_peer settings = bench_settings();

	settings.verify = verify;
	settings.ca_pem = f->ca;
	return settings;
}

/* The key that is shown is what may be written behind "pin:". */
static bool key_is(const struct farm *f, enum certificate c, const struct told *t)
{
	uint8_t key[32];

	assert_true(hex_read(slice_str(f->pins[c]), key, sizeof(key)));
	return t->tls_key_known && memcmp(t->tls_key, key, sizeof(key)) == 0;
}

static void expect(const struct farm *f, enum certificate c, const struct told *t, bool good, const char *mode)
{
	if (t->failure != (good ? FAILURE_NONE : FAILURE_TLS) || t->status != (good ? 200 : 0))
		fail_msg("%s, %s: %s: %s", mode, names[c], failure_word(t->failure), t->reason);
	if (!good && (!strstr(t->reason, f->pins[c]) || !strstr(t->reason, "set tls.verify to pin:")))
		fail_msg("%s, %s: %s", mode, names[c], t->reason);
	if (good ? !key_is(f, c, t) : t->tls_key_known)
		fail_msg("%s, %s: another key, or one that was not accepted", mode, names[c]);
}

static void test_matrix(void **state)
{
	static const struct {
		const char *name;
		enum tls_verify verify;
		bool other_pin;
		bool good[CERTIFICATES];
	} modes[] = {
		{ "strict", TLS_STRICT, false, { [VALID] = true } },
		{ "self_signed", TLS_SELF_SIGNED, false, { [VALID] = true, [SELF] = true } },
		{ "pin", TLS_PIN, false, { true, true, true, true, true, true, true } },
		{ "other pin", TLS_PIN, true, { false } },
		{ "off", TLS_OFF, false, { true, true, true, true, true, true, true } },
	};
	static const char *const words[CERTIFICATES] = {
		[SELF] = "signed itself", [EXPIRED] = "expired", [WRONG] = "made out to 127.0.0.1",
		[SELF_EXPIRED] = "",	  [SELF_WRONG] = "",	 [UNKNOWN] = "unable to get local issuer",
	};
	struct farm *f = *state;
	struct bench b;

	bench_open(&b, false, NULL, 0);
	for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
		for (int c = 0; c < CERTIFICATES; c++) {
			struct http_peer settings = settings_of(f, modes[m].verify);
			int pinned = modes[m].other_pin ? (c + 1) % CERTIFICATES : c;
			struct told t;

			assert_true(hex_read(slice_str(f->pins[pinned]), settings.pin, sizeof(settings.pin)));
			t = post(&b, f, c, &settings, "127.0.0.1");
			expect(f, (enum certificate)c, &t, modes[m].good[c], modes[m].name);
			if (modes[m].verify == TLS_STRICT && words[c] && !strstr(t.reason, words[c]))
				fail_msg("%s: %s", names[c], t.reason);
			if (modes[m].verify == TLS_SELF_SIGNED && (c == SELF_EXPIRED || c == SELF_WRONG))
				assert_non_null(strstr(t.reason, c == SELF_WRONG ? "made out to" : "expired"));
		}
	bench_close(&b);
}

/* Without a ca of the endpoint the system's certificates count, and ours is not among them. */
static void test_system_store(void **state)
{
	struct farm *f = *state;
	struct http_peer settings = bench_settings();
	struct bench b;
	struct told t;

	bench_open(&b, false, NULL, 0);
	t = post(&b, f, VALID, &settings, "127.0.0.1");
	assert_int_equal(t.failure, FAILURE_TLS);
	settings.ca_pem = "not PEM at all";
	t = post(&b, f, VALID, &settings, "127.0.0.1");
	assert_int_equal(t.failure, FAILURE_TLS);
	assert_non_null(strstr(t.reason, "tls.ca"));
	bench_close(&b);
}

static void test_names(void **state)
{
	struct farm *f = *state;
	struct http_peer settings = settings_of(f, TLS_STRICT);
	struct bench b;
	struct told t;

	bench_open(&b, true, NULL, 0);
	names_set(b.names, "good.example", "127.0.0.1", 60);
	names_set(b.names, "bad.example", "127.0.0.1", 60);
	t = post(&b, f, VALID, &settings, "good.example");
	assert_int_equal(t.status, 200);
	assert_true(t.timings.tls >= t.timings.connect && t.timings.connect >= t.timings.dns && t.timings.dns >= 0);
	t = post(&b, f, VALID, &settings, "bad.example");
	assert_int_equal(t.failure, FAILURE_TLS);
	assert_non_null(strstr(t.reason, "made out to bad.example"));
	bench_close(&b);
}

static void test_versions(void **state)
{
	struct farm *f = *state;
	struct http_peer settings = settings_of(f, TLS_STRICT);
	struct bench b;
	struct told t;

	bench_open(&b, false, NULL, 0);
	t = post(&b, f, ONLY_12, &settings, "127.0.0.1");
	assert_non_null(strstr(t.body, "TLSv1.2"));
	t = post(&b, f, ONLY_13, &settings, "127.0.0.1");
	assert_non_null(strstr(t.body, "TLSv1.3"));
	settings.tls_min = 13;
	t = post(&b, f, ONLY_13, &settings, "127.0.0.1");
	assert_int_equal(t.status, 200);
	t = post(&b, f, ONLY_12, &settings, "127.0.0.1");
	assert_int_equal(t.failure, FAILURE_TLS);
	assert_non_null(strstr(t.reason, "version"));
	bench_close(&b);
}

static void test_client_certificate(void **state)
{
	struct farm *f = *state;
	struct http_peer settings = settings_of(f, TLS_STRICT);
	struct bench b;
	struct told t;

	bench_open(&b, false, NULL, 0);
	assert_int_equal(post(&b, f, CLIENT, &settings, "127.0.0.1").status, 400);
	settings.client_cert_pem = f->user_pem;
	settings.client_key_pem = f->user_key;
	t = post(&b, f, CLIENT, &settings, "127.0.0.1");
	assert_int_equal(t.status, 200);
	assert_non_null(strstr(t.body, "SUCCESS"));
	/* A key under a password fails; it must not be asked for on the terminal. */
	settings.client_key_pem = f->locked_key;
	t = post(&b, f, CLIENT, &settings, "127.0.0.1");
	assert_int_equal(t.failure, FAILURE_TLS);
	assert_non_null(strstr(t.reason, "tls.client_key"));
	bench_close(&b);
}

static void test_basic(void **state)
{
	struct farm *f = *state;
	struct http_peer settings = settings_of(f, TLS_STRICT);
	struct bench b;
	struct told t;

	bench_open(&b, false, NULL, 0);
	assert_int_equal(post(&b, f, BASIC, &settings, "127.0.0.1").status, 401);
	settings.username = "anna";
	settings.password = "falsch";
	assert_int_equal(post(&b, f, BASIC, &settings, "127.0.0.1").status, 401);
	settings.password = "passwort";
	t = post(&b, f, BASIC, &settings, "127.0.0.1");
	assert_int_equal(t.status, 200);
	assert_non_null(strstr(t.body, "anna"));
	bench_close(&b);
}

/* HTTPS to a port that speaks plain HTTP. */
static void test_plain_port(void **state)
{
	struct farm *f = *state;
	struct http_peer settings = settings_of(f, TLS_OFF);
	struct bench b;
	struct client_peer *p;
	struct told t;
	char url[64];

	bench_open(&b, false, NULL, 0);
	t = post(&b, f, PLAIN, &settings, "127.0.0.1");
	assert_int_equal(t.status, 200);
	assert_false(t.tls_key_known);
	p = client_peer_new(b.client, &settings);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", f->ports[PLAIN]);
	assert_int_equal(bench_post(&b, p, url, "x").failure, FAILURE_TLS);
	client_peer_free(&p);
	bench_close(&b);
}

/* A verified connection is used again, and a changed pin is another peer with connections of its own. */
static void test_reuse(void **state)
{
	struct farm *f = *state;
	struct http_peer settings = settings_of(f, TLS_PIN), changed;
	struct bench b;
	struct client_peer *p, *q;
	char url[64];

	bench_open(&b, false, NULL, 0);
	assert_true(hex_read(slice_str(f->pins[SELF]), settings.pin, sizeof(settings.pin)));
	changed = settings;
	changed.pin[0] ^= 1;
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", f->ports[SELF]);
	p = client_peer_new(b.client, &settings);
	q = client_peer_new(b.client, &changed);
	for (int i = 0; i < 3; i++) {
		struct told t = bench_post(&b, p, url, "x");

		assert_int_equal(t.status, 200);
		assert_true((t.timings.tls >= 0) == (i == 0));
		assert_true(key_is(f, SELF, &t));
		assert_int_equal(bench_post(&b, q, url, "x").failure, FAILURE_TLS);
	}
	client_peer_free(&p);
	client_peer_free(&q);
	bench_close(&b);
}

/* One name, receivers of several keys behind it: each answer tells of its own connection. */
static void test_keys(void **state)
{
	static const enum certificate turns[] = { VALID, SELF, VALID, VALID, SELF, WRONG, SELF };
	struct farm *f = *state;
	struct http_peer settings = settings_of(f, TLS_OFF);
	struct client_peer *p;
	struct bench b;
	char url[64];

	bench_open(&b, false, NULL, 0);
	p = client_peer_new(b.client, &settings);
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		struct told t;

		snprintf(url, sizeof(url), "https://127.0.0.1:%u/", f->ports[turns[i]]);
		t = bench_post(&b, p, url, "x");
		assert_int_equal(t.status, 200);
		assert_true(key_is(f, turns[i], &t));
	}
	/* The slot that has just seen a key does not tell of it on plain HTTP. */
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", f->ports[PLAIN]);
	assert_false(bench_post(&b, p, url, "x").tls_key_known);
	client_peer_free(&p);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matrix),
		cmocka_unit_test(test_system_store),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_client_certificate),
		cmocka_unit_test(test_basic),
		cmocka_unit_test(test_plain_port),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_keys),
	};

	if (access(NGINX, X_OK) != 0)
		return 77; /* meson: skipped */
	return cmocka_run_group_tests(tests, farm_open, farm_close);
}
