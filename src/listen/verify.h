/* Does a request that arrived carry a valid signature? */
#ifndef LISTEN_VERIFY_H
#define LISTEN_VERIFY_H

#include "dialect/sign.h"
#include "net/server.h"

/*
 * NULL when it does; otherwise the reason, a constant. tls:
 * the request came over https, which URLs that are signed say.
 */
const char *verify_request(enum signature_kind kind, const char *secret, bool tls, const struct server_request *rq,
			   int64_t now_s);

#endif
