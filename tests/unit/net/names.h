/* A small DNS server on the test's loop, UDP on loopback. */
#ifndef TESTS_UNIT_NET_NAMES_H
#define TESTS_UNIT_NET_NAMES_H

#include <stdint.h>
#include <uv.h>

struct names;

struct names *names_new(uv_loop_t *loop);
/* Gone after the loop's next turn. */
void names_free(struct names **n);
/* "127.0.0.1:PORT", as c-ares takes it. */
const char *names_address(const struct names *n);
/*
 * What a name has from now on: numeric addresses with blanks between;
 * NULL: the server stays silent for it. Other names do not exist.
 */
void names_set(struct names *n, const char *name, const char *addresses, uint32_t ttl_s);
/* name is another name for target from now on: a CNAME, and target's addresses with it. */
void names_alias(struct names *n, const char *name, const char *target, uint32_t ttl_s);
/* Over UDP the answers for name are cut from now on: whole ones come over TCP. */
void names_truncate(struct names *n, const char *name);
/* Questions that came, for any name. */
size_t names_asked(const struct names *n);
/* Those of them that came over TCP. */
size_t names_asked_tcp(const struct names *n);

#endif
