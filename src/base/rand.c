/*
 * xoshiro256** (Blackman and Vigna), filled from one number by splitmix64 as its authors advise. Jitter of retries and
 * the simulator draw from it; a failed simulation is repeated by its seed.
 */
#include "base/rand.h"

#include <assert.h>

static uint64_t splitmix(uint64_t *state)
{
	uint64_t v = *state += 0x9e3779b97f4a7c15;

	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9;
	v = (v ^ v >> 27) * 0x94d049bb133111eb;
	return v ^ v >> 31;
}

void rand_seed(struct rand *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix(&seed);
}

static uint64_t rotate(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

uint64_t rand_u64(struct rand *r)
{
	uint64_t *s = r->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

uint64_t rand_below(struct rand *r, uint64_t below)
{
	uint64_t uneven, v;

	assert(below > 0);
	uneven = -below % below; /* 2^64 mod below: drawn again, or small results would come up more often */
	do
		v = rand_u64(r);
	while (v < uneven);
	return v % below;
}

double rand_unit(struct rand *r)
{
	return (double)(rand_u64(r) >> 11) * 0x1p-53;
}

bool rand_chance(struct rand *r, double p)
{
	return rand_unit(r) < p;
}
