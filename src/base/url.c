/*
 * Reading of http(s) URLs. Two programs that read one URL differently are how requests end where nobody allowed them
 * (SSRF): so this reader accepts only URLs on which all readers agree, and the connection is made to what it returns.
 * It splits and checks; whether an address may be connected to is decided by the layer above, on resolved addresses.
 *
 * The cut points are fixed first (scheme, authority, target), then host and port are checked inside the authority.
 */
#include "base/url.h"

#include <arpa/inet.h>
#include <stdio.h>

#define NAME_MAX_DNS  253
#define LABEL_MAX_DNS 63

struct reader {
	struct slice text;
	struct url *url;
	struct fault *fault;
};

/* Always false. at: where the trouble stands, a pointer into the text. */
static bool fail(struct reader *r, const char *at, const char *message)
{
	fault_param(r->fault, "", "%s", message);
	if (r->fault)
		r->fault->position = at - r->text.p;
	return false;
}

static bool check_bytes(struct reader *r)
{
	for (size_t i = 0; i < r->text.n; i++) {
		const char *at = r->text.p + i;
		uint8_t c = (uint8_t)*at;

		if (c < 0x20 || c == 0x7f)
			return fail(r, at, "control character in the URL; take it out or write it as %XX");
		if (c == ' ')
			return fail(r, at, "blank in the URL; take it out or write it as %20");
		if (c == '\\')
			return fail(r, at, "backslash in the URL; write / or %5C");
		if (c == '#')
			return fail(r, at, "fragment in the URL; leave out the # and what follows, or write %23");
	}
	return true;
}

/* *ret: the text behind "://". */
static bool read_scheme(struct reader *r, struct slice *ret)
{
	static const struct slice http = SLICE_LIT("http://"), https = SLICE_LIT("https://");
	struct slice text = r->text;

	r->url->https = text.n >= https.n && slice_eq_nocase(slice_of(text.p, https.n), https);
	if (!r->url->https && !(text.n >= http.n && slice_eq_nocase(slice_of(text.p, http.n), http)))
		return fail(r, text.p, "the URL must begin with http:// or https://");
	*ret = slice_from(text, r->url->https ? https.n : http.n);
	return true;
}

/* The authority is what stands before the first / or ?. */
static void split_target(struct reader *r, struct slice *authority)
{
	size_t slash = slice_find(*authority, '/'), question = slice_find(*authority, '?');
	size_t n = slash < question ? slash : question;

	r->url->target = slice_from(*authority, n);
	r->url->authority_end = (size_t)(r->url->target.p - r->text.p);
	authority->n = n;
}

static bool check_authority(struct reader *r, struct slice authority)
{
	for (size_t i = 0; i < authority.n; i++) {
		const char *at = authority.p + i;

		if (*at == '@')
			return fail(
				r, authority.p,
				"user name or password in the URL; leave it out and set the endpoint's authentication");
		if (*at == '%')
			return fail(
				r, at,
				"percent sign in the host; write the name in plain letters, addresses without zone");
		if ((uint8_t)*at >= 0x80)
			return fail(r, at, "the host is not ASCII; write it in its xn-- form (punycode)");
	}
	return true;
}

static bool read_port(struct reader *r, struct slice s)
{
	long long port;

	if (s.n == 0)
		return fail(r, s.p, "the port is missing after the colon; write it or leave out the colon");
	if (s.n > 5 || s.p[0] < '1' || s.p[0] > '9' || !slice_to_i64(s, &port) || port > 65535)
		return fail(r, s.p, "the port must be a number from 1 to 65535 without leading zeros");
	r->url->port_given = true;
	r->url->port = (uint16_t)port;
	return true;
}

/* s: from the opening bracket on. *ret_rest: behind the closing one. */
static bool read_v6(struct reader *r, struct slice s, struct slice *ret_rest)
{
	size_t n = slice_find(s, ']');
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (n == s.n)
		return fail(r, s.p, "the [ of an IPv6 address is not closed");
	if (n - 1 < sizeof(text)) {
		slice_copy(text, sizeof(text), slice_of(s.p + 1, n - 1));
		if (inet_pton(AF_INET6, text, &address) == 1) {
			r->url->host_is_ip = true;
			inet_ntop(AF_INET6, &address, r->url->host, sizeof(r->url->host));
			*ret_rest = slice_from(s, n + 1);
			return true;
		}
	}
	return fail(r, s.p, "no IPv6 address stands between the brackets");
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Four decimal numbers from 0 to 255 without leading zeros: the only numeric spelling of which there is one reading. */
static bool is_quad(const char *host)
{
	struct in_addr address;

	return inet_pton(AF_INET, host, &address) == 1; /* glibc's is exactly this strict, leading zeros included */
}

static bool all_of(struct slice s, const char *set)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr(set, s.p[i]))
			return false;
	return true;
}

/* Would some reader take the host for a number because of this last label? (The rule of the WHATWG URL standard.) */
static bool looks_numeric(const char *host)
{
	const char *dot = strrchr(host, '.');
	struct slice label = slice_str(dot ? dot + 1 : host);

	if (slice_starts(label, SLICE_LIT("0x")))
		return all_of(slice_from(label, 2), "0123456789abcdef");
	return all_of(label, "0123456789");
}

/* Copies the name in lower case into url->host. */
static bool copy_name(struct reader *r, struct slice name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		if (!is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-' && c != '_' && c != '.')
			return fail(r, name.p + i,
				    "a host name has only letters, digits, hyphens, underscores and dots");
		r->url->host[i] = c;
	}
	r->url->host[name.n] = '\0';
	return true;
}

/* The labels of url->host, which is a copy of `name` in lower case. */
static bool check_labels(struct reader *r, struct slice name)
{
	struct slice rest = slice_of(r->url->host, name.n);

	for (;;) {
		size_t n = slice_find(rest, '.');
		const char *at = name.p + (rest.p - r->url->host);

		if (n == 0)
			return fail(r, at, "empty part between the dots of the host name");
		if (n > LABEL_MAX_DNS)
			return fail(r, at, "a part of the host name is longer than 63 characters");
		if (n == rest.n)
			return true;
		rest = slice_from(rest, n + 1);
	}
}

static bool read_name(struct reader *r, struct slice name)
{
	struct slice whole = name;

	if (name.n > 1 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0)
		return fail(r, name.p, "the host is missing");
	if (name.n > NAME_MAX_DNS)
		return fail(r, name.p, "the host name is longer than 253 characters");
	if (!copy_name(r, name) || !check_labels(r, name))
		return false;
	if (!looks_numeric(r->url->host))
		return true;
	r->url->host_is_ip = whole.n == name.n && is_quad(r->url->host);
	if (!r->url->host_is_ip)
		return fail(
			r, name.p,
			"the host looks like a number; write an IPv4 address as four decimal numbers from 0 to 255, "
			"without leading zeros");
	return true;
}

static bool read_host_and_port(struct reader *r, struct slice authority)
{
	bool v6 = authority.n > 0 && authority.p[0] == '[';
	struct slice rest = slice_from(authority, v6 ? 0 : slice_find(authority, ':'));

	if (v6 && !read_v6(r, authority, &rest))
		return false;
	if (!v6 && !read_name(r, slice_of(authority.p, authority.n - rest.n)))
		return false;
	r->url->port = r->url->https ? 443 : 80;
	if (rest.n == 0)
		return true;
	if (rest.p[0] != ':')
		return fail(r, rest.p, "something stands between the ] of the address and the port; take it out");
	return read_port(r, slice_from(rest, 1));
}

int url_parse(struct slice text, struct url *ret, struct fault *fault)
{
	struct url url = { 0 };
	struct reader r = { .text = slice_of(text.p ? text.p : "", text.n), .url = &url, .fault = fault };
	struct slice authority;

	if (!check_bytes(&r) || !read_scheme(&r, &authority))
		return ERR_INVALID;
	split_target(&r, &authority);
	if (!check_authority(&r, authority) || !read_host_and_port(&r, authority))
		return ERR_INVALID;
	*ret = url;
	return 0;
}
