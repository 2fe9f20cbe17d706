/* The memory store stands in for the disk; everything else is what the daemon runs. */
#include "rig.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store.h"

#define PATIENCE_US INT64_C(20000000)

/* --- the receiver --- */

static void keep(struct rig *r, struct server_request *rq)
{
	struct slice name, value;

	buf_reset(&r->last_body);
	buf_add_slice(&r->last_body, server_body(rq));
	buf_reset(&r->last_headers);
	for (size_t i = 0; server_header_at(rq, i, &name, &value); i++)
		buf_addf(&r->last_headers, "%.*s: %.*s\n", SLICE_ARG(name), SLICE_ARG(value));
}

static void receive(void *ctx, struct server_request *rq)
{
	struct rig *r = ctx;
	bool held;
	int status;

	pthread_mutex_lock(&r->lock);
	keep(r, rq);
	r->received++;
	status = r->answer;
	held = r->hold && r->held_count < 64;
	if (held)
		r->held[r->held_count++] = rq;
	pthread_cond_broadcast(&r->came);
	pthread_mutex_unlock(&r->lock);
	if (!held)
		server_answer(rq, status, "text/plain", SLICE_LIT("got it, secretpw"), NULL, 0);
}

void rig_release(struct rig *r)
{
	pthread_mutex_lock(&r->lock);
	r->hold = false;
	while (r->held_count > 0)
		server_answer(r->held[--r->held_count], r->answer, "text/plain", SLICE_LIT("late"), NULL, 0);
	pthread_mutex_unlock(&r->lock);
}

void rig_wait_received(struct rig *r, size_t count)
{
	int64_t until = clock_mono_us() + PATIENCE_US;
	size_t had;

	for (;;) {
		pthread_mutex_lock(&r->lock);
		had = r->received;
		pthread_mutex_unlock(&r->lock);
		if (had >= count)
			return;
		if (clock_mono_us() > until)
			fail_msg("%zu requests came, not %zu", had, count);
		poll(NULL, 0, REST);
	}
}

/* --- life --- */

static struct server *serve(server_handler *handler, void *ctx, char url[128])
{
	struct server_options o = { .address = "127.0.0.1:0",
				    .threads = 2,
				    .body_max = 4u << 20,
				    .connections_max = 100,
				    .idle_timeout_s = 30 };
	struct server *s;
	struct fault fault;
	char address[64];

	assert_int_equal(server_start(&o, handler, ctx, &s, &fault), 0);
	server_address(s, address, sizeof(address));
	snprintf(url, 128, "http://%s", address);
	return s;
}

static void start_node(struct rig *r)
{
	struct store_options store = STORE_OPTIONS_DEFAULT;
	struct node_options o = { .guard = r->guard, .stop_ms = 2000 };
	struct hub_options hub = { .public_url = "http://127.0.0.1" };
	struct fault fault = { .position = -1 };
	char made[64];

	r->hub = hub_new(&hub);
	o.hooks = hub_hooks(r->hub);
	r->watch = watch_new(&(struct watch_options){ 0 });
	o.taps = watch_taps(r->watch);
	o.store = store_memory_new(&store);
	if (node_start(&o, &r->node, &fault))
		fail_msg("%s: %s", fault.param, fault.message);
	assert_int_equal(hub_attach(r->hub, r->node, &fault), 0);
	assert_int_equal(watch_attach(r->watch, r->node, &fault), 0);
	assert_int_equal(node_admin_key(r->node, ADMIN_KEY, made, &fault), 0);
	assert_string_equal(made, "");
}

int rig_begin(void **state)
{
	struct rig *r = mem_zalloc(sizeof(*r));
	struct api_options api = { .metrics_open = false };

	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->came, NULL);
	buf_init(&r->body, 64u << 20);
	buf_init(&r->headers, 1u << 20);
	buf_init(&r->scratch, 64u << 20);
	buf_init(&r->last_body, 16u << 20);
	buf_init(&r->last_headers, 1u << 20);
	json_doc_init(&r->doc);
	r->answer = 200;
	r->key = ADMIN_KEY;
	r->guard = guard_new();
	assert_int_equal(guard_allow_net(r->guard, SLICE_LIT("127.0.0.0/8"), NULL), 0);
	assert_int_equal(guard_allow_ports(r->guard, SLICE_LIT("1-65535"), NULL), 0);
	r->receiver = serve(receive, r, r->receiver_url);
	r->api = api_new(&api);
	r->server = serve(api_handle, r->api, r->url);
	assert_int_equal(rig_call(r, "GET", "/readyz", NULL), 503);
	expect_error(r, "not_ready", "");
	assert_int_equal(rig_call(r, "GET", "/v1/projects", NULL), 503);
	start_node(r);
	api_attach(r->api, r->node, r->hub, r->watch);
	*state = r;
	return 0;
}

int rig_end(void **state)
{
	struct rig *r = *state;

	rig_release(r);
	server_quiesce(r->server);
	api_quiesce(r->api);
	server_stop(&r->server);
	api_detach(r->api);
	watch_detach(r->watch);
	hub_detach(r->hub);
	node_stop(&r->node);
	watch_free(&r->watch);
	hub_free(&r->hub);
	api_free(&r->api);
	server_stop(&r->receiver);
	guard_free(&r->guard);
	json_doc_free(&r->doc);
	buf_free(&r->body);
	buf_free(&r->headers);
	buf_free(&r->scratch);
	buf_free(&r->last_body);
	buf_free(&r->last_headers);
	pthread_cond_destroy(&r->came);
	pthread_mutex_destroy(&r->lock);
	mem_free(r);
	return 0;
}

/* --- calls --- */

static size_t on_bytes(char *p, size_t size, size_t n, void *ctx)
{
	buf_add(ctx, p, size * n);
	return size * n;
}

static struct curl_slist *headers_of(const struct rig *r, const char *header, bool has_body)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	char line[512];

	snprintf(line, sizeof(line), "Authorization: Bearer %s", r->key ? r->key : "");
	if (r->key)
		list = curl_slist_append(list, line);
	if (header)
		list = curl_slist_append(list, header);
	if (has_body && (!header || strncmp(header, "Content-Type", 12) != 0))
		list = curl_slist_append(list, "Content-Type: application/json");
	return list;
}

static void perform(struct rig *r, CURL *easy)
{
	long status = 0;
	CURLcode rc = curl_easy_perform(easy);

	if (rc)
		fail_msg("curl: %s", curl_easy_strerror(rc));
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	r->status = (int)status;
}

int rig_call_with(struct rig *r, const char *method, const char *path, const char *header, const char *body, size_t n)
{
	struct curl_slist *headers = headers_of(r, header, body);
	CURL *easy = curl_easy_init();
	char url[4096];

	snprintf(url, sizeof(url), "%s%s", r->url, path);
	buf_reset(&r->body);
	buf_reset(&r->headers);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, 30L);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &r->body);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_bytes);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, &r->headers);
	if (body) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	if (strcmp(method, "HEAD") == 0)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	perform(r, easy);
	if (json_parse(&r->doc, buf_slice(&r->body), &json_limits_default, NULL))
		json_parse(&r->doc, SLICE_LIT("null"), &json_limits_default, NULL);
	curl_slist_free_all(headers);
	curl_easy_cleanup(easy);
	return r->status;
}

int rig_call(struct rig *r, const char *method, const char *path, const char *body)
{
	return rig_call_with(r, method, path, NULL, body, body ? strlen(body) : 0);
}

struct json rig_at(struct rig *r, const char *path)
{
	return json_path(json_root(&r->doc), slice_str(path));
}

const char *rig_text(struct rig *r, const char *path)
{
	buf_reset(&r->scratch);
	json_text(rig_at(r, path), &r->scratch);
	return buf_str(&r->scratch);
}

int64_t rig_number(struct rig *r, const char *path)
{
	int64_t n = -1;

	if (!json_i64(rig_at(r, path), &n))
		fail_msg("%s is no number in %s", path, buf_str(&r->body));
	return n;
}

void rig_project(struct rig *r)
{
	int status = rig_call(r, "PUT", "/v1/projects/p1", "{\"name\":\"One\",\"organization_id\":\"o1\"}");

	assert_true(status == 201 || status == 200);
}

void rig_endpoint(struct rig *r, const char *more)
{
	char body[2048];

	snprintf(body, sizeof(body), "{\"url\":\"%s/hook\"%s}", r->receiver_url, more);
	rig_call(r, "PUT", "/v1/projects/p1/endpoints/e1", body);
	if (r->status != 201 && r->status != 200)
		fail_msg("%d %s", r->status, buf_str(&r->body));
}

void rig_wait(struct rig *r, const char *path, const char *at, const char *wanted)
{
	int64_t until = clock_mono_us() + PATIENCE_US;

	for (;;) {
		rig_call(r, "GET", path, NULL);
		if (strcmp(rig_text(r, at), wanted) == 0)
			return;
		if (clock_mono_us() > until)
			fail_msg("%s of %s is \"%s\", not \"%s\": %s", at, path, rig_text(r, at), wanted,
				 buf_str(&r->body));
		poll(NULL, 0, REST);
	}
}
