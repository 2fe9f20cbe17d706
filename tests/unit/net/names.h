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
/* What a name has from now on: numeric addresses with blanks between; NULL: the server stays silent for it. Other names do not exist. */
void names_set(struct names *n, const char *name, const char *addresses, uint32_t ttl_s);
/* Questions that came, for any name. */
size_t names_asked(const struct names *n);

#endif
