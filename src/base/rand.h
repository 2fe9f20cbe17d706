/* Seeded chance (xoshiro256**) for jitter and simulations: the same seed gives the same numbers. Never for secrets. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stdbool.h>
#include <stdint.h>

struct rand {
	uint64_t s[4];
};

void rand_seed(struct rand *r, uint64_t seed);
uint64_t rand_u64(struct rand *r);
/* Evenly in [0, below), below > 0. */
uint64_t rand_below(struct rand *r, uint64_t below);
/* Evenly in [0, 1). */
double rand_unit(struct rand *r);
/* True with probability p. */
bool rand_chance(struct rand *r, double p);

#endif
