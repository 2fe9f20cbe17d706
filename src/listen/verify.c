/*
 * The request as a receiver's library gets it, for dialect/sign.h to check: the URL
 * is put together from the Host header and the target, as frameworks do. Behind a
 * proxy that changes either of them signatures over URLs do not fit, here as there.
 */
#include "listen/verify.h"

#define HEADERS_MAX ((size_t)200) /* the server's own bound of a header block lies about there */

static void url_add(struct buf *url, bool tls, const struct server_request *rq)
{
	buf_add_str(url, tls ? "https://" : "http://");
	buf_add_slice(url, server_header(rq, "Host"));
	buf_add_slice(url, server_path(rq));
	if (server_query(rq).n == 0)
		return;
	buf_add_char(url, '?');
	buf_add_slice(url, server_query(rq));
}

const char *verify_request(enum signature_kind kind, const char *secret, bool tls, const struct server_request *rq,
			   int64_t now_s)
{
	struct http_header headers[HEADERS_MAX];
	struct http_request seen = { .headers = headers, .body = server_body(rq) };
	const char *reason;
	struct buf url;

	buf_init(&url, (size_t)1 << 20);
	url_add(&url, tls, rq);
	seen.url = buf_slice(&url);
	while (seen.header_count < HEADERS_MAX &&
	       server_header_at(rq, seen.header_count, &headers[seen.header_count].name,
				&headers[seen.header_count].value))
		seen.header_count++;
	reason = sign_verify(kind, secret, &seen, now_s);
	buf_free(&url);
	return reason;
}
