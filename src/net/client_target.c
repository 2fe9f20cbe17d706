/*
 * Where a call goes: its URL read once, strictly, by base/url.h, the port held against
 * the list, a numeric host against the guard. libcurl never sees the text of the request
 * but a URL put together from the parts, so that two readers of one text cannot disagree.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>

#include "net/client_impl.h"

#define URL_MAX (64 * 1024)

static void fail(struct client_target *t, enum failure failure, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void fail(struct client_target *t, enum failure failure, const char *fmt, ...)
{
	va_list ap;

	t->failure = failure;
	va_start(ap, fmt);
	vsnprintf(t->reason, sizeof(t->reason), fmt, ap);
	va_end(ap);
}

static bool port_allowed(const struct client_peer *p, uint16_t port)
{
	const struct http_peer *settings = p->settings;

	if (!settings->ports || guard_ports_chosen(p->client->guard))
		return guard_port(p->client->guard, port);
	for (size_t i = 0; i < settings->port_count; i++)
		if (settings->ports[i] == port)
			return true;
	return false;
}

static const char *check_numeric(const struct client_peer *p, const struct url *url)
{
	union resolve_address a = { 0 };

	if (uv_ip4_addr(url->host, url->port, &a.in) != 0 && uv_ip6_addr(url->host, url->port, &a.in6) != 0)
		return "it is no address";
	return guard_check(p->client->guard, &a.sa);
}

static void check(struct client_peer *p, struct client_target *t)
{
	const struct url *url = &t->url;
	const char *why = url->host_is_ip ? check_numeric(p, url) : NULL;

	if (!port_allowed(p, url->port))
		fail(t, FAILURE_REFUSED_ADDRESS,
		     "port %u of %s is not among the allowed ports; use an allowed one or open it with --allow-ports",
		     url->port, url->host);
	else if (why)
		fail(t, FAILURE_REFUSED_ADDRESS,
		     "the address %s is refused: %s; if it is meant, open it with --allow-net", url->host, why);
}

static void put_together(struct client_target *t)
{
	const struct url *url = &t->url;
	bool v6 = strchr(url->host, ':') != NULL;

	buf_init(&t->sent, URL_MAX + sizeof(url->host));
	buf_addf(&t->sent, v6 ? "%s://[%s]:%u" : "%s://%s:%u", url->https ? "https" : "http", url->host, url->port);
	if (url->target.n == 0 || url->target.p[0] != '/')
		buf_add_char(&t->sent, '/');
	buf_add_slice(&t->sent, url->target);
	buf_add_char(&t->sent, '\0');
}

const struct client_target *client_target_read(struct client_peer *p, struct slice url)
{
	struct client_target *t = &p->target;
	struct fault fault;
	uint64_t serial = t->serial + 1;
	unsigned guard = guard_version(p->client->guard);

	if (t->serial && t->guard == guard && slice_eq(buf_slice(&t->text), url))
		return t;
	buf_free(&t->text);
	buf_free(&t->sent);
	t->serial = serial;
	t->guard = guard;
	t->failure = FAILURE_NONE;
	buf_init(&t->text, URL_MAX);
	buf_add_slice(&t->text, url);
	if (buf_failed(&t->text))
		fail(t, FAILURE_RENDER, "the URL is longer than %d bytes; shorten its template", URL_MAX);
	else if (url_parse(buf_slice(&t->text), &t->url, &fault) != 0)
		fail(t, FAILURE_RENDER, "the URL cannot be used: %s", fault.message);
	else
		check(p, t);
	if (t->failure == FAILURE_NONE)
		put_together(t);
	return t;
}
