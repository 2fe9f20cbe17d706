/* The checksum of what the store keeps. Against disks that lie, not against people: it has no key. */
#ifndef STORE_CHECKSUM_H
#define STORE_CHECKSUM_H

#include <stdint.h>

#include "base/slice.h"

/*
 * XXH64 of the bytes. The seed is the number of what they belong
 * to, so that the same bytes in the wrong place do not pass.
 */
uint64_t checksum(struct slice s, uint64_t seed);

#endif
