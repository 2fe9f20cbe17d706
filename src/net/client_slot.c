/*
 * Slots: a peer's easy handles, kept and used again. Nearly all options are the same for every exchange of a peer and
 * are set once; a call sets its body, its header lines and, when they changed, its URL, method and addresses.
 *
 * Nothing that libcurl would do by itself is left on: no proxy from the environment,
 * no redirects, no cookies, no .netrc, no compression, no look-up of its own (the
 * addresses are handed over), no headers that the request does not have.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/client_impl.h"

/* A connection older than this is not used again: when the name leads elsewhere by then, traffic follows. */
#define CONNECTION_LIFE_S 300
/* libcurl asks "Expect: 100-continue" for bodies above. */
#define EXPECT_MIN    (1024 * 1024)
#define LINES_MAX     (256 * 1024)
#define ADDRESSES_MAX 2048
/* An answer's buffer above this is given back after the exchange. */
#define BODY_KEPT (16 * 1024)

static void options_transport(CURL *easy, struct client_slot *slot)
{
	const struct http_peer *settings = slot->peer->settings;

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 0L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_S);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, client_socket_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, slot);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, client_socket_close);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, slot->peer->client);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, client_socket_check);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, slot);
}

static void options_answer(CURL *easy, struct client_slot *slot)
{
	curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->error);
	curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_TRANSFER_DECODING, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, client_answer_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, client_answer_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
}

static void options_access(CURL *easy, struct client_slot *slot)
{
	const struct http_peer *settings = slot->peer->settings;

	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, client_tls_setup);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, slot);
	client_tls_options(easy, settings);
	if (!settings->username)
		return;
	curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	curl_easy_setopt(easy, CURLOPT_USERNAME, settings->username);
	curl_easy_setopt(easy, CURLOPT_PASSWORD, settings->password ? settings->password : "");
}

static struct client_slot *slot_new(struct client_peer *p)
{
	CURL *easy = curl_easy_init();
	CURLU *url = curl_url();
	struct client_slot *slot;

	if (!easy || !url) {
		curl_easy_cleanup(easy);
		curl_url_cleanup(url);
		return NULL;
	}
	slot = mem_zalloc(sizeof(*slot));
	slot->easy = easy;
	slot->url = url;
	slot->peer = p;
	slot->method = HTTP_GET; /* libcurl's own beginning */
	list_init(&slot->link);
	buf_init(&slot->lines, LINES_MAX);
	buf_init(&slot->headers, HTTP_HEADERS_MAX);
	buf_init(&slot->body, HTTP_BODY_MAX);
	options_transport(easy, slot);
	options_answer(easy, slot);
	options_access(easy, slot);
	return slot;
}

struct client_slot *client_slot_take(struct client_peer *p)
{
	struct list *it = list_pop(&p->free_slots);
	struct client_slot *slot = it ? CONTAINER_OF(it, struct client_slot, link) : slot_new(p);

	if (slot)
		list_push(&p->busy_slots, &slot->link);
	return slot;
}

void client_slot_return(struct client_slot *slot)
{
	curl_multi_remove_handle(slot->peer->multi, slot->easy);
	slot->call = NULL;
	list_del(&slot->link);
	/* To the front: its memory is still in the processor's caches. */
	list_push_front(&slot->peer->free_slots, &slot->link);
}

void client_slot_free(struct client_slot *slot)
{
	list_del(&slot->link);
	curl_easy_cleanup(slot->easy);
	curl_url_cleanup(slot->url);
	curl_slist_free_all(slot->addresses);
	buf_free(&slot->lines);
	buf_free(&slot->headers);
	buf_free(&slot->body);
	mem_free(slot->nodes);
	mem_free(slot);
}

/*
 * The templates' compiler has refused control bytes already; a
 * second look here, because a line break would be another header.
 */
static bool header_clean(const struct http_header *h)
{
	for (size_t i = 0; i < h->name.n; i++)
		if ((uint8_t)h->name.p[i] <= ' ' || h->name.p[i] == ':' || h->name.p[i] == 0x7f)
			return false;
	for (size_t i = 0; i < h->value.n; i++)
		if (((uint8_t)h->value.p[i] < ' ' && h->value.p[i] != '\t') || h->value.p[i] == 0x7f)
			return false;
	return h->name.n > 0;
}

/* libcurl sends "Name;" as a header without a value, and takes "Name:" for "leave it out". */
static void line_add(struct buf *lines, const struct http_header *h)
{
	buf_add_slice(lines, h->name);
	if (slice_trim(h->value).n > 0) {
		buf_add(lines, ": ", 2);
		buf_add_slice(lines, h->value);
	} else {
		buf_add_char(lines, ';');
	}
	buf_add_char(lines, '\0');
}

static bool lines_build(struct buf *lines, const struct http_request *request)
{
	bool accept = false, type = false;

	buf_reset(lines);
	for (size_t i = 0; i < request->header_count; i++) {
		const struct http_header *h = &request->headers[i];

		if (!header_clean(h))
			return false;
		accept |= slice_eq_nocase(h->name, SLICE_LIT("accept"));
		type |= slice_eq_nocase(h->name, SLICE_LIT("content-type"));
		line_add(lines, h);
	}
	if (!accept)
		buf_add(lines, "Accept:", sizeof("Accept:"));
	if (!type && request->method == HTTP_POST)
		buf_add(lines, "Content-Type:", sizeof("Content-Type:"));
	if (request->body.n >= EXPECT_MIN)
		buf_add(lines, "Expect:", sizeof("Expect:"));
	return !buf_failed(lines);
}

/* A list for libcurl over the lines, without its malloc and strdup for each. */
static void nodes_link(struct client_slot *slot, size_t count_max)
{
	size_t count = 0;

	if (count_max > slot->node_cap) {
		slot->nodes = mem_realloc(slot->nodes, count_max * sizeof(*slot->nodes));
		slot->node_cap = count_max;
	}
	for (size_t at = 0; at < slot->lines.n; at += strlen(slot->lines.p + at) + 1, count++) {
		slot->nodes[count] = (struct curl_slist){ slot->lines.p + at, NULL };
		if (count > 0)
			slot->nodes[count - 1].next = &slot->nodes[count];
	}
	curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, count ? slot->nodes : NULL);
}

static bool headers_load(struct client_slot *slot, const struct http_request *request)
{
	if (!lines_build(&slot->lines, request)) {
		slot->failure = FAILURE_RENDER;
		snprintf(
			slot->reason, sizeof(slot->reason),
			"a header of the request has a name or value that cannot be sent; mend the endpoint's headers");
		return false;
	}
	nodes_link(slot, request->header_count + 3);
	return true;
}

static void body_load(struct client_slot *slot, const struct http_request *request)
{
	if (request->method == HTTP_GET) {
		if (slot->method != HTTP_GET)
			curl_easy_setopt(slot->easy, CURLOPT_HTTPGET, 1L);
	} else {
		curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
		curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, request->body.p ? request->body.p : "");
	}
	slot->method = request->method;
}

/* A bound source address can only reach its own family. */
static bool address_wanted(const struct client *c, const union resolve_address *a)
{
	return c->bind.sa.sa_family == AF_UNSPEC || c->bind.sa.sa_family == a->sa.sa_family;
}

static bool any_wanted(const struct client *c, const struct resolve_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		if (address_wanted(c, &answer->addresses[i]))
			return true;
	return false;
}

/*
 * "host:port:address,address" as CURLOPT_RESOLVE wants it. When none can
 * be reached they all stay, so that the connection fails with its reason.
 */
static void addresses_write(struct buf *out, const struct client_peer *p, const struct resolve_answer *answer)
{
	bool choose = any_wanted(p->client, answer);
	const char *gap = "";

	buf_addf(out, "%s:%u:", p->target.url.host, p->target.url.port);
	for (size_t i = 0; i < answer->count; i++) {
		const union resolve_address *a = &answer->addresses[i];
		char text[INET6_ADDRSTRLEN] = "";

		if (choose && !address_wanted(p->client, a))
			continue;
		uv_ip_name(&a->sa, text, sizeof(text));
		buf_addf(out, a->sa.sa_family == AF_INET6 ? "%s[%s]" : "%s%s", gap, text);
		gap = ",";
	}
}

static void addresses_say(struct client_slot *slot, const struct resolve_answer *answer)
{
	struct client_peer *p = slot->peer;
	struct buf text;

	buf_init(&text, ADDRESSES_MAX);
	if (p->loaded.n > 0) {
		buf_addf(&text, "-%s", buf_str(&p->loaded));
		slot->addresses = curl_slist_append(slot->addresses, buf_str(&text));
		buf_reset(&text);
	}
	addresses_write(&text, p, answer);
	slot->addresses = curl_slist_append(slot->addresses, buf_str(&text));
	buf_free(&text);
	buf_reset(&p->loaded);
	buf_addf(&p->loaded, "%s:%u", p->target.url.host, p->target.url.port);
	p->loaded_port = p->target.url.port;
	p->loaded_serial = answer->serial;
}

/*
 * The multi handle keeps what it was told, so it is told again only
 * when the port or the answer (and so perhaps the name) is another.
 */
static void addresses_load(struct client_slot *slot, const struct resolve_answer *answer)
{
	struct client_peer *p = slot->peer;
	bool said = slot->addresses != NULL;

	curl_slist_free_all(slot->addresses);
	slot->addresses = NULL;
	if (answer && (answer->serial != p->loaded_serial || p->target.url.port != p->loaded_port))
		addresses_say(slot, answer);
	if (said || slot->addresses)
		curl_easy_setopt(slot->easy, CURLOPT_RESOLVE, slot->addresses);
}

/*
 * As a parsed URL: from text libcurl would read it anew for each
 * request, which costs it more than all that we do for one.
 */
static bool target_load(struct client_slot *slot)
{
	const struct client_target *t = &slot->peer->target;

	if (slot->target_serial == t->serial)
		return true;
	slot->target_serial = 0;
	if (curl_url_set(slot->url, CURLUPART_URL, buf_str(&t->sent), CURLU_PATH_AS_IS) != CURLUE_OK ||
	    curl_easy_setopt(slot->easy, CURLOPT_CURLU, slot->url) != CURLE_OK) {
		slot->failure = FAILURE_RENDER;
		snprintf(slot->reason, sizeof(slot->reason), "libcurl cannot use the URL; mend its template");
		return false;
	}
	slice_copy(slot->host, sizeof(slot->host), slice_str(t->url.host));
	slot->https = t->url.https;
	slot->target_serial = t->serial;
	return true;
}

bool client_slot_load(struct client_slot *slot, struct client_call *call, const struct resolve_answer *addresses)
{
	slot->call = call;
	slot->error[0] = '\0';
	if (slot->body.cap > BODY_KEPT)
		buf_free(&slot->body);
	client_answer_reset(slot);
	if (!headers_load(slot, call->request) || !target_load(slot))
		return false;
	body_load(slot, call->request);
	addresses_load(slot, addresses);
	call->started_us = clock_mono_us();
	if (curl_multi_add_handle(slot->peer->multi, slot->easy) == CURLM_OK)
		return true;
	slot->failure = FAILURE_INTERNAL;
	snprintf(slot->reason, sizeof(slot->reason),
		 "the transfer could not be started; look at this machine's memory");
	return false;
}
