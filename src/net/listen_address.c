/* One reading for the door that listens, the settings that depend on where, and the doctor who tries it before. */
#include "net/listen_address.h"

#include <arpa/inet.h>
#include <string.h>

bool listen_address_read(struct slice text, union listen_address *ret)
{
	struct slice host = text, port;
	size_t colon = text.n;
	char name[64];
	long long number;

	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	if (colon == 0)
		return false;
	host.n = colon - 1;
	port = slice_from(text, colon);
	if (!slice_to_i64(port, &number) || number < 0 || number > 65535)
		return false;
	memset(ret, 0, sizeof(*ret));
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		slice_copy(name, sizeof(name), slice_of(host.p + 1, host.n - 2));
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons((uint16_t)number);
		return inet_pton(AF_INET6, name, &ret->v6.sin6_addr) == 1;
	}
	slice_copy(name, sizeof(name), host);
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons((uint16_t)number);
	return inet_pton(AF_INET, name, &ret->v4.sin_addr) == 1;
}

socklen_t listen_address_size(const union listen_address *a)
{
	return a->any.sa_family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
}

bool listen_address_is_loopback(const union listen_address *a)
{
	if (a->any.sa_family == AF_INET)
		return (ntohl(a->v4.sin_addr.s_addr) >> 24) == 127;
	return a->any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}
