/*
 * XXH64 (Yann Collet's, public description and test vectors): four lanes of multiplications, 32 bytes at a time. Every
 * row is summed when it is written and whenever it is read, so this is a part of what an event costs: zlib's CRC-32
 * takes five times as long, as much as a fifth of the whole commit. Rows store 32 bits of it: one damaged row in four
 * billion passes, as with a CRC. libxxhash would be one more library for these few lines.
 */
#include "store/checksum.h"

#include <string.h>

#define P1 UINT64_C(0x9e3779b185ebca87)
#define P2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define P3 UINT64_C(0x165667b19e3779f9)
#define P4 UINT64_C(0x85ebca77c2b2ae63)
#define P5 UINT64_C(0x27d4eb2f165667c5)

static uint64_t rotate(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

/* Little endian on every machine: a data folder may move to another one. */
static uint64_t load64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static uint64_t load32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	return v;
}

static uint64_t round_of(uint64_t lane, uint64_t word)
{
	return rotate(lane + word * P2, 31) * P1;
}

static uint64_t merge(uint64_t h, uint64_t lane)
{
	return (h ^ round_of(0, lane)) * P1 + P4;
}

/* All whole blocks of 32 bytes at *p. */
static uint64_t sum_blocks(const char **p, const char *end, uint64_t seed)
{
	uint64_t a = seed + P1 + P2, b = seed + P2, c = seed, d = seed - P1, h;

	for (; end - *p >= 32; *p += 32) {
		a = round_of(a, load64(*p));
		b = round_of(b, load64(*p + 8));
		c = round_of(c, load64(*p + 16));
		d = round_of(d, load64(*p + 24));
	}
	h = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
	return merge(merge(merge(merge(h, a), b), c), d);
}

uint64_t checksum(struct slice s, uint64_t seed)
{
	const char *p = s.n > 0 ? s.p : "", *end = p + s.n;
	uint64_t h = (s.n >= 32 ? sum_blocks(&p, end, seed) : seed + P5) + s.n;

	for (; end - p >= 8; p += 8)
		h = rotate(h ^ round_of(0, load64(p)), 27) * P1 + P4;
	if (end - p >= 4) {
		h = rotate(h ^ load32(p) * P1, 23) * P2 + P3;
		p += 4;
	}
	for (; p < end; p++)
		h = rotate(h ^ (uint8_t)*p * P5, 11) * P1;
	h = (h ^ h >> 33) * P2;
	h = (h ^ h >> 29) * P3;
	return h ^ h >> 32;
}
